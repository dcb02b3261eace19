"""Makes the tables that no model knows, and what stands on them."""

from django.db import migrations

from tests.zoo_pg.operations import OnlyOn, RunPairs
from tests.zoo_pg.sql.objects import OBJECTS
from tests.zoo_pg.sql.tables import TABLES


class Migration(migrations.Migration):
    dependencies = [("zoo_pg", "0002_models")]

    operations = [OnlyOn("postgresql", [RunPairs(TABLES), RunPairs(OBJECTS)])]
