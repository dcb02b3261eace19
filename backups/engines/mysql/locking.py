"""The server's named locks, and whose connections there are."""

from __future__ import annotations

import hashlib
import string
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from backups.engines.mysql import text
from backups.engines.mysql.session import DATABASE_ERRORS, Session
from backups.exceptions import LockHeld

_PREFIX = "lifeboat:"
_LONGEST = 64
_DIGEST = 16
# The server remembers nothing of a lock but its name and its connection. So the holder writes down which run it is in
# more locks, one for each letter; whoever is refused asks for every letter at every place.
_LETTERS = string.ascii_letters + string.digits + "-"
_PLACES = 32
# Seconds: the server lists a connection for a moment after its client has gone.
_LEAVING = 2.0
_PAUSE = 0.05
_BETWEEN = 1  # second, for who has given a lock back just now


def lock_name(database: str) -> str:
    """Return the name of a database's lock; the server compares names without case, and takes 64 characters."""
    name = _PREFIX + database
    return name if len(name) <= _LONGEST and name == name.lower() else _PREFIX + _digest(database)


def take(session: Session, database: str, run: str, named: str) -> None:
    """Take a database's lock, which lasts no longer than the session's connection; raise LockHeld where another has it."""
    wanted = text.string(lock_name(database))
    if not _taken(session, wanted, 0):
        holder = session.value(f"SELECT IS_USED_LOCK({wanted})")
        # One that nobody holds was given back between the two questions.
        if holder is not None or not _taken(session, wanted, _BETWEEN):
            raise LockHeld(f"Somebody else is at work on {named}{_who(session, database, holder)}.")
    written = [_letter(database, place, letter) for place, letter in enumerate(run[:_PLACES]) if letter in _LETTERS]
    session.query(f"SELECT {', '.join(f'GET_LOCK({name}, 0)' for name in written) or 1}")


def give_back(session: Session) -> None:
    """Give back all locks of a session: the server would do so a moment after the connection is closed."""
    with suppress(*DATABASE_ERRORS):
        session.value("SELECT RELEASE_ALL_LOCKS()")


def _taken(session: Session, wanted: str, seconds: int) -> bool:
    return bool(session.value(f"SELECT GET_LOCK({wanted}, {seconds})") == 1)


def _who(session: Session, database: str, connection: int | None) -> str:
    """Say who holds a lock: its connection does nothing else, so it has been idle since it took it."""
    if connection is None:
        return ""
    run = _run(session, database, connection)
    doing = f": run {run}" if run else ""
    rows = session.query(f"SELECT USER, HOST, TIME FROM information_schema.PROCESSLIST WHERE ID = {int(connection)}")
    if not rows:
        return f"{doing}, connection {connection}"
    user, host, seconds = rows[0]
    since = datetime.now(UTC) - timedelta(seconds=int(seconds or 0))
    return f"{doing}, {user} from {host} (connection {connection}), since {since:%Y-%m-%d %H:%M:%S} UTC"


def _run(session: Session, database: str, connection: int) -> str:
    def place(number: int) -> str:
        held = (f"IS_USED_LOCK({_letter(database, number, letter)}) = {int(connection)}" for letter in _LETTERS)
        tried = ", ".join(f"IF({one}, {text.string(letter)}, '')" for one, letter in zip(held, _LETTERS, strict=True))
        return f"CONCAT({tried})"

    return "".join(session.query(f"SELECT {', '.join(map(place, range(_PLACES)))}")[0])


def _letter(database: str, place: int, letter: str) -> str:
    return text.string(f"{_PREFIX}{_digest(database)[:_DIGEST]}:{place}:{ord(letter)}")


def _digest(database: str) -> str:
    return hashlib.sha256(database.encode()).hexdigest()[: _LONGEST - len(_PREFIX)]


def end_connections(session: Session, database: str) -> None:
    """End the connections of others that are in a database, as far as this user may."""
    for connection in others(session, database):
        session.end(connection)


def others(session: Session, database: str) -> list[int]:
    """Return the connections of others that are in a database, as far as this user may see them."""
    sql = f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = {text.string(database)} AND ID <> CONNECTION_ID()"
    return [int(connection) for (connection,) in session.query(sql)]


def is_deserted(session: Session, database: str) -> bool:
    """Say whether nobody else is in a database; who is just leaving it is waited for."""
    deadline = time.monotonic() + _LEAVING
    while others(session, database):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_PAUSE)
    return True
