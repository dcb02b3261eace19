"""What comes after a table's rows as statements: keys, indexes, checks, foreign keys, rules, triggers, policies."""

from __future__ import annotations

from collections.abc import Iterator

from backups.engines.postgresql.dependencies import Dependencies
from backups.engines.postgresql.introspection import COVERED_SCHEMA, NO_MEMBER
from backups.engines.postgresql.objects import Thing, thing
from backups.engines.postgresql.session import Connection, fetch
from backups.schema import Statement

_COVERED = f"c.relpersistence <> 't' AND {COVERED_SCHEMA} AND {NO_MEMBER}"
_TABLE = "n.nspname || '.' || c.relname"
_KINDS = {"p": "primary key", "u": "unique", "x": "exclusion", "c": "check", "f": "foreign key"}

# What is added to a partitioned table reaches its partitions, but their keys are attached one by one.
_CONSTRAINTS = f"""
SELECT k.oid::int8, k.contype, k.conname, {_TABLE}, c.oid::int8,
    format('ALTER TABLE %s%I.%I ADD CONSTRAINT %I %s',
        CASE WHEN k.contype = 'f' AND c.relkind = 'p' OR k.contype = 'c' AND NOT k.connoinherit THEN '' ELSE 'ONLY ' END,
        n.nspname, c.relname, k.conname, pg_get_constraintdef(k.oid))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (k.contype IN ('p', 'u', 'x') OR k.contype = 'c' AND k.conislocal OR k.contype = 'f' AND k.conparentid = 0)
    AND c.relkind IN ('r', 'p') AND {_COVERED}
"""
_INDEXES = f"""
SELECT i.indexrelid::int8, x.relname, {_TABLE}, c.oid::int8, pg_get_indexdef(i.indexrelid)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (i.indisvalid OR x.relkind = 'I') AND c.relkind IN ('r', 'p', 'm') AND {_COVERED}
    AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))
"""
_INDEX_PARTS = f"""
SELECT 'index partition', x.oid::int8, x.relname, {_TABLE}, ARRAY[x.oid, p.oid]::int8[],
    format('ALTER INDEX %I.%I ATTACH PARTITION %I.%I', pn.nspname, p.relname, n.nspname, x.relname)
FROM pg_inherits h JOIN pg_class x ON x.oid = h.inhrelid AND x.relkind IN ('i', 'I')
JOIN pg_class p ON p.oid = h.inhparent JOIN pg_namespace pn ON pn.oid = p.relnamespace
JOIN pg_index i ON i.indexrelid = x.oid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_COVERED}
UNION ALL
SELECT 'cluster', x.oid, x.relname, {_TABLE}, ARRAY[x.oid]::int8[],
    format('ALTER TABLE ONLY %I.%I CLUSTER ON %I', n.nspname, c.relname, x.relname)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisclustered AND c.relkind IN ('r', 'p', 'm') AND {_COVERED}
UNION ALL
SELECT 'replica identity', x.oid, x.relname, {_TABLE}, ARRAY[x.oid]::int8[],
    format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY USING INDEX %I', n.nspname, c.relname, x.relname)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indisreplident AND {_COVERED}
UNION ALL
SELECT 'replica identity', c.oid, '', {_TABLE}, ARRAY[c.oid]::int8[],
    format('ALTER TABLE ONLY %I.%I REPLICA IDENTITY %s', n.nspname, c.relname,
        CASE c.relreplident WHEN 'f' THEN 'FULL' ELSE 'NOTHING' END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relreplident IN ('f', 'n') AND {_COVERED}
UNION ALL
SELECT 'statistics', x.oid, x.relname || '.' || a.attnum, {_TABLE}, ARRAY[x.oid]::int8[],
    format('ALTER INDEX %I.%I ALTER COLUMN %s SET STATISTICS %s', n.nspname, x.relname, a.attnum, a.attstattarget)
FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_class c ON c.oid = i.indrelid
JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = x.oid
WHERE a.attstattarget >= 0 AND {_COVERED}
UNION ALL
SELECT 'row security', c.oid, '', {_TABLE}, ARRAY[c.oid]::int8[],
    format('ALTER TABLE %I.%I%s%s', n.nspname, c.relname,
        CASE WHEN c.relrowsecurity THEN ' ENABLE ROW LEVEL SECURITY' ELSE '' END,
        CASE WHEN c.relforcerowsecurity THEN CASE WHEN c.relrowsecurity THEN ',' ELSE '' END
            || ' FORCE ROW LEVEL SECURITY' ELSE '' END)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relrowsecurity OR c.relforcerowsecurity) AND {_COVERED}
"""
_STATE = (
    "CASE {} WHEN 'D' THEN 'DISABLE' WHEN 'A' THEN 'ENABLE ALWAYS' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE' END"
)
# A partition's triggers come with its parent's, but may be switched by themselves.
_RULES = f"""
SELECT 'pg_rewrite', r.oid::int8, 'rule', r.rulename, {_TABLE}, c.oid::int8, rtrim(pg_get_ruledef(r.oid), ';'),
    CASE WHEN r.ev_enabled <> 'O' THEN format('ALTER TABLE %I.%I %s RULE %I', n.nspname, c.relname,
        {_STATE.format("r.ev_enabled")}, r.rulename) END
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.rulename <> '_RETURN' AND {_COVERED}
UNION ALL
SELECT 'pg_trigger', t.oid, 'trigger', t.tgname, {_TABLE}, c.oid,
    CASE WHEN t.tgparentid = 0 THEN pg_get_triggerdef(t.oid) END,
    CASE WHEN t.tgenabled <> coalesce(p.tgenabled, 'O') THEN format('ALTER TABLE %I.%I %s TRIGGER %I', n.nspname,
        c.relname, {_STATE.format("t.tgenabled")}, t.tgname) END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_trigger p ON p.oid = t.tgparentid
WHERE NOT t.tgisinternal AND (t.tgparentid = 0 OR t.tgenabled <> p.tgenabled) AND {_COVERED}
UNION ALL
SELECT 'pg_policy', p.oid, 'policy', p.polname, {_TABLE}, c.oid,
    format('CREATE POLICY %I ON %I.%I AS %s FOR %s TO %s', p.polname, n.nspname, c.relname,
        CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
        CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
            ELSE 'ALL' END,
        (SELECT string_agg(CASE u WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(u)) END, ', ')
            FROM unnest(p.polroles) u))
        || coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', '')
        || coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''),
    NULL
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_COVERED}
UNION ALL
SELECT 'pg_statistic_ext', s.oid, 'statistics', s.stxname, {_TABLE}, c.oid, pg_get_statisticsobjdef(s.oid),
    CASE WHEN s.stxstattarget >= 0 THEN format('ALTER STATISTICS %I.%I SET STATISTICS %s', sn.nspname, s.stxname,
        s.stxstattarget) END
FROM pg_statistic_ext s JOIN pg_namespace sn ON sn.oid = s.stxnamespace
JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {_COVERED}
"""


def constraints(connection: Connection) -> Iterator[Thing]:
    """Yield every constraint of a table."""
    for oid, kind, name, table, _, sql in fetch(connection, _CONSTRAINTS):
        yield thing("pg_constraint", oid, _KINDS[kind], name, sql, table)


def indexes(connection: Connection) -> Iterator[Thing]:
    """Yield the indexes that no constraint makes, and what is said of indexes."""
    for oid, name, table, _, sql in fetch(connection, _INDEXES):
        yield thing("pg_class", oid, "index", name, sql, table)


def rules(connection: Connection) -> Iterator[Thing]:
    """Yield rules, triggers, policies and statistics, each with whether it is switched on."""
    for catalogue, oid, kind, name, table, table_oid, sql, state in fetch(connection, _RULES):
        statements = [Statement(kind, name, text.rstrip(), table) for text in (sql, state) if text]
        yield Thing((catalogue, oid), statements, {("pg_class", table_oid)})


def about_indexes(connection: Connection, dependencies: Dependencies) -> Iterator[Thing]:
    """Yield what is said of indexes and of tables as a whole once their indexes are there."""
    for kind, oid, name, table, needed, sql in fetch(connection, _INDEX_PARTS):
        made = thing(f"{kind} {name}", oid, kind, name, sql, table)
        made.needs = {dependencies.whole(("pg_class", address)) for address in needed}
        yield made
