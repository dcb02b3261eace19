"""What differs between two states of one row, field by field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from backups.rows import Cell, Exact, Row
from backups.tables import RAW_KINDS, Column, Table

ADDED, CHANGED, DELETED = "added", "changed", "deleted"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of a row, in the earlier state and in the later one; None for SQL NULL."""

    column: Column
    then: Cell
    now: Cell

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "field": self.column.field or self.column.name,
            "then": plain(self.column, self.then),
            "now": plain(self.column, self.now),
        }

    def sentence(self) -> str:
        """Say it, for people."""
        return f"{self.column.field or self.column.name}: {shown(self.then)} → {shown(self.now)}"


def changed(table: Table, then: Mapping[str, Cell], now: Mapping[str, Cell]) -> tuple[FieldChange, ...]:
    """Return the columns of a table that two states hold both, and that are not the same."""
    shared = (column for column in table.columns if column.name in then and column.name in now)
    return tuple(FieldChange(c, then[c.name], now[c.name]) for c in shared if then[c.name] != now[c.name])


def by_name(table: Table, row: Row) -> dict[str, Cell]:
    """Return the cells of a row by the names of their columns."""
    return {column.name: cell for column, cell in zip(table.columns, row, strict=True)}


def plain(column: Column, cell: Cell) -> Any:
    """Return a cell as JSON: numbers and JSON values as themselves, what only the engine can say as a dictionary."""
    if isinstance(cell, Exact):
        return {"exact": cell.value}
    if cell is None or column.kind not in RAW_KINDS:
        return cell
    try:
        return json.loads(cell)
    except (ValueError, RecursionError):
        return cell


def shown(cell: Cell, width: int = 60) -> str:
    """Return a cell for people, on one line."""
    if cell is None:
        return "NULL"
    text = " ".join((cell if isinstance(cell, str) else str(cell.value)).split())
    return text if len(text) <= width else text[: width - 1] + "…"
