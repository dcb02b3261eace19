"""Makes views, triggers and functions; the leaf, though its name does not sort last."""

from django.db import migrations

from tests.zoo.sql import backwards, forwards


class Migration(migrations.Migration):
    dependencies = [("zoo", "0004_b_raw_tables")]

    # MariaDB refuses DDL in a transaction; the others wrap the whole migration in one.
    operations = [migrations.RunPython(forwards("VIEWS_AND_TRIGGERS"), backwards("VIEWS_AND_TRIGGERS"), atomic=False)]
