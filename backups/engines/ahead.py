"""Answers that will be asked for, looked up ahead on a connection of its own: Python's lock is let go of for it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

Connection = TypeVar("Connection")
Answer = TypeVar("Answer")

_AGAIN = 0.05  # seconds


class Ahead(Generic[Connection]):
    """Runs one query after another in a thread, until it is left.

    Left before all are done, it gives up what is left of them: ``interrupt`` ends what runs on the connection.
    """

    def __init__(self, connection: Connection, interrupt: Callable[[], None]) -> None:
        self._connection, self._interrupt = connection, interrupt
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lifeboat-ahead")
        self._asked: list[Future[Any]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)
        for answer in self._asked:
            end(answer, self._interrupt)
        self._thread.shutdown()

    def ask(self, work: Callable[[Connection], Answer]) -> Future[Answer]:
        """Have work done on the connection, after what was asked before."""
        answer = self._thread.submit(work, self._connection)
        self._asked.append(answer)
        return answer


def end(work: Future[Any], interrupt: Callable[[], None]) -> None:
    """End work that runs on a connection. A query that has not begun yet takes no notice, so it is told again."""
    while not work.done():
        interrupt()
        wait([work], timeout=_AGAIN)
