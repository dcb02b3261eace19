"""Says of what SQLite refused to load which row it was: table and primary key, never the row's other values."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping

from backups.engines.sqlite import facts
from backups.engines.sqlite.catalog import ForeignKey
from backups.engines.sqlite.cells import cell_of
from backups.engines.sqlite.connection import quoted
from backups.exceptions import RestoreError
from backups.facts import Orphans
from backups.rows import Cell, Exact, Row
from backups.schema import Statement
from backups.tables import Table

_UNIQUE = re.compile(r"UNIQUE constraint failed: (.+)")
_LONGEST = 200  # characters of a key in a sentence


def row_refused(table: Table, row: Row, number: int, reason: Exception) -> RestoreError:
    """Return the error for a row of a chunk; ``number`` counts the table's rows from 1."""
    cells = dict(zip((column.name for column in table.columns), row, strict=True))
    key = _written(cells[name] for name in table.pk)
    which = f"with primary key {key}" if key else f"number {number}"
    return RestoreError(
        f"The row of table {table.qualified} {which} did not go in: {reason}.", table=table.name, key=key
    )


def statement_refused(
    connection: sqlite3.Connection, tables: Mapping[str, Table], statement: Statement, reason: Exception
) -> RestoreError:
    """Return the error for a statement; where rows are not unique, with one of them."""
    key, table = "", tables.get(statement.table)
    if table and (unique := _UNIQUE.match(str(reason))):
        columns = ", ".join(quoted(part.rpartition(".")[2]) for part in unique[1].split(", "))
        twice = f"SELECT {columns} FROM {quoted(table.name)} GROUP BY {columns} HAVING count(*) > 1"
        key = _found(connection, table, f"FROM {quoted(table.name)} AS child WHERE ({columns}) IN ({twice})")
    row = f", because of the row with primary key {key}" if key else ""
    owner = f" of table {statement.table}" if statement.table not in {"", statement.name} else ""
    return RestoreError(
        f"The {statement.kind} {statement.name}{owner} could not be made{row}: {reason}.",
        table=statement.table,
        key=key,
    )


def rows_dangling(
    connection: sqlite3.Connection, tables: Mapping[str, Table], found: Orphans, keys: Iterable[ForeignKey]
) -> RestoreError:
    """Return the error for a foreign key that more rows break than did in the source."""
    foreign = next(key for key in keys if key.columns == found.columns and key.parent == found.parent)
    table = tables.get(found.table)
    key = _found(connection, table, facts.pointing_at_nothing(foreign)) if table else ""
    first = f", the first with primary key {key}" if key else ""
    return RestoreError(
        f"{found.rows} rows of table {found.table} have a {', '.join(found.columns)} that is not in {found.parent}{first}:"
        " more than in the source.",
        table=found.table,
        key=key,
    )


def _found(connection: sqlite3.Connection, table: Table, clause: str) -> str:
    """Return the primary key of one row that a FROM clause finds, as text; empty where there is none to be had."""
    columns = [table.column(name) for name in table.pk]
    if not columns:
        return ""
    select = ", ".join(f"child.{quoted(column.name)}" for column in columns)
    try:
        row = connection.execute(f"SELECT {select} {clause} LIMIT 1").fetchone()
    except sqlite3.OperationalError:
        return ""
    return _written(cell_of(column, value) for column, value in zip(columns, row or (), strict=bool(row)))


def _written(cells: Iterable[Cell]) -> str:
    texts = [str(cell.value) if isinstance(cell, Exact) else str(cell) for cell in cells]
    return ", ".join(texts)[:_LONGEST]
