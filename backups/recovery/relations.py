"""Which tables point at which: what the database holds to, and what only the project's models know."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from django.apps import apps
from django.db.models import Model

from backups.engines.editing import Editor
from backups.facts import Among, Key, Reference
from backups.ordering import ident
from backups.tables import Table


def model_of(table: Table) -> type[Model] | None:
    """Return the model that lends a table its label, or None."""
    try:
        return apps.get_model(table.label)
    except (LookupError, ValueError):
        return None


def model_references(tables: Collection[Table]) -> Iterator[Reference]:
    """Yield the foreign keys of the models, of which the database need not know: ``db_constraint=False``, MyISAM."""
    home = {table.label: table for table in tables}
    for table in tables:
        model = model_of(table)
        for field in model._meta.local_concrete_fields if model else ():
            target = getattr(field, "target_field", None) if field.remote_field else None
            parent = home.get(target.model._meta.concrete_model._meta.label_lower) if target is not None else None
            if target is not None and parent is not None:
                yield Reference(table.qualified, (str(field.column),), parent.qualified, (str(target.column),))


def absent(editor: Editor, table: Table, columns: tuple[str, ...], keys: Collection[Key]) -> list[Key]:
    """Return the keys that no row of a live table has in these columns, as the database itself compares them."""
    order = {column.name: place for place, column in enumerate(table.columns)}
    rows = editor.rows(table, Among(columns, tuple(keys))) if keys else ()
    there = {ident(tuple(row[order[name]] for name in columns)) for row in rows}
    # Equal by a collation need not be equal to the letter.
    return [key for key in keys if ident(key) not in there and not any(editor.rows(table, Among(columns, (key,))))]


def is_part(table: Table, reference: Reference) -> bool:
    """Say whether a foreign key leads to the rest of the very same thing: multi-table inheritance."""
    model = model_of(table)
    links = model._meta.parents.values() if model else ()
    return reference.columns in {(link.column,) for link in links if link is not None}


def usable(references: Iterable[Reference], tables: Collection[Table]) -> list[Reference]:
    """Return each foreign key once, where all of its columns and targets are in these tables."""
    columns = {table.qualified: {column.name for column in table.columns} for table in tables}
    return [
        reference
        for reference in dict.fromkeys(references)
        if columns.get(reference.table, set()).issuperset(reference.columns)
        and columns.get(reference.parent, set()).issuperset(reference.targets)
        and reference.targets
    ]
