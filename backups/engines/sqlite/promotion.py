"""Puts a proven copy in the place of a database file in one step; the old file keeps a name of its own.

At every moment there is one whole file under the live name: the old one until ``os.replace``, the new one from then on.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from django.db import Error as DjangoError

from backups.durable import sync_folder
from backups.engines.sqlite.connection import code_of, pragma
from backups.engines.sqlite.openers import openers, own_handles
from backups.engines.sqlite.place import SIDECARS, Place
from backups.exceptions import TargetError, TargetExists
from backups.progress import Progress, Step

Open = Callable[[str], sqlite3.Connection]

_LOGS = ("-wal", "-journal")
_PATIENCE, _PAUSE = 10.0, 0.1  # seconds to wait for others to finish what they do, and between two looks
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
# The file may be whole, and it is this process that cannot get at it.
_NOT_OURS = {sqlite3.SQLITE_PERM, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL}


def promote(path: Path, copy: Path, kept: Path, open_: Open, progress: Progress) -> list[str]:
    """Give ``copy`` the name ``path``; what lies there now is kept as ``kept``. Returns sentences on what to mind.

    ``open_`` connects to a NAME. Raises TargetError while another process writes there or has the file open.
    """
    if any(os.path.lexists(_beside(kept, suffix)) for suffix in ("", *SIDECARS)):
        raise TargetExists(f"There is something already at {kept}.")
    progress(Step("promote", "settle the copy"))
    with _settled(copy, open_):
        pass
    # Shared memory holds nothing of its own.
    _beside(copy, "-shm").unlink(missing_ok=True)
    if _sidecars(copy):
        raise TargetError(f"The SQLite database {copy} is in use: {_sidecars(copy)[0].name} lies beside it.")
    notes = _carry_over(path, copy)
    with _alone(path, open_) as keeps_wal:
        identity = path.stat() if path.exists() else None
        for name, change in _changes(path, copy, kept):
            progress(Step("promote", name))
            change()
        progress(Step("promote", "done"))
        if identity is not None:
            notes += [
                f"{who} has the old file open, and what it writes goes there: restart it." for who in openers(identity)
            ]
    if keeps_wal:
        # A matter of speed alone: with or without it, the kept file is whole.
        with suppress(sqlite3.Error, DjangoError), closing(open_(Place.of(str(kept)).uri("rw"))) as connection:
            pragma(connection, "journal_mode = WAL")
    return notes


def finish(path: Path, copy: Path, kept: Path, *, was_there: bool) -> bool:
    """See whether a killed ``promote`` came to its step, and take back what it did before it where it did not."""
    if not was_there:
        return path.exists() and not copy.exists()
    if not kept.exists():
        return False
    if not path.exists() or not path.samefile(kept):
        return path.exists() and not copy.exists()
    for suffix in _LOGS:
        moved, own = _beside(kept, suffix), _beside(path, suffix)
        if moved.exists():
            if not own.exists():
                os.link(moved, own)
            moved.unlink()
    kept.unlink()
    sync_folder(path.parent)
    return False


def _changes(path: Path, copy: Path, kept: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Yield each change of the folder, by name; the file under ``path`` is exchanged by the one named replace."""
    if path.exists():
        yield "keep the old file", lambda: _linked(path, kept)
    for suffix in _LOGS:
        # What a ruined database could not take in goes where it goes: beside the new file it would be taken in there.
        if (own := _beside(path, suffix)).exists():
            yield f"keep {own.name}", lambda own=own, suffix=suffix: _linked(own, _beside(kept, suffix))  # type: ignore[misc]
    yield "sync", lambda: sync_folder(path.parent)
    for own in _sidecars(path):
        yield f"remove {own.name}", own.unlink
    yield "replace", lambda: os.replace(copy, path)
    yield "sync again", lambda: sync_folder(path.parent)


@contextmanager
def _alone(path: Path, open_: Open) -> Iterator[bool]:
    """Be the only one in a database file while inside, all that was committed in the file itself; refuse if others are.

    Yields whether it keeps a write-ahead log. A file that SQLite cannot make sense of is not held, and left as it is.
    """
    if not path.exists():
        yield False
        return
    if own_handles(path.stat()):
        raise TargetError(f"This very process has the SQLite database {path} open, in another thread.")
    deadline = time.monotonic() + _PATIENCE
    while True:
        with ExitStack() as stack:
            try:
                _refuse_openers(path, "has it open")
                keeps_wal = stack.enter_context(_settled(path, open_))
                _refuse_openers(path, "has just opened it")
            except TargetError:
                if time.monotonic() > deadline:
                    raise
                keeps_wal = None
            if keeps_wal is not None:
                yield keeps_wal
                return
        # Somebody's request may be over in a moment.
        time.sleep(_PAUSE)


@contextmanager
def _settled(path: Path, open_: Open) -> Iterator[bool]:
    """Hold a file alone, without a log beside it; yields whether it had a write-ahead log."""
    try:
        connection = open_(Place.of(str(path)).uri("rw"))
    except (sqlite3.Error, DjangoError) as error:
        _refuse(path, error)
        yield False
        return
    with closing(connection):
        keeps_wal = False
        try:
            keeps_wal = pragma(connection, "journal_mode").lower() == "wal"
            _held(connection, path)
        except (sqlite3.Error, DjangoError) as error:
            _refuse(path, error)
        yield keeps_wal
        with suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _held(connection: sqlite3.Connection, path: Path) -> None:
    if pragma(connection, "journal_mode = DELETE").lower() != "delete":
        raise sqlite3.OperationalError(f"the write-ahead log of {path} could not be taken in")
    connection.execute("BEGIN EXCLUSIVE")


def _refuse(path: Path, error: Exception) -> None:
    """Raise TargetError where somebody else is in the way; return where the file itself is ruined."""
    code = code_of(error)
    if code in _BUSY:
        who = "; ".join(openers(path.stat())) or "A process that is not to be seen from here"
        raise TargetError(
            f"{who} is at work in the SQLite database {path}: {error}.",
            hint="Nothing was changed. Stop what uses the database, then try again.",
        ) from error
    if code in _NOT_OURS:
        raise TargetError(f"The SQLite database {path} cannot be replaced: {error}.") from error


def _refuse_openers(path: Path, does: str) -> None:
    found = openers(path.stat())
    if found:
        raise TargetError(
            f"{'; '.join(found)} {does}: SQLite database {path}. What it writes would go to the old file and be missed.",
            hint="Nothing was changed. Stop it, then try again.",
        )


def _linked(path: Path, name: Path) -> None:
    try:
        os.link(path, name)
    except OSError as error:
        raise TargetError(
            f"The old file {path} cannot have a second name, {name.name}: {error.strerror}.",
            hint="Nothing was changed. On a file system without links: restore_db --to a new name, and set NAME to it.",
        ) from error


def _carry_over(path: Path, copy: Path) -> list[str]:
    """Give the copy the mode and owner of the file that it replaces; say what could not be."""
    if not path.exists():
        return [
            f"There was no file whose owner and mode it could take: {path} is for user {copy.stat().st_uid} alone "
            f"(mode {copy.stat().st_mode & 0o777:o}). If the application runs as another user, give it the file."
        ]
    old = path.stat()
    os.chmod(copy, old.st_mode & 0o7777)
    try:
        if (copy.stat().st_uid, copy.stat().st_gid) != (old.st_uid, old.st_gid):
            os.chown(copy, old.st_uid, old.st_gid)
    except OSError as error:
        return [f"The new file could not be given to user {old.st_uid} and group {old.st_gid}: {error.strerror}."]
    return []


def _sidecars(path: Path) -> list[Path]:
    return [own for suffix in SIDECARS if (own := _beside(path, suffix)).exists()]


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)
