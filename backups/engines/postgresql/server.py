"""What is done to a database from beside it: making it, dropping it, asking whether it is there or could be made."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING

import psycopg
from psycopg import errors

from backups.engines.postgresql.properties import SETTINGS, major
from backups.engines.postgresql.session import Connection, fetch, first_line, literal, pin, quoted, run, session, told
from backups.exceptions import BackupsError, SourceError, TargetError, TargetExists
from backups.facts import EngineFacts

if TYPE_CHECKING:
    from backups.engines.base import Engine

_SCRATCH = r"^lifeboat_\d{8}t\d{6}z_[0-9a-f]+$"
# The value of such a setting is a list of names, which is kept as it is written.
_LISTS = frozenset({"search_path"})

_ROLE = "SELECT current_user, rolcreatedb OR rolsuper, rolsuper FROM pg_roles WHERE rolname = current_user"
_AVAILABLE = """
SELECT a.name, v.superuser AND NOT v.trusted FROM pg_available_extensions a
JOIN pg_available_extension_versions v ON v.name = a.name AND v.version = a.default_version
"""
_IDENTITY = """
SELECT c.system_identifier::text, current_database(), d.oid::text FROM pg_control_system() c, pg_database d
WHERE d.datname = current_database()
"""


@contextmanager
def beside(engine: Engine, failure: type[BackupsError] = TargetError) -> Iterator[Connection]:
    """Connect to the engine's server, to its database only where no other lets us in.

    ``failure`` is raised where that cannot be done.
    """
    with ExitStack() as stack:
        connection = stack.enter_context(_entered(engine, failure))
        with told(engine.describe(), failure):
            pin(connection, local=False, default_transaction_read_only="off")
            yield connection


def known_as(engine: Engine) -> tuple[str, str]:
    """Return the database's name, and the identifier of its server; empty where the role may not know it."""
    with session(engine) as connection, told(engine.describe()):
        try:
            identifier, name, _ = fetch(connection, _IDENTITY)[0]
        except errors.InsufficientPrivilege:
            return fetch(connection, "SELECT current_database()")[0][0], ""
        return name, identifier


def exists(engine: Engine) -> bool:
    """Say whether the server has a database of that name."""
    with beside(engine, SourceError) as connection:
        return bool(fetch(connection, "SELECT 1 FROM pg_database WHERE datname = %(name)s", {"name": engine.name}))


def leftovers(engine: Engine) -> list[str]:
    """Return the names of databases that look like a run's throw-away one."""
    query = "SELECT datname FROM pg_database WHERE datname ~ %(pattern)s ORDER BY 1"
    with beside(engine, SourceError) as connection:
        return [name for (name,) in fetch(connection, query, {"pattern": _SCRATCH})]


def create(engine: Engine, facts: EngineFacts) -> None:
    """Make the database; raise TargetExists, or TargetError where the role or the server cannot."""
    with beside(engine) as connection:
        try:
            run(connection, f"CREATE DATABASE {quoted(engine.name)} {_options(connection, facts)}")
        except errors.DuplicateDatabase:
            raise TargetExists(f"There is a database {engine.name} already on {engine.describe()}.") from None
        except errors.InsufficientPrivilege as error:
            role = fetch(connection, "SELECT current_user")[0][0]
            raise TargetError(
                f"The role {role} has not the right to make {engine.describe()}: {first_line(error)}.",
                hint=f"As a superuser: ALTER ROLE {quoted(role)} CREATEDB;",
            ) from error
        for name, value in facts.properties.items():
            setting = name.removeprefix("setting.")
            if setting != name and setting in SETTINGS:
                written = value if setting in _LISTS and value else literal(value)
                run(connection, f"ALTER DATABASE {quoted(engine.name)} SET {setting} = {written}")


def rename(engine: Engine, name: str) -> None:
    """Give the database another name; raise TargetExists where another has it."""
    with beside(engine) as connection:
        try:
            run(connection, f"ALTER DATABASE {quoted(engine.name)} RENAME TO {quoted(name)}")
        except errors.DuplicateDatabase:
            raise TargetExists(f"There is a database {name} already beside {engine.describe()}.") from None


def drop(engine: Engine) -> None:
    """Drop the database and end whatever is connected to it."""
    with beside(engine) as connection:
        run(connection, f"DROP DATABASE IF EXISTS {quoted(engine.name)} WITH (FORCE)")


def preflight(engine: Engine, facts: EngineFacts) -> list[str]:
    """Return why a database like ``facts`` cannot be made on this server."""
    if facts.vendor != "postgresql":
        return [f"The backup is of a {facts.vendor} database, and {engine.describe()} is not one."]
    try:
        with beside(engine) as connection:
            return [*lacks(connection, facts), *_right(connection)]
    except TargetError as error:
        return [str(error)]


def lacks(connection: Connection, facts: EngineFacts) -> list[str]:
    """Return what this server lacks for the contents of a database like ``facts``."""
    return [*_server(connection, facts), *_extensions(connection, facts), *_locale(connection, facts)]


def same(one: Engine, other: Engine) -> bool:
    """Say whether two engines lead to one database, as the servers tell it, or else as their addresses do."""
    first, second = _identity(one), _identity(other)
    if first and second:
        return first == second
    return _address(one) == _address(other)


@contextmanager
def _entered(engine: Engine, failure: type[BackupsError]) -> Iterator[Connection]:
    with ExitStack() as stack:
        closed: BackupsError | None = None
        for name in ("postgres", "template1", engine.name):
            try:
                connection = stack.enter_context(session(_door(engine, name), failure))
            except failure as error:
                # What a server says that hides its databases tells more than that the last of them cannot be reached.
                closed = error if closed is None or name != engine.name else closed
            else:
                break
        else:
            raise closed or failure(f"{engine.describe()} cannot be reached.")
        yield connection


def _door(engine: Engine, name: str) -> Engine:
    return type(engine)(engine.alias, {**engine.settings, "NAME": name})


def _options(connection: Connection, facts: EngineFacts) -> str:
    known = facts.properties
    provider = known.get("provider", "")
    options = {"TEMPLATE": "template0", "ENCODING": known.get("encoding", "UTF8")}
    if connection.info.server_version >= 150000 and provider:
        options["LOCALE_PROVIDER"] = provider
    if provider in ("icu", "builtin"):
        options[f"{provider.upper()}_LOCALE"] = known["locale"]
    options |= {
        option: known[name]
        for option, name in {"ICU_RULES": "rules", "LC_COLLATE": "collate", "LC_CTYPE": "ctype"}.items()
        if name in known
    }
    return " ".join(f"{option} = {literal(value)}" for option, value in options.items())


def _server(connection: Connection, facts: EngineFacts) -> Iterator[str]:
    server = connection.info.server_version // 10000
    if server < major(facts.version):
        yield f"The backup is of PostgreSQL {major(facts.version)}, and the server is the older PostgreSQL {server}."
    if fetch(connection, "SELECT pg_is_in_recovery()")[0][0]:
        yield "The server is a standby, on which no database can be made."


def _right(connection: Connection) -> Iterator[str]:
    role, may_create, _ = fetch(connection, _ROLE)[0]
    if not may_create:
        yield (
            f"The role {role} may not create databases (ALTER ROLE {quoted(role)} CREATEDB). Where nobody may, restore into an "
            "empty database that is there: --to-database ALIAS; or in the place of the live one, inside of it: --replace "
            "--swap-schema."
        )


def _extensions(connection: Connection, facts: EngineFacts) -> Iterator[str]:
    role, _, is_superuser = fetch(connection, _ROLE)[0]
    available = dict(fetch(connection, _AVAILABLE))
    there = {name for (name,) in fetch(connection, "SELECT extname FROM pg_extension")}
    for name in sorted(set(facts.extensions) - there):
        if name not in available:
            yield f"The server does not have the extension {name}."
        elif available[name] and not is_superuser and name != "plpgsql":
            yield f"Only a superuser may create the extension {name}, which the role {role} is not."


def _locale(connection: Connection, facts: EngineFacts) -> Iterator[str]:
    known = facts.properties
    provider = known.get("provider", "libc")
    needed = "the database's collation" if provider == "icu" else known.get("icu_collations")
    if needed and not fetch(connection, "SELECT 1 FROM pg_collation WHERE collname = 'und-x-icu'"):
        yield f"The server was built without ICU, which {needed} needs."
    there = {name for (name,) in fetch(connection, "SELECT collname FROM pg_collation")}
    for name in filter(None, known.get("collations", "").split(", ")):
        if name not in there:
            yield f"The server does not have the collation {name}, which columns of the database use."
    if provider == "builtin" and connection.info.server_version < 170000:
        yield "The server has no collations of its own, which the database has: that needs PostgreSQL 17."
    for name in sorted({known[part] for part in ("collate", "ctype") if part in known}):
        try:
            # Any setting of a locale is checked against the operating system's.
            run(connection, f"SET lc_monetary = {literal(name)}")
        except errors.InvalidParameterValue:
            yield f"The server's operating system does not have the locale {name}."


def _identity(engine: Engine) -> tuple[str, str] | None:
    """Return the server's identifier and the database's oid, or its name where it is not there; None if unreachable."""
    try:
        with session(engine) as connection:
            return _asked(connection)
    except (SourceError, psycopg.Error):
        pass
    try:
        with beside(engine) as connection:
            return _asked(connection)[0], engine.name
    except TargetError:
        return None


def _asked(connection: Connection) -> tuple[str, str]:
    server, _, database = fetch(connection, _IDENTITY)[0]
    return server, database


def _address(engine: Engine) -> tuple[str, str, str]:
    host = str(engine.settings.get("HOST") or "")
    # A name that cannot be looked up stands for itself.
    with suppress(OSError):
        host = socket.gethostbyname(host) if host and not host.startswith("/") else host
    return host, str(engine.settings.get("PORT") or "5432"), engine.name
