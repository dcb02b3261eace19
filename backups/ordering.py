"""Keys that Python puts in the same order as the database does, so that nobody need be asked; others have no order here."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from backups.facts import Key
from backups.rows import Cell, Exact
from backups.tables import Column, Table

Order = Callable[[Key], tuple[Any, ...]]

_CONVERTERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "boolean": ("false", "true").index,
    "decimal": Decimal,
    "float": float,
    # Canonical texts of one length, with the greatest unit first.
    "date": str,
    "time": str,
    "datetime": str,
    "timestamp": str,
    "uuid": str,
}


class Unordered(ValueError):
    """Only the database can say where this key belongs."""


def order_of(table: Table, vendor: str) -> Order | None:
    """Return what sorts keys of a table as its database does; None where a collation, or the engine alone, decides.

    What is returned raises Unordered for a key that holds a value beside the canonical forms.
    """
    converters = [_converter(table.column(name), vendor) for name in table.key]
    known = [convert for convert in converters if convert]
    if not known or len(known) < len(converters):
        return None

    def order(key: Key) -> tuple[Any, ...]:
        texts = [cell for cell in key if not isinstance(cell, Exact)]
        if len(texts) < len(key):
            raise Unordered(f"A key of {table.qualified} has a value that only the database can order.")
        return tuple(convert(text) for convert, text in zip(known, texts, strict=True))

    return order


def _converter(column: Column, vendor: str) -> Callable[[str], Any] | None:
    if column.kind == "uuid" and vendor == "mysql" and column.type.lower() == "uuid":
        # MariaDB's own type puts the parts of a UUID in another order.
        return None
    return _CONVERTERS.get(column.kind)


def ident(cells: tuple[Cell, ...] | Key) -> tuple[str, ...]:
    """Return what stands for some cells as the key of a dictionary: equal cells, equal texts."""
    return tuple(cell if isinstance(cell, str) else f"\0{cell.value if cell else None}" for cell in cells)
