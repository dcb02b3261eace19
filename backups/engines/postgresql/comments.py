"""Comments on whatever is defined."""

from __future__ import annotations

from collections.abc import Iterator

from backups.engines.postgresql.introspection import FIRST_OWN_OID
from backups.engines.postgresql.objects import Address
from backups.engines.postgresql.session import Connection, fetch

_COMMENTS = f"""
SELECT k.relname, d.objoid::int8, i.type, i.identity, quote_literal(d.description)
FROM pg_description d JOIN pg_class k ON k.oid = d.classoid,
    pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE d.objoid >= {FIRST_OWN_OID} AND k.relname <> 'pg_extension'
UNION ALL
SELECT 'pg_namespace', n.oid, 'schema', quote_ident(n.nspname), coalesce(quote_literal(d.description), 'NULL')
FROM pg_namespace n LEFT JOIN pg_description d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = n.oid
WHERE n.nspname = 'public' AND n.oid < {FIRST_OWN_OID} AND d.description IS DISTINCT FROM 'standard public schema'
ORDER BY 4, 3
"""
_COMMENTED = {
    "table column": "COLUMN",
    "view column": "COLUMN",
    "materialized view column": "COLUMN",
    "composite type column": "COLUMN",
    "composite type": "TYPE",
    "table constraint": "CONSTRAINT",
    "statistics object": "STATISTICS",
}


def comments(connection: Connection) -> Iterator[tuple[Address, str, str]]:
    """Yield what is commented on, its name, and the statement."""
    for catalogue, oid, kind, identity, text in fetch(connection, _COMMENTS):
        if kind == "domain constraint":
            constraint, _, domain = identity.partition(" on ")
            identity = f"{constraint} ON DOMAIN {domain}"
        word = "CONSTRAINT" if kind == "domain constraint" else _COMMENTED.get(kind, kind.upper())
        yield (catalogue, oid), identity, f"COMMENT ON {word} {identity} IS {text}"
