"""Owners and grants of the objects in a database, read off one and given to a copy of it.

No backup holds them, since they belong to the server's roles; the database that is being replaced still tells them.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
from psycopg import errors

from backups.engines.postgresql.introspection import COVERED_SCHEMA, no_member
from backups.engines.postgresql.session import Connection, fetch, first_line, quoted, run

# An object of the old database that the copy has not: it was made after the backup.
_NOT_THERE = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedObject,
    errors.UndefinedFunction,
    errors.InvalidSchemaName,
)

# What it is to GRANT, what it is to ALTER, its name, its column, its owner, its grants. A sequence that belongs to a
# column has its table's owner.
_OBJECTS = f"""
SELECT 'SCHEMA', 'SCHEMA', quote_ident(n.nspname), '', n.nspowner, n.nspacl FROM pg_namespace n
WHERE {COVERED_SCHEMA} AND {no_member("pg_namespace", "n")}
UNION ALL
SELECT CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END,
    CASE WHEN EXISTS (SELECT FROM pg_depend o WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
        AND o.refobjsubid > 0 AND o.deptype IN ('a', 'i')) AND c.relkind = 'S' THEN '' ELSE 'TABLE' END,
    quote_ident(n.nspname) || '.' || quote_ident(c.relname), '', c.relowner, c.relacl
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S') AND {COVERED_SCHEMA} AND {no_member("pg_class", "c")}
UNION ALL
SELECT 'TABLE', '', quote_ident(n.nspname) || '.' || quote_ident(c.relname), quote_ident(a.attname), c.relowner, a.attacl
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE a.attacl IS NOT NULL AND a.attnum > 0 AND NOT a.attisdropped AND {COVERED_SCHEMA} AND {no_member("pg_class", "c")}
UNION ALL
SELECT 'ROUTINE', 'ROUTINE',
    quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    '', p.proowner, p.proacl
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {COVERED_SCHEMA} AND {no_member("pg_proc", "p")}
UNION ALL
SELECT 'TYPE', 'TYPE', quote_ident(n.nspname) || '.' || quote_ident(t.typname), '', t.typowner, t.typacl
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.typtype IN ('d', 'e', 'r') AND {COVERED_SCHEMA} AND {no_member("pg_type", "t")}
"""
_DIFFERENT = f"""
SELECT o.grants, o.alters, o.name, o.part, pg_get_userbyid(o.owner), o.acl IS NOT NULL, ARRAY(
    SELECT ARRAY[CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
        a.privilege_type, a.is_grantable::text] FROM aclexplode(o.acl) a)
FROM ({_OBJECTS}) AS o(grants, alters, name, part, owner, acl)
WHERE o.acl IS NOT NULL OR pg_get_userbyid(o.owner) <> %(user)s
"""
_DEFAULTS = """
SELECT pg_get_userbyid(d.defaclrole), coalesce(quote_ident(n.nspname), ''), d.defaclobjtype::text,
    CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type, a.is_grantable
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) a
"""
_KINDS = {"r": "TABLES", "S": "SEQUENCES", "f": "FUNCTIONS", "T": "TYPES", "n": "SCHEMAS"}


def carry_over(source: Connection, copy: Connection) -> list[str]:
    """Give the objects of a copy the owners and grants that they have in ``source``; say what could not be."""
    user = fetch(copy, "SELECT current_user")[0][0]
    refused: list[str] = []
    with copy.transaction():
        for what, statements in _wanted(source, user):
            try:
                with copy.transaction():
                    for statement in statements:
                        run(copy, statement)
            except _NOT_THERE:
                continue
            except psycopg.Error as error:
                refused.append(f"{what}: {first_line(error)}")
    if not refused:
        return []
    more = f", and of {len(refused) - 1} more" if len(refused) > 1 else ""
    return [
        f"Owner or grants could not be carried over of {refused[0]}{more}. What is not carried over belongs to {user}."
    ]


def withdraw(copy: Connection) -> None:
    """Take back what default privileges of the whole database have granted to others on objects that were made just now."""
    user = fetch(copy, "SELECT current_user")[0][0]
    for grants, _, name, column, _, _, acl in fetch(copy, _DIFFERENT, {"user": user}):
        for grantee in {grantee for grantee, *_ in acl} - {
            "PUBLIC",
            fetch(copy, "SELECT quote_ident(current_user)")[0][0],
        }:
            run(copy, f"REVOKE ALL{f' ({column})' if column else ''} ON {grants} {name} FROM {grantee}")


def granted(on: str, grantee: str, privilege: str, *, grantable: bool) -> str:
    """Return a GRANT statement; ``grantee`` is quoted already, or PUBLIC."""
    return f"GRANT {privilege} ON {on} TO {grantee}" + (" WITH GRANT OPTION" if grantable else "")


def _wanted(source: Connection, user: str) -> Iterator[tuple[str, list[str]]]:
    for grants, alters, name, column, owner, has_acl, acl in fetch(source, _DIFFERENT, {"user": user}):
        statements, on = [], f"{grants} {name}"
        if has_acl and not column:
            statements.append(f"REVOKE ALL ON {on} FROM PUBLIC, {quoted(user)}")
        for grantee, privilege, grantable in acl:
            what = f"{privilege} ({column})" if column else privilege
            statements.append(granted(on, grantee, what, grantable=grantable == "true"))
        if alters and owner != user:
            statements.append(f"ALTER {alters} {name} OWNER TO {quoted(owner)}")
        yield f"{grants.lower()} {name}", statements
    for role, schema, kind, grantee, privilege, grantable in fetch(source, _DEFAULTS):
        where = f" IN SCHEMA {schema}" if schema else ""
        head = f"ALTER DEFAULT PRIVILEGES FOR ROLE {quoted(role)}{where} "
        yield "default privileges", [head + granted(_KINDS[kind], grantee, privilege, grantable=grantable)]
