"""Views and materialized views as statements, and filling the latter."""

from __future__ import annotations

from collections.abc import Iterator

from backups.engines.postgresql.dependencies import Dependencies
from backups.engines.postgresql.introspection import COVERED_SCHEMA, NO_MEMBER
from backups.engines.postgresql.objects import Address, Thing, thing
from backups.engines.postgresql.session import Connection, fetch
from backups.schema import Statement

_VIEWS = f"""
SELECT c.oid::int8, n.nspname || '.' || c.relname, c.relkind = 'm', c.relispopulated,
    format(E'CREATE %s %I.%I%s%s AS\\n%s%s', CASE c.relkind WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'VIEW' END,
        n.nspname, c.relname, CASE WHEN am.amname <> 'heap' THEN ' USING ' || quote_ident(am.amname) ELSE '' END,
        coalesce((SELECT format(' WITH (%s)',
            string_agg(format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', '))
            FROM unnest(c.reloptions) o HAVING count(*) > 0), ''),
        rtrim(pg_get_viewdef(c.oid), ';'), CASE c.relkind WHEN 'm' THEN E'\\nWITH NO DATA' ELSE '' END),
    format('REFRESH MATERIALIZED VIEW %I.%I', n.nspname, c.relname),
    ARRAY(SELECT format('ALTER VIEW %I.%I ALTER COLUMN %I SET DEFAULT %s', n.nspname, c.relname, a.attname,
            pg_get_expr(d.adbin, d.adrelid))
        FROM pg_attrdef d JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
        WHERE d.adrelid = c.oid ORDER BY a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am am ON am.oid = c.relam
WHERE c.relkind IN ('v', 'm') AND c.relpersistence <> 't' AND {COVERED_SCHEMA} AND {NO_MEMBER}
"""


def views(connection: Connection, dependencies: Dependencies) -> Iterator[Thing]:
    """Yield every view; a materialized one is filled last, after those that it reads."""
    filled: dict[Address, Thing] = {}
    for oid, name, materialized, populated, sql, refresh, defaults in fetch(connection, _VIEWS):
        view = thing("pg_class", oid, "materialized view" if materialized else "view", name, sql, name)
        view.statements += [Statement("default", name, default, name) for default in defaults]
        yield view
        if materialized and populated:
            step = thing("refresh", oid, "refresh", name, refresh, name)
            step.needs = {view.address}
            filled[view.address] = step
    for address, step in filled.items():
        step.needs |= {filled[a].address for a in dependencies.reachable(address) if a in filled and a != address}
        yield step
