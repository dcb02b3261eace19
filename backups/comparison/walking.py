"""Two reels side by side: yields the pairs of lines that may differ; what is stored under one id is passed over unread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from backups.comparison.reel import Reel
from backups.exceptions import BackupsError
from backups.manifest import Page
from backups.ordering import Order, ident

Pair = tuple[bytes | None, bytes | None]

MOST_WAITING = 64 * 1024 * 1024  # bytes of lines that have not found their like yet


class TooFarApart(BackupsError):
    """Two tables differ in such a way that they cannot be compared in the memory there is to be used."""


def merged(a: Reel, b: Reel, order: Order) -> Iterator[Pair]:
    """Yield pairs of equal keys, and rows that only one side has, by the order of their keys."""
    while True:
        if _passed_over(a, b):
            continue
        one, other = a.key, b.key
        if one is None and other is None:
            return
        first = other is None or (one is not None and order(one) <= order(other))
        second = one is None or (other is not None and order(other) <= order(one))
        unread = next((reel for reel, needed in ((a, first), (b, second)) if needed and reel.part is not None), None)
        if unread is not None:
            unread.open()
        else:
            yield (a.pop() if first else None, b.pop() if second else None)


def matched(a: Reel, b: Reel) -> Iterator[Pair]:
    """The same where nobody here knows the order: both sides are in one order, so a match settles all that came before it.

    Raises TooFarApart where too many rows wait for their like.
    """
    waiting = _Waiting()
    while True:
        if a.part is not None and b.part is not None and a.part.id == b.part.id:
            yield from waiting.settled()
        if _passed_over(a, b):
            continue
        if a.key is None and b.key is None:
            yield from waiting.settled()
            return
        for side, reel in _next(a, b):
            if reel.part is not None:
                reel.open()
            elif reel.line is not None:
                key = ident(reel.key or ())
                yield from waiting.take(side, key, reel.pop())


class _Waiting:
    """Rows of each side, in order, that have not met their like."""

    def __init__(self) -> None:
        self._rows: tuple[dict[tuple[str, ...], bytes], dict[tuple[str, ...], bytes]] = ({}, {})
        self._bytes = 0

    def take(self, side: int, key: tuple[str, ...], line: bytes) -> Iterator[Pair]:
        """Take a row in; yield what is settled by it."""
        other = self._rows[1 - side]
        if key not in other:
            self._rows[side][key] = line
            self._bytes += len(line)
            if self._bytes > MOST_WAITING:
                raise TooFarApart("too many of its rows differ, and only the database knows the order of its keys.")
            return
        yield from self._alone(side, list(self._rows[side]))
        earlier = []
        for waiting in other:
            if waiting == key:
                break
            earlier.append(waiting)
        yield from self._alone(1 - side, earlier)
        like = other.pop(key)
        self._bytes -= len(like)
        yield (line, like) if side == 0 else (like, line)

    def settled(self) -> Iterator[Pair]:
        """Yield all that waits: nothing like it will come."""
        for side in (0, 1):
            yield from self._alone(side, list(self._rows[side]))

    def _alone(self, side: int, keys: list[tuple[str, ...]]) -> Iterator[Pair]:
        for key in keys:
            line = self._rows[side].pop(key)
            self._bytes -= len(line)
            yield (line, None) if side == 0 else (None, line)


def counted(a: Reel, b: Reel) -> Iterator[Pair]:
    """The same for tables without a key, whose rows are only more or fewer; raises TooFarApart where too many are."""
    balance: Counter[bytes] = Counter()
    size = 0
    while True:
        if _passed_over(a, b):
            continue
        for reel in (a, b):
            if reel.part is not None:
                reel.open()
        if a.line is None and b.line is None and a.part is None and b.part is None:
            break
        for reel, one in ((a, 1), (b, -1)):
            if reel.line is None:
                continue
            line = reel.pop()
            before, balance[line] = balance[line], balance[line] + one
            size += len(line) if abs(before + one) > abs(before) else -len(line)
            if not balance[line]:
                del balance[line]
        if size > MOST_WAITING:
            raise TooFarApart("too many of its rows differ, and they have no key.")
    for line, number in balance.items():
        for _ in range(abs(number)):
            yield (line, None) if number > 0 else (None, line)


def _next(a: Reel, b: Reel) -> list[tuple[int, Reel]]:
    """Return the sides to read on: both, or the one that is to catch up with a part that the other stands before."""
    if a.part is not None and ((b.part is None and b.line is not None) or (b.part is not None and b.comes(a.part))):
        return [(1, b)]
    if b.part is not None and ((a.part is None and a.line is not None) or (a.part is not None and a.comes(b.part))):
        return [(0, a)]
    return [(0, a), (1, b)]


def _passed_over(a: Reel, b: Reel) -> bool:
    """Pass over what is the same on both sides; go into a page where the other side has none like it."""
    one, other = a.part, b.part
    if one is None or other is None:
        return False
    if one.id == other.id:
        a.skip()
        b.skip()
        return True
    if isinstance(one, Page) or isinstance(other, Page):
        for reel, part in ((a, one), (b, other)):
            if isinstance(part, Page):
                reel.open()
        return True
    return False
