"""One writer at a time: an advisory lock in the database itself, on a connection of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import TYPE_CHECKING

import psycopg

from backups.engines.postgresql.session import Connection, fetch, pin, run, session, told
from backups.exceptions import LockHeld

if TYPE_CHECKING:
    from backups.engines.base import Engine

_HOLDER = """
SELECT a.pid, a.usename, coalesce(host(a.client_addr), 'this server'), a.application_name,
    to_char(a.xact_start, 'YYYY-MM-DD HH24:MI:SS "UTC"')
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid JOIN pg_database d ON d.oid = l.database
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND d.datname = current_database()
    AND (l.classid::int8 << 32 | l.objid::int8) = %(key)s
"""


@contextmanager
def lock(engine: Engine, run_name: str) -> Iterator[None]:
    """Hold the lock while inside; raise LockHeld, naming the holder, where it is held.

    It is a transaction's lock, in a transaction that reads and writes nothing, so that it also holds through a pooler
    that lends connections by the transaction; vacuum is not held back by it.
    """
    with session(engine) as connection:
        with told(engine.describe()):
            run(connection, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY")
            pin(connection, local=True, application_name=f"lifeboat {run_name}")
            be_alone(connection, engine)
        try:
            yield
        finally:
            # Where the connection is lost, so is the lock.
            with suppress(psycopg.OperationalError):
                run(connection, "ROLLBACK")


def be_alone(connection: Connection, engine: Engine) -> None:
    """Take the lock for the transaction that is under way; raise LockHeld where it is held."""
    key = _key(fetch(connection, "SELECT current_database()")[0][0])
    if not fetch(connection, "SELECT pg_try_advisory_xact_lock(%(key)s)", {"key": key})[0][0]:
        raise LockHeld(f"Another run is at work on {engine.describe()}: {_holder(connection, key)}.")


def _key(database: str) -> int:
    return int.from_bytes(blake2b(f"lifeboat:{database}".encode(), digest_size=8).digest(), "big", signed=True)


def _holder(connection: Connection, key: int) -> str:
    holders = fetch(connection, _HOLDER, {"key": key})
    if not holders:
        return "it has ended just now"
    pid, user, place, application, since = holders[0]
    name = f"{application}, " if application else ""
    began = f", since {since}" if since else ""
    return f"{name}process {pid} of user {user} from {place}{began}"
