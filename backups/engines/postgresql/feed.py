"""Texts on their way from the one who reads them to several who send them: a few at a time, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from threading import Condition


class Feed:
    """Holds up to ``room`` texts. Each is taken once, with its number; what waits when it is stopped is never taken."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._waiting: deque[bytes] = deque()
        self._changed = Condition()
        self._taken = 0
        self._ended = self._stopped = False

    def put(self, text: bytes) -> bool:
        """Add a text when there is room for it, and say whether it will be wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or len(self._waiting) < self._room)
            if not self._stopped:
                self._waiting.append(text)
                self._changed.notify_all()
            return not self._stopped

    def end(self) -> None:
        """Say that there are no more texts: who takes them does not wait for any."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def stop(self) -> None:
        """Have nothing more taken, nor put."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def take(self, size: int) -> Iterator[tuple[int, bytes]]:
        """Yield texts with their numbers as they come, until they have ``size`` bytes or a little more."""
        while size > 0 and (found := self._next()):
            yield found
            size -= len(found[1])

    def _next(self) -> tuple[int, bytes] | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._ended or self._waiting)
            if self._stopped or not self._waiting:
                return None
            self._taken += 1
            self._changed.notify_all()
            return self._taken, self._waiting.popleft()
