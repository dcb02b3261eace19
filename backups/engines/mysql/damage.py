"""Breaks the tables of a database on purpose, for drills."""

from __future__ import annotations

from backups.engines.base import HALF_COLUMN, HALF_MIGRATED
from backups.engines.mysql import text
from backups.engines.mysql.session import Session
from backups.exceptions import TargetError


def break_tables(session: Session, database: str, mode: str, share: float, seed: int) -> str:
    """Drop or empty all tables, or delete a share of the rows of each; return a sentence on what was done."""
    sql = (
        "SELECT TABLE_NAME FROM information_schema.TABLES "
        f"WHERE TABLE_SCHEMA = {text.string(database)} AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
    )
    tables = sorted(str(row[0]) for row in session.query(sql))
    session.set({"foreign_key_checks": 0})
    if mode == "drop-tables":
        if tables:
            session.run(f"DROP TABLE {text.names(tables)}")
        return f"Dropped {len(tables)} tables of {database}."
    if mode == "truncate":
        for table in tables:
            session.run(f"TRUNCATE TABLE {text.name(table)}")
        return f"Emptied {len(tables)} tables of {database}."
    if mode == "delete-rows":
        # RAND() of a constant seed gives the same numbers to the same rows in the same order.
        gone = [
            session.run(f"DELETE FROM {text.name(table)} WHERE RAND({int(seed)}) < {float(share)}") for table in tables
        ]
        return f"Deleted {sum(gone)} rows from {sum(map(bool, gone))} tables of {database}."
    if mode == "half-migration":
        return f"In {database}: {_half_migrate(session, tables)}."
    raise TargetError(f"There is no way {mode!r} of breaking a MariaDB or MySQL database.")


def _half_migrate(session: Session, tables: list[str]) -> str:
    """Alter the largest table and move half of its rows, as a migration does that dies before it is recorded."""
    sizes = {table: int(session.value(f"SELECT COUNT(*) FROM {text.name(table)}")) for table in tables}
    if not sizes:
        raise TargetError("There is no table that could be half migrated.")
    table = max(sorted(sizes), key=sizes.__getitem__)
    half = (sizes[table] + 1) // 2
    first = session.query(f"SHOW COLUMNS FROM {text.name(table)}")[0][0]
    chosen = f"FROM {text.name(table)} ORDER BY {text.name(str(first))} LIMIT {half}"
    session.run(f"CREATE TABLE {text.name(HALF_MIGRATED)} AS SELECT * {chosen}")
    session.run(f"DELETE {chosen}")
    session.run(f"ALTER TABLE {text.name(table)} ADD COLUMN {text.name(HALF_COLUMN)} integer")
    return f"added a column to {table} and moved {half} of its {sizes[table]} rows to {HALF_MIGRATED}"
