"""Makes rows, so that a freshly migrated database is not empty."""

from typing import Any

from django.db import migrations


def make(apps: Any, schema_editor: Any) -> None:
    starters = apps.get_model("zoo", "Starter").objects.using(schema_editor.connection.alias)
    for key in ("kept", "changed later", "deleted later"):
        starters.create(key=key, value="made by a migration")


class Migration(migrations.Migration):
    dependencies = [("zoo", "0002_weather")]

    operations = [migrations.RunPython(make, migrations.RunPython.noop, elidable=False)]
