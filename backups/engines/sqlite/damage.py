"""Breaks a SQLite database on purpose, as accidents do."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Collection
from pathlib import Path

from backups.engines.base import HALF_COLUMN, HALF_MIGRATED
from backups.engines.sqlite.catalog import Catalog
from backups.engines.sqlite.connection import pragma, quoted
from backups.exceptions import TargetError

_HEADER = 100  # bytes
_PAGES = 8  # how many are spoilt, beside the first


def drop_tables(connection: sqlite3.Connection) -> str:
    """Drop every table, with all that hangs on it."""
    catalog = Catalog(connection)
    connection.execute("BEGIN IMMEDIATE")
    for entry in catalog.entries:
        if entry.kind == "table" and entry.name not in catalog.shadows:
            connection.execute(f"DROP TABLE {quoted(entry.name)}")
    connection.execute("COMMIT")
    return f"dropped {len(catalog.names())} tables"


def truncate(connection: sqlite3.Connection) -> str:
    """Delete every row."""
    return f"deleted all {_without_triggers(connection, lambda name: f'DELETE FROM {quoted(name)}')} rows"


def delete_rows(connection: sqlite3.Connection, share: float, seed: int) -> str:
    """Delete about this share of the rows of each table; equal seeds choose equal rows."""
    lots = random.Random(seed)  # noqa: S311 (an accident need not be unpredictable)
    connection.create_function("lifeboat_lot", 0, lots.random)
    chosen = f"WHERE lifeboat_lot() < {float(share)}"
    return f"deleted {_without_triggers(connection, lambda name: f'DELETE FROM {quoted(name)} {chosen}')} rows"


def half_migrate(connection: sqlite3.Connection) -> str:
    """Alter the largest table and move half of its rows, as a migration does that dies before it is recorded."""
    catalog = Catalog(connection)
    entries = [entry for entry in catalog.entries if entry.kind == "table" and entry.name in catalog.names()]
    with_rowid = [entry.name for entry in entries if "WITHOUT ROWID" not in entry.sql.upper()]
    sizes = {name: connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0] for name in with_rowid}
    if not sizes:
        raise TargetError("There is no table that could be half migrated.")
    table = max(sorted(sizes), key=sizes.__getitem__)
    half = (sizes[table] + 1) // 2
    connection.execute(f"ALTER TABLE {quoted(table)} ADD COLUMN {HALF_COLUMN} integer")
    chosen = f"FROM {quoted(table)} ORDER BY rowid LIMIT {half}"
    connection.execute(f"CREATE TABLE {HALF_MIGRATED} AS SELECT * {chosen}")
    _without_triggers(
        connection, lambda name: f"DELETE FROM {quoted(name)} WHERE rowid IN (SELECT rowid {chosen})", [table]
    )
    return f"added a column to {table} and moved {half} of its {sizes[table]} rows to {HALF_MIGRATED}"


def _without_triggers(
    connection: sqlite3.Connection, statement: Callable[[str], str], tables: Collection[str] = ()
) -> int:
    """Run a statement for each of some tables, or of all, and return how many rows it changed; triggers are away meanwhile."""
    catalog = Catalog(connection)
    triggers = [entry for entry in catalog.entries if entry.kind == "trigger"]
    connection.execute("BEGIN IMMEDIATE")
    for trigger in triggers:
        connection.execute(f"DROP TRIGGER {quoted(trigger.name)}")
    rows = sum(max(connection.execute(statement(name)).rowcount, 0) for name in tables or catalog.names())
    for trigger in triggers:
        connection.execute(trigger.sql)
    connection.execute("COMMIT")
    return rows


def corrupt_file(path: Path, seed: int) -> str:
    """Overwrite the header and the beginnings of some pages; SQLite then says that it is not a database."""
    lots = random.Random(seed)  # noqa: S311
    data = path.read_bytes()[:_HEADER]
    size = int.from_bytes(data[16:18], "big") or 4096
    size = 65536 if size == 1 else size
    pages = path.stat().st_size // size
    spoilt = sorted({1, *(lots.randint(1, max(pages, 1)) for _ in range(_PAGES))})
    with path.open("r+b") as file:
        for page in spoilt:
            file.seek((page - 1) * size)
            file.write(lots.randbytes(_HEADER))
    return f"overwrote the beginning of {len(spoilt)} of {pages} pages"


def settle(connection: sqlite3.Connection) -> None:
    """Bring everything from the write-ahead log into the file, so that what is spoilt there is missed."""
    if pragma(connection, "wal_checkpoint(TRUNCATE)") != "0":
        raise TargetError("Somebody is using the database; the write-ahead log cannot be emptied.")
