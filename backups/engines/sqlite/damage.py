"""Breaks a SQLite database on purpose, as accidents do."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable
from pathlib import Path

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


def _without_triggers(connection: sqlite3.Connection, statement: Callable[[str], str]) -> int:
    """Run a statement for each table and return how many rows it changed; triggers are away meanwhile."""
    catalog = Catalog(connection)
    triggers = [entry for entry in catalog.entries if entry.kind == "trigger"]
    connection.execute("BEGIN IMMEDIATE")
    for trigger in triggers:
        connection.execute(f"DROP TRIGGER {quoted(trigger.name)}")
    rows = sum(max(connection.execute(statement(name)).rowcount, 0) for name in catalog.names())
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
