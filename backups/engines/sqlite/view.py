"""Opens a view of a SQLite database that stands still: a read transaction, or a private copy that nobody sees."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from django.db import OperationalError

from backups.engines.sqlite.connection import code_of, condition_of, pragma, quoted, reading
from backups.engines.sqlite.place import Place
from backups.exceptions import SourceCorrupt, SourceError

Open = Callable[[str], sqlite3.Connection]

_COPY_PREFIX, _COPY_SUFFIX = ".lifeboat-", ".copy"
_OLD = 60.0  # seconds; a copy has a name for a moment only
_ROOM = 16 * 1024 * 1024  # bytes left free beside a copy
_HEADER, _WAL_VERSION = 100, 2  # the file's first bytes; byte 18 of them


@dataclass(frozen=True, slots=True)
class View:
    """``is_wal`` says whether the database itself keeps a write-ahead log; ``attached`` are other files beside it.

    ``violations`` counts the rows of each table that break a CHECK of it.
    """

    connection: sqlite3.Connection
    is_wal: bool
    attached: tuple[tuple[str, str], ...] = ()
    violations: dict[str, int] = field(default_factory=dict)


@contextmanager
def view(place: Place, title: str, open_: Open) -> Iterator[View]:
    """Open a view of a database; ``open_`` connects to a NAME. Raises SourceError, SourceCorrupt."""
    with ExitStack() as stack:
        with reading(title):
            _assert_there(place, title)
            found = _begun(place, open_, stack)
            condition = condition_of(found.connection, "quick_check")
            if condition.damage:
                raise SourceCorrupt(f"The {title} is damaged: {condition.damage}.")
        yield replace(found, violations=condition.violations)


def _begun(place: Place, open_: Open, stack: ExitStack) -> View:
    source = stack.enter_context(closing(_open_source(place, open_)))
    attached = tuple((name, file) for _, name, file in source.execute("PRAGMA database_list") if name != "main")
    is_wal = pragma(source, "journal_mode") == "wal"
    _begin(source, everything=place.path is None)
    copy = None if is_wal or place.path is None else _copied(source, place.path, open_)
    if copy is None:
        return View(source, is_wal, attached)
    source.execute("ROLLBACK")
    return View(stack.enter_context(closing(copy)), is_wal, attached)


def _assert_there(place: Place, title: str) -> None:
    if not place.is_shared:
        raise SourceError(
            f"The {title} lies in the memory of a single connection, which no other can read.",
            hint="Give it a file, or a name such as file:NAME?mode=memory&cache=shared.",
        )
    if place.path is not None and not place.path.is_file():
        raise SourceError(f"The {title} is not there: there is no such file.")


def _open_source(place: Place, open_: Open) -> sqlite3.Connection:
    """Open for reading only.

    With a write-ahead log a read-only connection would leave its sidecars behind, and after a crash it cannot clear up;
    so there, and where read-only does not do, a connection that may write is told not to.
    """
    modes = ["ro", "rw"]
    if keeps_wal(place):
        modes.reverse()
    try:
        return _opened(place.uri(modes[0]), open_)
    except (sqlite3.OperationalError, OperationalError):
        return _opened(place.uri(modes[1]), open_)


def _opened(name: str, open_: Open) -> sqlite3.Connection:
    connection = open_(name)
    try:
        pragma(connection, "query_only = ON")
        pragma(connection, "schema_version")  # reads the file for the first time
    except BaseException:
        connection.close()
        raise
    return connection


def keeps_wal(place: Place) -> bool:
    """Say whether the file keeps a write-ahead log, by its header."""
    if place.path is None:
        return False
    with place.path.open("rb") as file:
        return file.read(_HEADER)[18:19] == bytes([_WAL_VERSION])


def _begin(connection: sqlite3.Connection, *, everything: bool) -> None:
    """Begin a read transaction. Connections that share memory have no snapshots, but locks on each table."""
    connection.execute("BEGIN")
    tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0").fetchall()
    for (name,) in tables if everything else ():
        connection.execute(f"SELECT 1 FROM {quoted(name)} LIMIT 1").fetchone()


def _copied(source: sqlite3.Connection, path: Path, open_: Open) -> sqlite3.Connection | None:
    """Return a private copy of what the transaction sees, or None where there is no place for one.

    Without a write-ahead log a reader holds up every writer, a copy only while it is made. Its name goes at once, so
    that the file goes with the process, whatever ends it.
    """
    sweep(path.parent)
    try:
        if shutil.disk_usage(path.parent).free < path.stat().st_size + _ROOM:
            return None
        descriptor, name = tempfile.mkstemp(_COPY_SUFFIX, _COPY_PREFIX, path.parent)
    except OSError:
        return None
    os.close(descriptor)
    try:
        copy = open_(Place.of(name).uri("rw"))
    finally:
        os.unlink(name)
    with ExitStack() as closing_it:
        closing_it.callback(copy.close)
        if _filled(copy, source):
            closing_it.pop_all()
            return copy
    return None


def _filled(copy: sqlite3.Connection, source: sqlite3.Connection) -> bool:
    """Fill a copy; say whether there was room for it."""
    try:
        pragma(copy, "journal_mode = OFF")
        pragma(copy, "synchronous = OFF")
        source.backup(copy)
    except sqlite3.OperationalError as error:
        if code_of(error) in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
            return False
        raise
    pragma(copy, "query_only = ON")
    copy.execute("BEGIN")
    return True


def sweep(folder: Path) -> None:
    """Remove copies that lost their process in the moment before they lost their name, and their sidecars."""
    with suppress(OSError):
        for path in folder.glob(f"{_COPY_PREFIX}*{_COPY_SUFFIX}*"):
            if path.stat().st_mtime < time.time() - _OLD:
                path.unlink()
