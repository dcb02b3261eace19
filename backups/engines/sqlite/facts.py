"""What is counted and recorded beside the rows of a SQLite database: facts of the engine, witnesses, orphans."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from typing import Any

from backups.engines.base import ForeignKey as ForeignKeyOf
from backups.engines.sqlite.catalog import Catalog, ForeignKey
from backups.engines.sqlite.connection import pragma, quoted
from backups.engines.sqlite.view import View
from backups.facts import ColumnWitness, EngineFacts, Orphans, Witness
from backups.schema import Schema, Sequence
from backups.tables import Table

VIOLATIONS = "rows_that_fail_a_check"
_PROPERTIES = ("encoding", "page_size", "auto_vacuum", "user_version", "application_id")
_ORDERED = {"integer", "boolean", "float", "decimal", "datetime", "timestamp", "date", "time", "duration", "uuid"}


def facts_of(view: View, catalog: Catalog) -> EngineFacts:
    """Return what a fresh database must be like; ``extensions`` are the modules of its virtual tables.

    Rows that break a CHECK of their table are counted, so that a restore takes as many and no more: the check is waited for.
    """
    properties = {name: pragma(view.connection, name) for name in _PROPERTIES}
    properties["journal_mode"] = "wal" if view.is_wal else "delete"
    violations = view.check.violations()
    if violations:
        properties[VIOLATIONS] = json.dumps(violations)
    modules = tuple(sorted(set(catalog.virtual.values()) - set(catalog.foreign_modules().values())))
    return EngineFacts("sqlite", sqlite3.sqlite_version, properties, modules)


def witness_of(connection: sqlite3.Connection, table: Table) -> Witness:
    """Count and compare in one statement."""
    select = ["count(*)"]
    for column in table.columns:
        name = quoted(column.name)
        ordered = column.kind in _ORDERED
        select += [f"count({name})", *((f"min({name})", f"max({name})") if ordered else ("NULL", "NULL"))]
    rows, *found = connection.execute(f"SELECT {', '.join(select)} FROM {quoted(table.name)}").fetchone()
    thirds = zip(table.columns, found[::3], found[1::3], found[2::3], strict=True)
    return Witness(rows, {c.name: ColumnWitness(n, _plain(low), _plain(high)) for c, n, low, high in thirds})


def _plain(value: Any) -> str | None:
    """Return a least or greatest value as text; equal ones have equal texts, of whatever storage class they are."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None else str(value).encode("utf-8", "backslashreplace").decode()


def sequences_of(connection: sqlite3.Connection, tables: Collection[Table]) -> list[Sequence]:
    """Return the counters of AUTOINCREMENT; what somebody wrote there that is no number is left behind."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
        return []
    keys = {table.name: table.key for table in tables}
    rows = connection.execute("SELECT name, max(seq) FROM sqlite_sequence WHERE typeof(seq) = 'integer' GROUP BY name")
    return [Sequence(name, seq, table=name, column=keys[name][0]) for name, seq in rows if keys.get(name)]


def orphans_of(connection: sqlite3.Connection, keys: Mapping[str, Iterable[ForeignKey]]) -> list[Orphans]:
    """Return those of the foreign keys of each table that have rows which point at nothing."""
    found = []
    for table, of_table in keys.items():
        if of_table:
            rows = _dangling(connection, table, of_table)
            found += [
                Orphans(table, key.columns, key.parent, rows[key.number]) for key in of_table if rows.get(key.number)
            ]
    return found


def _dangling(connection: sqlite3.Connection, table: str, keys: Iterable[ForeignKey]) -> dict[int, int]:
    """Count them by the number of the foreign key.

    SQLite refuses to check a whole table where the columns of one parent are not unique; then each key is compared.
    """
    sql = "SELECT fkid, count(*) FROM pragma_foreign_key_check(?) GROUP BY fkid"
    try:
        return dict(connection.execute(sql, (table,)).fetchall())
    except sqlite3.OperationalError:
        return {key.number: _compared(connection, key) for key in keys}


def _compared(connection: sqlite3.Connection, key: ForeignKey) -> int:
    """Count what points at nothing by a comparison of our own; none where the parent lacks the columns."""
    try:
        return int(connection.execute(f"SELECT count(*) {pointing_at_nothing(key)}").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def pointing_at_nothing(key: ForeignKey) -> str:
    """Return the FROM clause of the rows (``child``) whose foreign key points at nothing."""
    filled = " AND ".join(f"child.{quoted(column)} IS NOT NULL" for column in key.columns)
    pairs = zip(key.columns, key.targets, strict=False)
    equal = " AND ".join(f"parent.{quoted(target)} = child.{quoted(column)}" for column, target in pairs) or "FALSE"
    exists = f"SELECT 1 FROM {quoted(key.parent)} AS parent WHERE {equal}"
    return f"FROM {quoted(key.table)} AS child WHERE {filled} AND NOT EXISTS ({exists})"


def foreign_keys_of(schema: Schema) -> list[ForeignKeyOf]:
    """Return the foreign keys of a recorded definition, which a database in memory is asked for."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statement in schema.before:
            # A module that is missing here makes a virtual table, which has no foreign keys.
            with suppress(sqlite3.OperationalError):
                connection.execute(statement.sql)
        catalog = Catalog(connection)
        keys = [key for name in catalog.names() for key in catalog.foreign_keys(name)]
        return [ForeignKeyOf(key.table, key.columns, key.parent) for key in keys]
