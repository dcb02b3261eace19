"""Files that rows name: a database holds the name alone, so a backup of it says that they are not in it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import FileField

from backups.facts import Uncovered
from backups.tables import Table, models_by_table

REASON = "the database holds their names only; the files lie in a storage that needs a backup of its own"


def uncovered(tables: Iterable[Table]) -> list[Uncovered]:
    """Return the file fields of the models of these tables."""
    models = models_by_table()
    found = ((table.label, models.get(table.name)) for table in tables)
    return [
        Uncovered("files", f"{label}.{field.name}", REASON)
        for label, model in found
        if model is not None and label == model._meta.label_lower
        for field in model._meta.local_concrete_fields
        if isinstance(field, FileField)
    ]
