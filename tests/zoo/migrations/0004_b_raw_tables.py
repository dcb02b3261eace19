"""Makes the tables that no model knows."""

from django.db import migrations

from tests.zoo.sql import backwards, forwards


class Migration(migrations.Migration):
    dependencies = [("zoo", "0003_starter_rows")]

    # MariaDB refuses DDL in a transaction; the others wrap the whole migration in one.
    operations = [migrations.RunPython(forwards("TABLES"), backwards("TABLES"), atomic=False)]
