"""Breaks a database on purpose, for drills and demonstrations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from backups.engines.base import HALF_COLUMN, HALF_MIGRATED
from backups.engines.postgresql.introspection import COVERED_SCHEMA, relations
from backups.engines.postgresql.session import Connection, fetch, literal, pin, relation, run, session, told
from backups.exceptions import TargetError

if TYPE_CHECKING:
    from backups.engines.base import Engine

_FOREIGN_KEYS = f"""
SELECT format('ALTER TABLE %I.%I DROP CONSTRAINT IF EXISTS %I', n.nspname, c.relname, k.conname)
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype = 'f' AND k.conparentid = 0 AND {COVERED_SCHEMA}
"""


def damage(engine: Engine, mode: str, share: float, seed: int) -> str:
    """Do what ``mode`` says and return a sentence on it; raise TargetError for a mode that is not known."""
    if mode == "drop-database":
        engine.drop()
        return f"{engine.describe()} was dropped."
    with session(engine, TargetError) as connection, told(engine.describe(), TargetError):
        pin(connection, local=False, default_transaction_read_only="off")
        there = [(schema, name) for _, schema, name in relations(connection, "r")]
        tables = [relation(schema, name) for schema, name in there]
        if mode == "drop-tables":
            return f"{_all(connection, 'DROP TABLE IF EXISTS', tables)} tables of {engine.describe()} were dropped."
        if mode == "truncate":
            return f"{_all(connection, 'TRUNCATE', tables)} tables of {engine.describe()} were emptied."
        if mode == "delete-rows":
            rows, how = _delete(connection, tables, share, seed)
            return f"{rows} rows, {share:.0%} of each table, of {engine.describe()} were deleted{how}."
        if mode == "half-migration":
            return f"In {engine.describe()}: {_half_migrate(connection, there)}."
    raise TargetError(
        f"A server's files are its own: {mode} is for databases that are a file, such as SQLite's.",
        hint="Nothing was changed. Modes here: drop-database, drop-tables, truncate, delete-rows, half-migration.",
    )


def _all(connection: Connection, verb: str, tables: list[str]) -> int:
    if tables:
        run(connection, f"{verb} {', '.join(tables)} CASCADE")
    return len(tables)


def _delete(connection: Connection, tables: list[str], share: float, seed: int) -> tuple[int, str]:
    how = _unguard(connection)
    rows = 0
    for table in tables:
        chosen = (
            f"SELECT ctid FROM ONLY {table} t ORDER BY md5(t::text || {literal(str(seed))}), ctid "
            f"LIMIT (SELECT ceil(count(*) * {share}) FROM ONLY {table})"
        )
        rows += connection.execute(f"DELETE FROM ONLY {table} WHERE ctid = ANY(ARRAY({chosen}))".encode()).rowcount
    return rows, how


def _half_migrate(connection: Connection, tables: list[tuple[str, str]]) -> str:
    """Alter the largest table and move half of its rows, as a migration does that dies before it is recorded."""
    sizes = {each: fetch(connection, f"SELECT count(*) FROM ONLY {relation(*each)}")[0][0] for each in tables}
    if not sizes:
        raise TargetError("There is no table that could be half migrated.")
    schema, name = largest = max(sorted(sizes), key=sizes.__getitem__)
    table, half = relation(schema, name), (sizes[largest] + 1) // 2
    how = _unguard(connection)
    run(connection, f"ALTER TABLE {table} ADD COLUMN {HALF_COLUMN} integer")
    chosen = f"FROM ONLY {table} ORDER BY ctid LIMIT {half}"
    run(connection, f"CREATE TABLE {relation(schema, HALF_MIGRATED)} AS SELECT * {chosen}")
    run(connection, f"DELETE FROM ONLY {table} WHERE ctid = ANY(ARRAY(SELECT ctid {chosen}))")
    return f"added a column to {schema}.{name} and moved {half} of its {sizes[largest]} rows to {HALF_MIGRATED}{how}"


def _unguard(connection: Connection) -> str:
    """Keep triggers and foreign keys from preventing or repairing the damage."""
    try:
        run(connection, "SET session_replication_role = replica")
    except psycopg.errors.InsufficientPrivilege:
        for (drop,) in fetch(connection, _FOREIGN_KEYS):
            run(connection, drop)
        return ", after its foreign keys"
    return ""
