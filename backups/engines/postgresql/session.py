"""A connection of our own: opened, pinned to one way of writing values, closed; what goes wrong is told in sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
from django.core.exceptions import ImproperlyConfigured
from psycopg import errors

from backups.exceptions import BackupsError, ConfigurationError, SourceChanged, SourceCorrupt, SourceError

if TYPE_CHECKING:
    from backups.engines.base import Engine

Connection = psycopg.Connection[tuple[Any, ...]]
OLDEST = 140000

# How values are written must not depend on the server, the role or the database.
PINNED = {
    "timezone": "UTC",
    "datestyle": "ISO, YMD",
    "intervalstyle": "iso_8601",
    "bytea_output": "hex",
    "extra_float_digits": "1",
    "lc_monetary": "C",
    "xmlbinary": "base64",
    "xmloption": "content",
    "standard_conforming_strings": "on",
    "quote_all_identifiers": "off",
    "row_security": "off",
    "default_tablespace": "",
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    "jit": "off",
}
_CHANGED = (errors.UndefinedTable, errors.UndefinedColumn, errors.UndefinedObject, errors.UndefinedFunction)
_CORRUPT = (errors.DataCorrupted, errors.IndexCorrupted, errors.UndefinedFile)
_OUT_OF_LOCKS = "Raise max_locks_per_transaction on the server."


@contextmanager
def session(engine: Engine, failure: type[BackupsError] = SourceError) -> Iterator[Connection]:
    """Open a connection in autocommit, close it in the end; ``failure`` is raised where the database is not reached."""
    with closing(_opened(engine, failure)) as connection:
        if connection.info.server_version < OLDEST:
            raise failure(f"{engine.describe()} is older than PostgreSQL {OLDEST // 10000}.")
        yield connection


def _opened(engine: Engine, failure: type[BackupsError]) -> Connection:
    """Connect as Django would, but without its signal, whose receivers look things up in the database of the alias."""
    wrapper = engine.connect()
    try:
        connection: Connection = wrapper.get_new_connection(wrapper.get_connection_params())
    except psycopg.Error as error:
        raise failure(f"{engine.describe()} cannot be reached: {first_line(error)}.") from error
    except ImproperlyConfigured as error:
        raise ConfigurationError(str(error)) from error
    connection.autocommit = True
    role = engine.settings["OPTIONS"].get("assume_role")
    if role:
        with told(engine.describe(), failure):
            run(connection, f"SET ROLE {quoted(role)}")
    return connection


def pin(connection: Connection, *, local: bool, **more: str) -> None:
    """Set what ``PINNED`` says, and ``more``; for this transaction only where ``local``."""
    scope = "LOCAL" if local else "SESSION"
    settings = {**PINNED, **more}
    if connection.info.server_version >= 170000:
        settings["transaction_timeout"] = "0"
    run(connection, ";".join(f"SET {scope} {name} = {literal(value)}" for name, value in settings.items()))


def run(connection: Connection, sql: str) -> None:
    """Run one statement or several, without parameters; several in one text are one transaction."""
    connection.execute(sql.encode())


def fetch(connection: Connection, sql: str, parameters: Mapping[str, object] | None = None) -> list[tuple[Any, ...]]:
    """Return all rows of a query; without parameters a ``%`` in it stands for itself."""
    return connection.execute(sql.encode(), parameters).fetchall()


@contextmanager
def told(place: str, failure: type[BackupsError] = SourceError) -> Iterator[None]:
    """Turn what the driver raises into an error of ours that names the place."""
    try:
        yield
    except psycopg.Error as error:
        raise sentence(error, place, failure) from error


def sentence(error: psycopg.Error, place: str, failure: type[BackupsError]) -> BackupsError:
    """Return the error of ours for one of the driver's."""
    said = first_line(error)
    if failure is SourceError and isinstance(error, _CORRUPT):
        return SourceCorrupt(f"{place} is damaged: {said}.")
    if failure is SourceError and isinstance(error, _CHANGED):
        return SourceChanged(f"{place} changed while it was being read: {said}.")
    if isinstance(error, errors.InsufficientPrivilege):
        return failure(f"{place} does not let this role do it: {said}.", hint="Grant the role that right.")
    if isinstance(error, errors.OutOfMemory):
        return failure(f"{place} ran out of shared memory: {said}.", hint=_OUT_OF_LOCKS)
    if isinstance(error, errors.LockNotAvailable):
        return failure(f"{place} is held up by somebody else's lock: {said}.", hint="Try again when it is free.")
    return failure(f"{place} failed: {said}.")


def first_line(error: BaseException) -> str:
    """Return what the server said, as one line without a full stop; never the statement that it was said of."""
    cause = error.__cause__ if isinstance(error.__cause__, psycopg.Error) else error
    said = cause.diag.message_primary if isinstance(cause, psycopg.Error) else None
    return " ".join((said or str(cause) or type(cause).__name__).split()).rstrip(".")


def literal(text: str) -> str:
    """Return a text as a literal of SQL, for statements such as COPY that take no parameters."""
    return "'" + text.replace("'", "''") + "'"


def quoted(name: str) -> str:
    """Return a name as an identifier of SQL, always in quotes."""
    return '"' + name.replace('"', '""') + '"'


def relation(schema: str, name: str) -> str:
    """Return a table's name in SQL; without a schema it is looked up on the search path."""
    return f"{quoted(schema)}.{quoted(name)}" if schema else quoted(name)
