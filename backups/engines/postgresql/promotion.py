"""Puts one database in the place of another: both renames, and what belongs to the name, in one transaction.

While a database is being renamed the server lets nobody connect to it, and waits for those who are; they are ended from
a second connection meanwhile. So nothing has to be switched off before, and nothing is left switched off by a crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from hashlib import blake2b
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from backups.engines.postgresql.privileges import granted
from backups.engines.postgresql.server import beside
from backups.engines.postgresql.session import Connection, fetch, first_line, literal, quoted, run
from backups.exceptions import LockHeld, TargetError, TargetExists
from backups.progress import Progress, Step

if TYPE_CHECKING:
    from backups.engines.base import Engine

_POLL = 0.05  # seconds
# The values of these are lists of names, kept as they are written.
_LISTS = frozenset({"search_path", "local_preload_libraries", "session_preload_libraries", "temp_tablespaces"})

_DATABASE = """
SELECT pg_get_userbyid(datdba), datconnlimit, datacl IS NOT NULL, shobj_description(oid, 'pg_database'), datistemplate,
    pg_has_role(datdba, 'USAGE')
FROM pg_database WHERE datname = %(name)s
"""
_ACL = """
SELECT CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type, a.is_grantable
FROM pg_database d, aclexplode(d.datacl) a WHERE d.datname = %(name)s ORDER BY 1, 2
"""
_SETTINGS = """
SELECT CASE r.setrole WHEN 0 THEN '' ELSE pg_get_userbyid(r.setrole) END, split_part(s, '=', 1), substr(s, strpos(s, '=') + 1)
FROM pg_db_role_setting r JOIN pg_database d ON d.oid = r.setdatabase, unnest(r.setconfig) s
WHERE d.datname = %(name)s ORDER BY 1, 2
"""
_OTHERS = """
SELECT pid, coalesce(usename, 'nobody'), coalesce(host(client_addr), 'this server'), application_name
FROM pg_stat_activity WHERE datname = %(name)s AND pid <> pg_backend_pid() ORDER BY pid
"""
_ROLE = "SELECT current_user, rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"


def obstacles(engine: Engine) -> list[str]:
    """Return why no other database can be put in this one's place."""
    with beside(engine) as connection:
        role, may = fetch(connection, _ROLE)[0]
        found = fetch(connection, _DATABASE, {"name": engine.name})
        reasons = (
            []
            if may
            else [
                f"The role {role} may not rename databases (ALTER ROLE {quoted(role)} CREATEDB). Where nobody may, have schemas "
                "exchanged inside of it: restore_db --replace --swap-schema."
            ]
        )
        if found and not found[0][5]:
            reasons.append(f"{engine.describe()} belongs to {found[0][0]}, and the role {role} may not rename it.")
        if connection.info.dbname == engine.name:
            reasons.append(f"{engine.describe()} is where the server is spoken to from, so it cannot be renamed.")
        return reasons


def promote(engine: Engine, copy: str, kept: str, progress: Progress) -> list[str]:
    """Give ``copy`` the name of ``engine``, whose database takes the name ``kept``."""
    with beside(engine) as connection, beside(engine) as helper:
        alone(connection, engine)
        progress(Step("promote", "begin"))
        with connection.transaction():
            notes = []
            if fetch(connection, _DATABASE, {"name": engine.name}):
                progress(Step("promote", "owner, grants and settings"))
                notes = _carry_over(connection, engine.name, copy)
                progress(Step("promote", "rename the old database"))
                _rename(connection, helper, engine.name, kept)
            progress(Step("promote", "rename the new database"))
            _rename(connection, helper, copy, engine.name)
            progress(Step("promote", "commit"))
        progress(Step("promote", "done"))
    return notes


def finish(engine: Engine, copy: str, kept: str, *, was_there: bool) -> bool:
    """Say whether a promotion that was killed was committed; the server has taken back one that was not."""
    with beside(engine) as connection:
        wait_for_the_end(connection, engine)
        there = {name for (name,) in fetch(connection, "SELECT datname FROM pg_database")}
    return engine.name in there and copy not in there and (kept in there or not was_there)


def names_beside(engine: Engine) -> list[str]:
    """Return the names of the server's databases."""
    with beside(engine) as connection:
        return [name for (name,) in fetch(connection, "SELECT datname FROM pg_database ORDER BY 1")]


def alone(connection: Connection, engine: Engine, kind: str = "lock") -> None:
    """Let one promotion at a time happen to a name; the lock ends with the connection, an ``xact_lock`` with the transaction."""
    if not fetch(connection, f"SELECT pg_try_advisory_{kind}({_key(engine)})")[0][0]:
        raise LockHeld(f"Another run is about to replace {engine.describe()}.")


def wait_for_the_end(connection: Connection, engine: Engine) -> None:
    """Wait for a promotion that was killed: until the server has noticed that the client is gone, it holds the lock."""
    run(connection, "SET lock_timeout = '60s'")
    run(connection, f"SELECT pg_advisory_lock({_key(engine)}); SELECT pg_advisory_unlock({_key(engine)})")


def _key(engine: Engine) -> int:
    digest = blake2b(f"lifeboat promotion:{engine.name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def _rename(connection: Connection, helper: Connection, name: str, to: str) -> None:
    """Rename a database inside the transaction of ``connection``, ending whoever is connected to it by ``helper``."""
    refused = ""
    with ThreadPoolExecutor(1) as thread:
        renaming = thread.submit(run, connection, f"ALTER DATABASE {quoted(name)} RENAME TO {quoted(to)}")
        while not wait([renaming], timeout=_POLL).done:
            try:
                fetch(helper, f"SELECT pg_terminate_backend(o.pid) FROM ({_OTHERS}) o", {"name": name})
            except errors.InsufficientPrivilege as error:
                refused = first_line(error)
        try:
            renaming.result()
        except errors.DuplicateDatabase:
            raise TargetExists(f"There is a database {to} already beside {name}.") from None
        except errors.ObjectInUse as error:
            who = "; ".join(_others(helper, name)) or "a prepared transaction counts as well (pg_prepared_xacts)"
            why = f" They could not be ended: {refused}." if refused else ""
            raise TargetError(
                f"The database {name} is in use and could not be renamed: {error.diag.message_detail or first_line(error)} "
                f"({who}).{why}",
                hint="Nothing was changed. End them, or let the role do it: GRANT pg_signal_backend TO it.",
            ) from error


def _others(helper: Connection, name: str) -> list[str]:
    found = fetch(helper, _OTHERS, {"name": name})
    return [f"process {pid} of {user} from {place} {application}".rstrip() for pid, user, place, application in found]


def _carry_over(connection: Connection, name: str, copy: str) -> list[str]:
    """Give the copy what belongs to a database's name: settings, limit, comment, owner and grants."""
    notes = []
    for what, statement in _statements(connection, name, quoted(copy)):
        try:
            with connection.transaction():
                run(connection, statement)
        except psycopg.Error as error:
            notes.append(f"The {what} of the database could not be carried over: {first_line(error)}.")
    return notes


def _statements(connection: Connection, name: str, copy: str) -> Iterator[tuple[str, str]]:
    owner, limit, has_acl, comment, _, _ = fetch(connection, _DATABASE, {"name": name})[0]
    yield "settings", f"ALTER DATABASE {copy} RESET ALL"
    for role, setting, value in fetch(connection, _SETTINGS, {"name": name}):
        said = value if setting.lower() in _LISTS and value else literal(value)
        where = f"ALTER ROLE {quoted(role)} IN DATABASE {copy}" if role else f"ALTER DATABASE {copy}"
        yield f"setting {setting}" + (f" for role {role}" if role else ""), f"{where} SET {_setting(setting)} = {said}"
    if limit != -1:
        yield "connection limit", f"ALTER DATABASE {copy} CONNECTION LIMIT {limit}"
    if comment is not None:
        yield "comment", f"COMMENT ON DATABASE {copy} IS {literal(comment)}"
    current = fetch(connection, "SELECT current_user")[0][0]
    if has_acl:
        yield "grants", f"REVOKE ALL ON DATABASE {copy} FROM PUBLIC, {quoted(current)}"
        for grantee, privilege, grantable in fetch(connection, _ACL, {"name": name}):
            yield f"grant to {grantee}", granted(f"DATABASE {copy}", grantee, privilege, grantable=grantable)
    if owner != current:
        yield f"owner {owner}", f"ALTER DATABASE {copy} OWNER TO {quoted(owner)}"


def _setting(name: str) -> str:
    return ".".join(quoted(part) for part in name.split("."))
