"""Schemas, extensions, collations, types, domains and functions as statements."""

from __future__ import annotations

from collections.abc import Iterator

from backups.engines.postgresql.introspection import COVERED_SCHEMA, no_member
from backups.engines.postgresql.objects import Thing, thing
from backups.engines.postgresql.session import Connection, fetch

_SCHEMAS = f"""
SELECT 'pg_namespace', n.oid::int8, 'schema', n.nspname, format('CREATE SCHEMA IF NOT EXISTS %I', n.nspname)
FROM pg_namespace n WHERE {COVERED_SCHEMA} AND {no_member("pg_namespace", "n")}
"""
_EXTENSIONS = """
SELECT 'pg_extension', x.oid::int8, 'extension', x.extname,
    format('CREATE EXTENSION IF NOT EXISTS %I WITH SCHEMA %I', x.extname, n.nspname)
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
"""
_ENUMS = f"""
SELECT 'pg_type', t.oid::int8, 'type', n.nspname || '.' || t.typname,
    format('CREATE TYPE %I.%I AS ENUM (%s)', n.nspname, t.typname,
        (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
         FROM pg_enum e WHERE e.enumtypid = t.oid))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype = 'e' AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
_COMPOSITES = f"""
SELECT 'pg_type', t.oid::int8, 'type', n.nspname || '.' || t.typname,
    format(E'CREATE TYPE %I.%I AS (\\n    %s\\n)', n.nspname, t.typname,
        (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
            || CASE WHEN a.attcollation <> b.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END,
            E',\\n    ' ORDER BY a.attnum)
         FROM pg_attribute a JOIN pg_type b ON b.oid = a.atttypid
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_class c ON c.oid = t.typrelid
WHERE c.relkind = 'c' AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
_RANGES = f"""
SELECT 'pg_type', t.oid::int8, 'type', n.nspname || '.' || t.typname,
    format('CREATE TYPE %I.%I AS RANGE (%s)', n.nspname, t.typname, concat_ws(', ',
        'SUBTYPE = ' || format_type(r.rngsubtype, NULL),
        CASE WHEN NOT o.opcdefault THEN format('SUBTYPE_OPCLASS = %I.%I', p.nspname, o.opcname) END,
        CASE WHEN r.rngcollation <> b.typcollation THEN 'COLLATION = ' || r.rngcollation::regcollation END,
        CASE WHEN r.rngsubdiff <> 0 THEN 'SUBTYPE_DIFF = ' || r.rngsubdiff END,
        format('MULTIRANGE_TYPE_NAME = %s', format_type(r.rngmultitypid, NULL))))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_range r ON r.rngtypid = t.oid
JOIN pg_type b ON b.oid = r.rngsubtype JOIN pg_opclass o ON o.oid = r.rngsubopc
JOIN pg_namespace p ON p.oid = o.opcnamespace
WHERE t.typtype = 'r' AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
_DOMAINS = f"""
SELECT 'pg_type', t.oid::int8, 'domain', n.nspname || '.' || t.typname,
    concat_ws(E'\\n    ', format('CREATE DOMAIN %I.%I AS %s', n.nspname, t.typname,
            format_type(t.typbasetype, t.typtypmod)),
        CASE WHEN t.typcollation <> b.typcollation THEN 'COLLATE ' || t.typcollation::regcollation END,
        'DEFAULT ' || coalesce(pg_get_expr(t.typdefaultbin, 0), quote_literal(t.typdefault)),
        CASE WHEN t.typnotnull THEN 'NOT NULL' END,
        (SELECT string_agg(format('CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), E'\\n    '
            ORDER BY k.conname) FROM pg_constraint k
         WHERE k.contypid = t.oid AND k.contype = 'c' AND k.convalidated))
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_type b ON b.oid = t.typbasetype
WHERE t.typtype = 'd' AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
_UNCHECKED = f"""
SELECT 'pg_constraint', k.oid::int8, 'check', n.nspname || '.' || t.typname || '.' || k.conname,
    format('ALTER DOMAIN %I.%I ADD CONSTRAINT %I %s', n.nspname, t.typname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_type t ON t.oid = k.contypid JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE k.contype = 'c' AND NOT k.convalidated AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
# A range type makes its own constructors.
_FUNCTIONS = f"""
SELECT 'pg_proc', p.oid::int8, 'function', format('%s.%s(%s)', n.nspname, p.proname,
    pg_get_function_identity_arguments(p.oid)), pg_get_functiondef(p.oid)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE p.prokind <> 'a' AND {COVERED_SCHEMA} AND {no_member("pg_proc", "p", "'e', 'i'")}
"""
_AGGREGATES = f"""
SELECT 'pg_proc', p.oid::int8, 'function', format('%s.%s(%s)', n.nspname, p.proname,
        pg_get_function_identity_arguments(p.oid)),
    format(E'CREATE AGGREGATE %I.%I(%s) (\\n    %s\\n)', n.nspname, p.proname,
        coalesce(nullif(pg_get_function_identity_arguments(p.oid), ''), '*'), concat_ws(E',\\n    ',
        'SFUNC = ' || a.aggtransfn, 'STYPE = ' || format_type(a.aggtranstype, NULL),
        CASE WHEN a.aggtransspace > 0 THEN 'SSPACE = ' || a.aggtransspace END,
        CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC = ' || a.aggfinalfn END,
        CASE WHEN a.aggfinalextra THEN 'FINALFUNC_EXTRA' END,
        CASE WHEN a.aggfinalfn <> 0 THEN 'FINALFUNC_MODIFY = '
            || CASE a.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
        CASE WHEN a.aggcombinefn <> 0 THEN 'COMBINEFUNC = ' || a.aggcombinefn END,
        CASE WHEN a.aggserialfn <> 0 THEN 'SERIALFUNC = ' || a.aggserialfn END,
        CASE WHEN a.aggdeserialfn <> 0 THEN 'DESERIALFUNC = ' || a.aggdeserialfn END,
        'INITCOND = ' || quote_literal(a.agginitval),
        CASE WHEN a.aggmtransfn <> 0 THEN 'MSFUNC = ' || a.aggmtransfn END,
        CASE WHEN a.aggminvtransfn <> 0 THEN 'MINVFUNC = ' || a.aggminvtransfn END,
        CASE WHEN a.aggmtranstype <> 0 THEN 'MSTYPE = ' || format_type(a.aggmtranstype, NULL) END,
        CASE WHEN a.aggmtransspace > 0 THEN 'MSSPACE = ' || a.aggmtransspace END,
        CASE WHEN a.aggmfinalfn <> 0 THEN 'MFINALFUNC = ' || a.aggmfinalfn END,
        CASE WHEN a.aggmfinalextra THEN 'MFINALFUNC_EXTRA' END,
        'MINITCOND = ' || quote_literal(a.aggminitval),
        CASE WHEN a.aggsortop <> 0 THEN format('SORTOP = OPERATOR(%I.%s)', s.nspname, o.oprname) END,
        'PARALLEL = ' || CASE p.proparallel WHEN 's' THEN 'SAFE' WHEN 'r' THEN 'RESTRICTED' ELSE 'UNSAFE' END,
        CASE WHEN a.aggkind = 'h' THEN 'HYPOTHETICAL' END))
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_aggregate a ON a.aggfnoid = p.oid
LEFT JOIN pg_operator o ON o.oid = a.aggsortop LEFT JOIN pg_namespace s ON s.oid = o.oprnamespace
WHERE p.prokind = 'a' AND {COVERED_SCHEMA} AND {no_member("pg_proc", "p")}
"""


def types(connection: Connection) -> Iterator[Thing]:
    """Yield all that tables are made of, and all functions."""
    plain = (_SCHEMAS, _EXTENSIONS, _collations(connection), _ENUMS, _COMPOSITES, _RANGES, _DOMAINS, _UNCHECKED)
    for query in (*plain, _FUNCTIONS, _AGGREGATES):
        for catalogue, oid, kind, name, sql in fetch(connection, query):
            yield thing(catalogue, oid, kind, name, sql.rstrip())


def _collations(connection: Connection) -> str:
    server = connection.info.server_version // 10000
    named = "c.colllocale" if server >= 17 else "c.colliculocale" if server >= 15 else "c.collcollate"
    rules = "c.collicurules" if server >= 16 else "NULL::text"
    return f"""
SELECT 'pg_collation', c.oid::int8, 'collation', n.nspname || '.' || c.collname,
    format('CREATE COLLATION %I.%I (%s)', n.nspname, c.collname, concat_ws(', ',
        'PROVIDER = ' || CASE c.collprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
        'LOCALE = ' || quote_literal(CASE WHEN c.collprovider <> 'c' THEN {named} END),
        CASE WHEN c.collprovider = 'c' THEN 'LC_COLLATE = ' || quote_literal(c.collcollate) END,
        CASE WHEN c.collprovider = 'c' THEN 'LC_CTYPE = ' || quote_literal(c.collctype) END,
        'RULES = ' || quote_literal({rules}),
        CASE WHEN NOT c.collisdeterministic THEN 'DETERMINISTIC = false' END))
FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
WHERE {COVERED_SCHEMA} AND {no_member("pg_collation", "c")}
"""
