"""Breaks the tables of a database on purpose, for drills."""

from __future__ import annotations

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
    raise TargetError(f"There is no way {mode!r} of breaking a MariaDB or MySQL database.")
