"""The server's named locks, and whose connections there are."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from backups.engines.mysql import text
from backups.engines.mysql.session import Session
from backups.exceptions import LockHeld

_PREFIX = "lifeboat:"
_LONGEST = 64


def lock_name(database: str) -> str:
    """Return the name of a database's lock; the server compares names without case, and takes 64 characters."""
    name = _PREFIX + database
    if len(name) <= _LONGEST and name == name.lower():
        return name
    return _PREFIX + hashlib.sha256(database.encode()).hexdigest()[: _LONGEST - len(_PREFIX)]


def take(session: Session, database: str, named: str) -> None:
    """Take a database's lock, which lasts as long as the session's connection; raise LockHeld where another has it."""
    wanted = text.string(lock_name(database))
    if session.value(f"SELECT GET_LOCK({wanted}, 0)") == 1:
        return
    holder = session.value(f"SELECT IS_USED_LOCK({wanted})")
    raise LockHeld(f"Somebody else is at work on {named}{_who(session, holder)}.")


def _who(session: Session, connection: int | None) -> str:
    """Say who holds a lock: its connection does nothing else, so it has been idle since it took it."""
    if connection is None:
        return ""
    rows = session.query(f"SELECT USER, HOST, TIME FROM information_schema.PROCESSLIST WHERE ID = {int(connection)}")
    if not rows:
        return f": connection {connection}"
    user, host, seconds = rows[0]
    since = datetime.now(UTC) - timedelta(seconds=int(seconds or 0))
    return f": {user} from {host} (connection {connection}), since {since:%Y-%m-%d %H:%M:%S} UTC"


def end_connections(session: Session, database: str) -> None:
    """End the connections of others that are in a database, as far as this user may."""
    sql = f"SELECT ID FROM information_schema.PROCESSLIST WHERE DB = {text.string(database)} AND ID <> CONNECTION_ID()"
    for (connection,) in session.query(sql):
        session.end(int(connection))
