"""What a backup says about one table: its columns, how each value is written, and what names a row.

These are plain values: engines make them from introspection, ``labelled`` lends them the names of Django's models,
and the manifest keeps them. Nothing here touches a database.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.apps import apps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import Field, Model

# A kind says how a value is written in a line (docs/format.md, "Kinds"). RAW kinds are JSON as they stand, the others
# stand in a JSON string.
RAW_KINDS = frozenset({"integer", "boolean", "float", "json", "array", "any"})
STRING_KINDS = frozenset(
    {
        "decimal",  # the database's own digits
        "text",
        "binary",  # base64, one line
        "datetime",  # an instant: 2026-11-22T16:43:15.000000Z
        "timestamp",  # no zone known: 2026-11-22T16:43:15.000000
        "date",
        "time",  # 16:43:15.000000
        "duration",  # ISO 8601 as Django writes it: P1DT02H00M00S
        "uuid",  # dashed
        "inet",
        "hstore",  # a JSON object, inside a string, as Django's HStoreField writes it
        "range",  # a JSON object with lower, upper and bounds, inside a string, as Django's RangeField writes it
        "native",  # the engine's own text
    }
)
KINDS = RAW_KINDS | STRING_KINDS


@dataclass(frozen=True, slots=True)
class Column:
    """One stored column. ``type`` is the engine's own spelling; ``field`` is the key of the value in a line."""

    name: str
    kind: str
    type: str
    field: str = ""
    nullable: bool = True
    scale: int | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """One table. ``columns`` are those that hold values of their own (generated ones do not), in the table's order.

    ``pk`` names the columns that stand as "pk" in a line; ``key`` those that order the rows and bound the chunks
    (unique and never null), empty where the whole row is the key. ``schema`` is empty where the engine has none.
    """

    name: str
    label: str
    columns: tuple[Column, ...]
    pk: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    schema: str = ""

    @property
    def qualified(self) -> str:
        """The name as people read it: ``schema.name``, or the name alone."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> Column:
        """Return the column of that name; KeyError where there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    def shape(self) -> tuple[object, ...]:
        """Return all that a line depends on; where it differs from the parent's, the table is stored anew."""
        return (
            self.label,
            self.pk,
            self.key,
            tuple((c.name, c.field, c.kind, c.scale, c.detail) for c in self.columns),
        )


def models_by_table() -> dict[str, type[Model]]:
    """Map each table name to the model that lends it its label; managed models come before unmanaged ones."""
    found: dict[str, type[Model]] = {}
    models = [m for m in apps.get_models(include_auto_created=True) if not m._meta.proxy and not m._meta.swapped]
    for model in sorted(models, key=lambda m: not m._meta.managed):
        found.setdefault(model._meta.db_table, model)
    return found


def model_columns(model: type[Model]) -> dict[str, Field[Any, Any]]:
    """Map each column of a model to its field."""
    return {str(f.column): f for f in model._meta.local_concrete_fields if f.column}


def labelled(table: Table, model: type[Model] | None, *, home: bool = True) -> Table:
    """Return the table with its label and field names: the model's where there is one, else its own.

    ``home`` says that the table lies in the schema where Django looks; elsewhere the schema is part of the label and
    models lend nothing.
    """
    if model is None or not home:
        label = f"tables.{table.name}" if home else f"tables.{table.schema}.{table.name}"
        return replace(table, label=label, pk=table.key, columns=tuple(_named(table.columns, {})))
    names = {column: field.name for column, field in model_columns(model).items()}
    pk = tuple(str(field.column) for field in model._meta.pk_fields)
    stored = {column.name for column in table.columns}
    return replace(
        table,
        label=model._meta.label_lower,
        pk=pk if pk and stored.issuperset(pk) else table.key,
        columns=tuple(_named(table.columns, names)),
    )


def _named(columns: Iterable[Column], names: dict[str, str]) -> Iterable[Column]:
    taken = set(names.values())
    for column in columns:
        name = names.get(column.name) or _plain(column.name)
        if column.name not in names:
            while name in taken:
                name += "!"
            taken.add(name)
        yield replace(column, field=name)


def _plain(name: str) -> str:
    """Return a column's name without what needs escaping in JSON; ``we"ird`` becomes ``we%22ird``."""
    return re.sub(r'[\x00-\x1f"%\\]', lambda found: f"%{ord(found[0]):02x}", name)
