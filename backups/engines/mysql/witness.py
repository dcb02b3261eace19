"""Facts of one table by plain SQL: how many rows, how many values, and between which bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backups.engines.mysql import text
from backups.engines.mysql.columns import is_type
from backups.engines.mysql.session import Session
from backups.facts import ColumnWitness, Witness
from backups.tables import Column, Table

_ORDERED = {"integer", "boolean", "decimal", "float", "date", "time", "datetime", "timestamp", "duration"}
_LONGEST_TEXT = 255  # characters; comparing longer ones is no longer cheap


def take(session: Session, table: Table) -> Witness:
    """Return the witness of a table: one pass over it."""
    selected = ["COUNT(*)", *(expression for column in table.columns for expression in _facts(column))]
    found = iter(session.query(f"SELECT {', '.join(selected)} FROM {text.name(table.name)} AS t")[0])
    rows = int(next(found))
    return Witness(rows, {column.name: _witness(column, found) for column in table.columns})


def _facts(column: Column) -> Iterator[str]:
    yield f"COUNT({_own(column)})"
    compared = _compared(column)
    if compared:
        yield f"CAST(MIN({compared}) AS CHAR)"
        yield f"CAST(MAX({compared}) AS CHAR)"


def _witness(column: Column, found: Iterator[object]) -> ColumnWitness:
    filled = int(str(next(found)))
    if not _compared(column):
        return ColumnWitness(filled)
    least, greatest = next(found), next(found)
    return ColumnWitness(filled, None if least is None else str(least), None if greatest is None else str(greatest))


def _own(column: Column) -> str:
    return f"t.{text.name(column.name)}"


def _compared(column: Column) -> str:
    """Return what the bounds are taken of, empty where they are not taken: too long, or in no order of its own."""
    own = _own(column)
    if column.kind == "float" or is_type(column, "bit"):
        return f"{own} + 0e0" if column.kind == "float" else f"{own} + 0"
    if column.kind in _ORDERED:
        return own
    found = re.match(r"(?:var)?char\((\d+)\)", column.type)
    # By its code points: under the column's own collation two values may be equal, and either the least.
    short = found is not None and int(found[1]) <= _LONGEST_TEXT and not column.detail
    return f"CAST(CONVERT({own} USING utf8mb4) AS BINARY)" if short else ""
