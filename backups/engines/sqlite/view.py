"""Opens a view of a SQLite database that stands still: a read transaction, or a private copy that nobody sees."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from django.db import OperationalError

from backups.engines.ahead import Ahead
from backups.engines.sqlite.checking import Check, checked
from backups.engines.sqlite.connection import code_of, pragma, quoted, reading
from backups.engines.sqlite.place import Place
from backups.exceptions import SourceError

Open = Callable[[str], sqlite3.Connection]

_COPY_PREFIX, _COPY_SUFFIX = ".lifeboat-", ".copy"
_OLD = 60.0  # seconds; a copy has a name for a moment only
_ROOM = 16 * 1024 * 1024  # bytes left free beside a copy
_TRIES = 5
_BESIDE = 2  # connections beside the one that rows are read from
_HEADER, _WAL_VERSION = 100, 2  # the file's first bytes; byte 18 of them


@dataclass(frozen=True, slots=True)
class View:
    """``is_wal`` says whether the database itself keeps a write-ahead log; ``attached`` are other files beside it.

    ``check`` looks at the whole file meanwhile; it has ended when the view is left. ``ahead``, where there is one, answers
    what will be asked later.
    """

    connection: sqlite3.Connection
    is_wal: bool
    attached: tuple[tuple[str, str], ...]
    check: Check
    ahead: Ahead[sqlite3.Connection] | None


@contextmanager
def view(place: Place, title: str, open_: Open) -> Iterator[View]:
    """Open a view of a database; ``open_`` connects to a NAME. Raises SourceError, SourceCorrupt."""
    with ExitStack() as stack:
        with reading(title):
            _assert_there(place, title)
            source = stack.enter_context(closing(_open_source(place, open_)))
            attached = tuple((name, file) for _, name, file in source.execute("PRAGMA database_list") if name != "main")
            is_wal = pragma(source, "journal_mode") == "wal"
            connection, *beside = _begun(place, source, open_, stack, is_wal=is_wal)
        ahead = stack.enter_context(Ahead(beside[1], beside[1].interrupt)) if beside else None
        with checked(title, beside[0] if beside else connection, beside=bool(beside)) as check:
            yield View(connection, is_wal, attached, check, ahead)


def _begun(
    place: Place, source: sqlite3.Connection, open_: Open, stack: ExitStack, *, is_wal: bool
) -> list[sqlite3.Connection]:
    """Return a connection that reads what stands still, and two others that read the very same, where there can be any."""
    if is_wal:
        beside = [stack.enter_context(closing(_open_source(place, open_))) for _ in range(_BESIDE)]
        return [source, *(beside if _begin_together([source, *beside]) else [])]
    _begin(source, everything=place.path is None)
    copies = None if place.path is None else _copied(source, place.path, open_, stack)
    if copies is None:
        # Another reader might wait for a writer that waits for this one.
        return [source]
    source.execute("ROLLBACK")
    return copies


def _begin_together(connections: Sequence[sqlite3.Connection]) -> bool:
    """Begin transactions; say whether all see the same: nobody has committed anything from before the first to the last.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    last = connections[-1]
    for _ in range(_TRIES):
        before = pragma(last, "data_version")
        for each in connections:
            _begin(each, everything=False)
        if pragma(last, "data_version") == before:
            return True
        for each in connections:
            each.execute("ROLLBACK")
    _begin(connections[0], everything=False)
    return False


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


def _copied(source: sqlite3.Connection, path: Path, open_: Open, stack: ExitStack) -> list[sqlite3.Connection] | None:
    """Return connections to a private copy of what the transaction sees, or None where there is no place for one.

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
    with ExitStack() as closing_them:
        try:
            uri = Place.of(name).uri("rw")
            copies = [closing_them.enter_context(closing(open_(uri))) for _ in range(1 + _BESIDE)]
        finally:
            os.unlink(name)
        if not _filled(copies[0], source):
            return None
        for copy in copies:
            pragma(copy, "query_only = ON")
            _begin(copy, everything=False)
        stack.enter_context(closing_them.pop_all())
        return copies


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
    return True


def sweep(folder: Path) -> None:
    """Remove copies that lost their process in the moment before they lost their name, and their sidecars."""
    with suppress(OSError):
        for path in folder.glob(f"{_COPY_PREFIX}*{_COPY_SUFFIX}*"):
            if path.stat().st_mtime < time.time() - _OLD:
                path.unlink()
