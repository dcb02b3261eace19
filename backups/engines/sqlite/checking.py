"""The check of a whole database file, in a thread beside whatever is read meanwhile: SQLite lets go of Python's lock for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from backups.engines.ahead import end
from backups.engines.sqlite.connection import Condition, condition_of, reading
from backups.exceptions import SourceCorrupt, SourceError


class Check:
    """What ``quick_check`` finds, which is waited for by whoever asks."""

    def __init__(self, title: str, found: Future[Condition]) -> None:
        self._title, self._found = title, found

    def violations(self) -> dict[str, int]:
        """Return how many rows of each table break a CHECK of it; raise SourceCorrupt for a damaged file, and SourceError."""
        with reading(self._title):
            condition = self._found.result()
        if condition.damage:
            raise SourceCorrupt(f"The {self._title} is damaged: {condition.damage}.")
        return condition.violations

    def give_up(self, connection: sqlite3.Connection) -> None:
        """End the check, which runs on this connection."""
        end(self._found, connection.interrupt)


@contextmanager
def checked(title: str, connection: sqlite3.Connection, *, beside: bool) -> Iterator[Check]:
    """Check a file while the body runs, on a connection ``beside`` the one that the body reads from, or before it.

    The body does not end well before the check has: whatever it has read may be wrong. Where it fails in reading, damage
    is what is told; where it fails for another reason, or is given up, the check is given up too.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="lifeboat-check") as thread:
        check = Check(title, thread.submit(condition_of, connection))
        try:
            if not beside:
                check.violations()
            yield from _guarded(title, check)
        except BaseException:
            check.give_up(connection)
            raise


def _guarded(title: str, check: Check) -> Iterator[Check]:
    """Yield a check to the body; damage is what is told where reading fails, and also where it does not."""
    try:
        yield check
    except (SourceError, sqlite3.Error):
        check.violations()
        with reading(title):
            raise
    check.violations()
