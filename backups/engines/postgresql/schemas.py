"""The schemas of one database as what is replaced and kept: renamed out of the way, marked, and renamed back.

A kept schema is marked by its comment, which says what it was called, which run keeps it, with which others, and what
its comment was. Its name, ``<schema>_before_<run>``, is for people: only the mark counts, so that nobody's own schema
is ever taken for one. Everything here happens in the transaction of the caller.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from psycopg import errors

from backups.engines.kept import kept_name, run_of
from backups.engines.postgresql.introspection import COVERED_SCHEMA, IS_KEPT, KEPT_MARK, no_member
from backups.engines.postgresql.session import Connection, fetch, literal, quoted, relation, run
from backups.engines.postgresql.structure import capture
from backups.exceptions import TargetError, TargetExists
from backups.facts import EngineFacts
from backups.schema import differences

LONGEST_NAME = 63  # bytes

_MEMBER = """
EXISTS (SELECT FROM pg_depend m WHERE m.classid = d.classid AND m.objid = d.objid AND m.deptype = 'e'{})
"""
_INSIDE = "d.refclassid = 'pg_namespace'::regclass AND d.refobjid = n.oid"
_LIVE = f"""
SELECT n.nspname, EXISTS (SELECT FROM pg_depend d WHERE {_INSIDE} AND NOT {_MEMBER.format("")}
        AND d.classid <> ALL ('{{pg_extension,pg_default_acl}}'::regclass[])),
    ARRAY(SELECT x.extname::text FROM pg_extension x WHERE x.extnamespace = n.oid OR EXISTS (
        SELECT FROM pg_depend d WHERE {_INSIDE} AND {_MEMBER.format(" AND m.refobjid = x.oid")}) ORDER BY 1),
    pg_get_userbyid(n.nspowner), pg_has_role(n.nspowner, 'USAGE'), obj_description(n.oid, 'pg_namespace')
FROM pg_namespace n WHERE {COVERED_SCHEMA} AND {no_member("pg_namespace", "n")} ORDER BY n.nspname COLLATE "C"
"""
_EXTENSIONS = "SELECT x.extname, n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace"
_KEPT = f"""
SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n WHERE {IS_KEPT}
ORDER BY n.nspname COLLATE "C"
"""
_RIGHTS = """
SELECT current_user, has_database_privilege(current_database(), 'CREATE'), pg_is_in_recovery(),
    current_setting('max_locks_per_transaction')::int8
        * (current_setting('max_connections')::int8 + current_setting('max_prepared_transactions')::int8)
"""
_RELATIONS = f"""
SELECT count(*) + count(*) FILTER (WHERE c.relkind IN ('r', 'p'))
FROM pg_class c LEFT JOIN pg_class o ON o.reltoastrelid = c.oid
LEFT JOIN pg_index i ON i.indexrelid = c.oid LEFT JOIN pg_class ot ON ot.reltoastrelid = i.indrelid
JOIN pg_namespace n ON n.oid = coalesce(o.relnamespace, ot.relnamespace, c.relnamespace) WHERE {COVERED_SCHEMA}
"""
_TABLES = """
SELECT c.oid::int8, n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%(schemas)s) AND c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'UPDATE,DELETE,TRUNCATE')
ORDER BY 2, 3
"""
_HOLDERS = """
SELECT DISTINCT a.pid, coalesce(a.usename, 'nobody'), coalesce(host(a.client_addr), 'this server'), a.application_name
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.relation = ANY(%(oids)s::int8[]::oid[]) AND l.granted AND l.pid <> pg_backend_pid()
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 1
"""
# Shorter than the server takes to look for a deadlock, so that whoever waits for us gets on before anybody is ended.
_TRY = "500ms"
_TRIES, _PATIENT = 40, 10


@dataclass(frozen=True, slots=True)
class Live:
    """A schema of the database. ``holds`` says that anything in it is no extension's; ``ours`` that the role may rename it."""

    name: str
    holds: bool
    extensions: tuple[str, ...]
    owner: str
    ours: bool
    comment: str | None


@dataclass(frozen=True, slots=True)
class Kept:
    """A kept schema: its name, the one that it had, the run that keeps it with ``others``, the comment that it had."""

    name: str
    schema: str
    run: str
    others: tuple[str, ...]
    comment: str | None


def live_schemas(connection: Connection) -> list[Live]:
    """Return the database's own schemas; those in which there is nothing but what extensions made stay where they are."""
    found = fetch(connection, _LIVE)
    return [Live(name, holds, tuple(made), *rest) for name, holds, made, *rest in found]


def kept_schemas(connection: Connection) -> dict[str, list[Kept]]:
    """Return what is kept, by run; a mark that cannot be read marks nothing that could be put back."""
    found: dict[str, list[Kept]] = {}
    for name, comment in fetch(connection, _KEPT):
        try:
            said = json.loads(comment.removeprefix(KEPT_MARK))
            one = Kept(name, said["schema"], said["run"], tuple(said["others"]), said["comment"])
        except (ValueError, KeyError, TypeError):
            continue
        found.setdefault(one.run, []).append(one)
    return found


def obstacles(connection: Connection, place: str) -> Iterator[str]:
    """Yield why the schemas of this database cannot be renamed, each reason with what mends it."""
    role, may_create, standby, capacity = fetch(connection, _RIGHTS)[0]
    if standby:
        yield f"{place} is on a standby, where nothing can be changed."
    if not may_create:
        name = quoted(connection.info.dbname)
        yield f"The role {role} may not make schemas in it (GRANT CREATE ON DATABASE {name} TO {quoted(role)})."
    for schema in live_schemas(connection):
        if not schema.holds:
            continue
        if not schema.ours:
            yield (
                f"Schema {schema.name} belongs to {schema.owner}, and the role {role} may not rename it "
                f"(ALTER SCHEMA {quoted(schema.name)} OWNER TO {quoted(role)})."
            )
        if schema.extensions:
            yield (
                f"Schema {schema.name} holds tables of the project and the extension {', '.join(schema.extensions)}, of which a "
                "database can have only one: give it a schema of its own, and back up again, since a backup names the schema of "
                f"what it uses (ALTER EXTENSION {quoted(schema.extensions[0])} SET SCHEMA extensions, as a superuser; else DROP "
                "and CREATE it there, without what depends on it)."
            )
    needed = fetch(connection, _RELATIONS)[0][0]
    if needed > capacity:
        yield (
            f"One transaction would have to lock some {needed:,} tables and indexes, and the server has room for {capacity:,} "
            "(raise max_locks_per_transaction)."
        )


def misplaced(connection: Connection, facts: EngineFacts) -> Iterator[str]:
    """Yield which extensions of a backup could not be where it has them: those that are there stay where they are."""
    there = dict(fetch(connection, _EXTENSIONS))
    full = {schema.name for schema in live_schemas(connection) if schema.holds}
    for name in facts.extensions:
        home = facts.properties.get(f"extension.{name}", "").rpartition(" in ")[2]
        if name not in there and home in full:
            yield (
                f"The extension {name} is not there, and the backup has it in schema {home} beside tables, where it would keep "
                "that schema from being renamed back."
            )
        elif name in there and home and there[name] != home:
            yield f"The extension {name} is in schema {there[name]}, and the backup has it in {home}."


def replaced(connection: Connection, names: Collection[str] = ()) -> list[Live]:
    """Return the schemas that a replacement renames, with those of these names; none where there is nothing to keep."""
    found = live_schemas(connection)
    if not names and not any(schema.holds for schema in found):
        return []
    return [s for s in found if s.holds or s.name in names or (s.ours and not s.extensions)]


def set_aside(connection: Connection, schemas: Collection[Live], run_name: str) -> None:
    """Rename schemas, and mark them as kept by a run."""
    names = [schema.name for schema in schemas]
    for schema in schemas:
        name = kept_name(schema.name, run_name, LONGEST_NAME)
        try:
            run(connection, f"ALTER SCHEMA {quoted(schema.name)} RENAME TO {quoted(name)}")
        except errors.DuplicateSchema:
            raise TargetExists(f"There is a schema {name} already.") from None
        said = {"schema": schema.name, "run": run_of(name), "others": names, "comment": schema.comment}
        run(connection, f"COMMENT ON SCHEMA {quoted(name)} IS {literal(KEPT_MARK + json.dumps(said))}")


def bring_back(connection: Connection, kept: Iterable[Kept]) -> None:
    """Give kept schemas the names and comments that they had."""
    for one in kept:
        run(connection, f"ALTER SCHEMA {quoted(one.name)} RENAME TO {quoted(one.schema)}")
        comment = "NULL" if one.comment is None else literal(one.comment)
        run(connection, f"COMMENT ON SCHEMA {quoted(one.schema)} IS {comment}")


def refuse_incomplete(kept: Collection[Kept], name: str) -> None:
    """Raise TargetError where not all is there that was kept together."""
    missing = sorted({other for one in kept for other in one.others} - {one.schema for one in kept})
    if missing or not kept:
        what = f"its schema {missing[0]} is gone" if missing else "there is nothing of it"
        raise TargetError(f"What was kept as {name} is not whole: {what}.", hint="Nothing was changed.")


def wait_for_others(connection: Connection, schemas: Collection[str]) -> None:
    """Take every table of these schemas for ourselves; raise TargetError where somebody could not be waited for, or ended.

    Whoever is amidst a transaction on them is waited for, some seconds, and then ended. Whoever comes later waits, and
    looks its tables up anew when we are done.
    """
    tables = fetch(connection, _TABLES, {"schemas": list(schemas)})
    if not tables:
        return
    names = ", ".join(f"ONLY {relation(schema, name)}" for _, schema, name in tables)
    oids = {"oids": [oid for oid, _, _ in tables]}
    for attempt in range(_TRIES):
        try:
            with connection.transaction():
                run(connection, f"SET LOCAL lock_timeout = '{_TRY}'; LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE")
        except (errors.LockNotAvailable, errors.DeadlockDetected):
            if attempt >= _PATIENT:
                _end(connection, oids)
        else:
            return
    who = "; ".join(
        f"process {pid} of {user} from {place} {application}".rstrip()
        for pid, user, place, application in fetch(connection, _HOLDERS, oids)
    )
    raise TargetError(
        f"Tables that are to be exchanged are in use: {who or 'by a prepared transaction (pg_prepared_xacts)'}.",
        hint="Nothing was changed. End them, or let the role do it: GRANT pg_signal_backend TO it.",
    )


def drop_kept(connection: Connection, kept: Collection[Kept]) -> None:
    """Drop kept schemas with all that is in them; raise TargetError where anything outside of them would go along."""
    before = capture(connection)
    run(connection, f"DROP SCHEMA {', '.join(quoted(one.name) for one in kept)} CASCADE")
    gone = differences(before, capture(connection), str)
    if gone:
        raise TargetError(
            f"The {gone[0].kind} {gone[0].name} of the live database needs schema {', '.join(one.name for one in kept)}, which "
            "is kept since it was replaced.",
            hint="Nothing was dropped. Have it use what is live, then prune again.",
        )


def _end(connection: Connection, oids: dict[str, list[int]]) -> None:
    for pid, *_ in fetch(connection, _HOLDERS, oids):
        try:
            with connection.transaction():
                fetch(connection, "SELECT pg_terminate_backend(%(pid)s)", {"pid": pid})
        except errors.InsufficientPrivilege:
            continue
