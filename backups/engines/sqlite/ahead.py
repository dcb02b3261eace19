"""Answers that will be asked for, looked up ahead on a connection of its own: SQLite lets go of Python's lock for it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Self

_AGAIN = 0.05  # seconds


class Ahead:
    """Runs one query after another in a thread, until it is left.

    Left before all are done, it gives up what is left of them.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lifeboat-ahead")
        self._answers: dict[object, Future[Any]] = {}
        self._asked: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        for answer in self._asked:
            end(self._connection, answer)
        self._thread.shutdown()

    def ask(self, question: object, work: Callable[[sqlite3.Connection], object]) -> None:
        """Have work done on the connection, after what was asked before."""
        self._answers[question] = answer = self._thread.submit(work, self._connection)
        self._asked.append(answer)

    def answer(self, question: object) -> Future[Any] | None:
        """Return the answer to a question, once; None to one that was not asked."""
        return self._answers.pop(question, None)


def end(connection: sqlite3.Connection, work: Future[Any]) -> None:
    """End what runs on a connection. A query that has not begun yet takes no notice, so it is told again."""
    while not work.done():
        connection.interrupt()
        wait([work], timeout=_AGAIN)
