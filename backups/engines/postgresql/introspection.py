"""The tables of a database, their columns and keys, in four queries whatever their number."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from backups.engines.base import is_named
from backups.engines.postgresql.kinds import Kinds
from backups.engines.postgresql.session import Connection, fetch
from backups.tables import Column, Table, labelled, models_by_table

# The mark of a database that a restore is filling: a schema without anything in it, and no part of the database.
UNFINISHED = "lifeboat_unfinished"
# How the comment begins on a schema that is kept because a restored one took its place: the mark of one that is no part of
# the database any more.
KEPT_MARK = "lifeboat keeps "
IS_KEPT = (
    "EXISTS (SELECT FROM pg_description k WHERE k.classoid = 'pg_namespace'::regclass AND k.objoid = n.oid "
    f"AND starts_with(k.description, '{KEPT_MARK}'))"
)
# What belongs to the server or to an extension is made by them again.
COVERED_SCHEMA = f"n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '{UNFINISHED}') AND NOT {IS_KEPT}"

# Objects with lower oids came with the server.
FIRST_OWN_OID = 16384


def no_member(catalogue: str, alias: str, kinds: str = "'e'") -> str:
    """Return the condition that no extension made the object, and with the kinds ``'e', 'i'`` no other object either."""
    return (
        f"NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = '{catalogue}'::regclass AND m.objid = {alias}.oid "
        f"AND m.deptype IN ({kinds}))"
    )


NO_MEMBER = no_member("pg_class", "c")

_TABLES = f"""
SELECT c.oid::int8, n.nspname, c.relname
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = ANY(%(kinds)s) AND c.relpersistence <> 't' AND {COVERED_SCHEMA} AND {NO_MEMBER}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
_COLUMNS = """
SELECT a.attrelid::int8, a.attnum, a.attname, a.atttypid::int8, format_type(a.atttypid, a.atttypmod), a.atttypmod,
    a.attcollation::int8, a.attnotnull AND nn.conrelid IS NULL
FROM pg_attribute a
LEFT JOIN pg_constraint nn
    ON nn.conrelid = a.attrelid AND nn.contype = 'n' AND NOT nn.convalidated AND nn.conkey[1] = a.attnum
WHERE a.attrelid = ANY(%(oids)s::int8[]::oid[]) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attrelid, a.attnum
"""
_KEYS = """
SELECT i.indrelid::int8, i.indnkeyatts, i.indkey::int2[], i.indcollation::oid[]::int8[]
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY(%(oids)s::int8[]::oid[]) AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indisready
    AND i.indpred IS NULL AND i.indexprs IS NULL
    AND NOT EXISTS (SELECT FROM unnest(i.indclass::oid[]) k JOIN pg_opclass o ON o.oid = k WHERE NOT o.opcdefault)
ORDER BY i.indrelid, i.indisprimary DESC, i.indnkeyatts, c.relname COLLATE "C"
"""


def relations(connection: Connection, kinds: str) -> list[tuple[int, str, str]]:
    """Return oid, schema and name of the covered relations of these kinds (letters of ``pg_class.relkind``)."""
    return [(oid, schema, name) for oid, schema, name in fetch(connection, _TABLES, {"kinds": list(kinds)})]


def read_tables(connection: Connection, path: Collection[str]) -> dict[int, Table]:
    """Return every ordinary table by its oid, in the order of schema and name.

    ``path`` are the schemas where Django looks, in its order.
    """
    found = relations(connection, "r")
    oids = {"oids": [oid for oid, _, _ in found]}
    columns: dict[int, list[tuple[Any, ...]]] = {oid: [] for oid in oids["oids"]}
    for row in fetch(connection, _COLUMNS, oids):
        columns[row[0]].append(row[1:])
    kinds = Kinds(connection, {row[2] for rows in columns.values() for row in rows})
    keys = _keys(fetch(connection, _KEYS, oids), columns)
    homes = _homes(found, path)
    models = models_by_table()
    tables = {}
    for oid, schema, name in found:
        made = tuple(_column(row, kinds) for row in columns[oid])
        home = homes.get(name) == schema
        plain = Table(name=name, label="", columns=made, key=keys.get(oid, ()), schema=schema)
        tables[oid] = labelled(plain, models.get(name) if home else None, home=home)
    return tables


def without(tables: dict[int, Table], excluded: Collection[str]) -> dict[int, Table]:
    """Return the tables that settings do not leave out."""
    return {oid: table for oid, table in tables.items() if not (excluded and is_named(table, excluded))}


def _column(row: tuple[Any, ...], kinds: Kinds) -> Column:
    _, name, oid, spelling, modifier, _, not_null = row
    kind, detail = kinds.of(oid)
    scale = None
    if kind == "decimal" and modifier >= 4:
        # Eleven bits, signed since PostgreSQL 15.
        scale = (((modifier - 4) & 0x7FF) ^ 0x400) - 0x400
    return Column(name=name, kind=kind, type=spelling, nullable=not not_null, scale=scale, detail=detail)


def _keys(indexes: Iterable[tuple[Any, ...]], columns: dict[int, list[tuple[Any, ...]]]) -> dict[int, tuple[str, ...]]:
    """Return the best usable key of each table: no NULL in it, ordered as its columns are ordered by themselves."""
    keys: dict[int, tuple[str, ...]] = {}
    for oid, width, numbers, collations in indexes:
        known = {row[0]: row for row in columns[oid]}
        parts = [known.get(number) for number in numbers[:width]]
        usable = all(
            part and part[6] and part[5] == collation for part, collation in zip(parts, collations, strict=False)
        )
        if usable and oid not in keys:
            keys[oid] = tuple(part[1] for part in parts if part)
    return keys


def _homes(found: Iterable[tuple[int, str, str]], path: Collection[str]) -> dict[str, str]:
    """Map each table name to the schema where Django finds it."""
    places: dict[str, set[str]] = {}
    for _, schema, name in found:
        places.setdefault(name, set()).add(schema)
    return {name: next((s for s in path if s in schemas), "") for name, schemas in places.items()}
