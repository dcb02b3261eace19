"""Makes the extensions, types, collations and functions that tables need."""

from django.contrib.postgres.operations import (
    BtreeGistExtension,
    CITextExtension,
    CreateCollation,
    HStoreExtension,
    TrigramExtension,
)
from django.db import migrations

from tests.zoo_pg.operations import OnlyOn, RunPairs
from tests.zoo_pg.sql.types import TYPES


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        OnlyOn(
            "postgresql",
            [
                BtreeGistExtension(),
                CITextExtension(),
                HStoreExtension(),
                TrigramExtension(),
                CreateCollation("zoo_pg_bytes", locale="C"),
                RunPairs(TYPES),
            ],
        )
    ]
