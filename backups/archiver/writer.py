"""Puts objects in the background, a few at a time, so that reading, compressing and storing overlap."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Protocol, Self

from backups.exceptions import ObjectRemoved
from backups.manifest import Manifest, Stored
from backups.repository import Repository, damage

WAITING = 2  # plaintexts that may wait beside those being worked on: memory is bounded by these
REMEMBERED = 8_192  # ids of this run, some six megabytes; one that is forgotten is only stored twice


class Journal(Protocol):
    """Hears what a run has stored, and knows what earlier ones had that never came to their end."""

    def adopt(self, kind: str, ident: str) -> Stored | None:
        """Return an object of that id which such a run had stored."""

    def check(self) -> None:
        """Raise where this run may have been taken for dead."""

    def stored(self, kind: str, stored: Stored) -> None:
        """Hear that an object was stored; raise where this run must not go on."""


class Writer:
    """Stores what one run makes. Counts what it was first to put; leaving it waits for what is under way.

    ``healed`` counts what was stored again because the parent's object was noted as damaged; ``closed`` what was because
    its key is not for everybody who is to open this backup.
    """

    def __init__(
        self, repository: Repository, run: str, journal: Journal | None = None, parent: Manifest | None = None
    ) -> None:
        self.repository = repository
        self._journal = journal
        self.run = run
        self.new_chunks = 0
        self.new_bytes = 0
        self.healed = self.closed = 0
        self._closed = _closed(repository, parent)
        self._damaged = damage.noted(repository) | self._closed
        workers = repository.objects.writes_at_once
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="lifeboat-writer")
        self._room = threading.BoundedSemaphore(workers + WAITING)
        self._lock = threading.Lock()
        self._put: OrderedDict[str, Stored] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)

    @property
    def damage_is_noted(self) -> bool:
        """Whether any object was found missing or wrong."""
        return bool(self._damaged)

    def is_damaged(self, stored: Stored) -> bool:
        """Say whether this object was found missing or wrong."""
        return damage.is_noted(self._damaged, stored.name)

    def put(self, kind: str, plaintext: bytes, known: Iterable[Stored] = ()) -> Future[Stored]:
        """Store an object, unless it is one of ``known`` (of the parent backup) or this run has put it: named again.

        Blocks while too many are waiting.
        """
        self._room.acquire()
        try:
            future = self._pool.submit(self._store, kind, plaintext, tuple(known))
        except RuntimeError:
            self._room.release()
            raise
        future.add_done_callback(lambda _: self._room.release())
        return future

    def _store(self, kind: str, plaintext: bytes, known: tuple[Stored, ...]) -> Stored:
        ident = self.repository.sealer.identify(plaintext)
        same = next((stored for stored in known if stored.id == ident), None)
        is_damaged = same is not None and self.is_damaged(same)
        found = self._put.get(ident) if is_damaged else same or self._put.get(ident)
        if found is None and self._journal is not None:
            found = self._journal.adopt(kind, ident)
        if found is not None:
            return found
        try:
            stored = self.repository.put(kind, plaintext, self.run, ident)
        except ObjectRemoved:
            # Where this run may have been taken for dead, that is why.
            if self._journal is not None:
                self._journal.check()
            raise
        if self._journal is not None:
            self._journal.stored(kind, stored)
        with self._lock:
            self._count(kind, stored)
            if same is not None and is_damaged:
                is_closed = damage.is_noted(self._closed, same.name)
                self.closed += is_closed
                self.healed += not is_closed
        return stored

    def _count(self, kind: str, stored: Stored) -> None:
        if stored.id in self._put:
            return
        self._put[stored.id] = stored
        if len(self._put) > REMEMBERED:
            self._put.popitem(last=False)
        self.new_chunks += kind == "chunk"
        self.new_bytes += stored.stored_bytes


def _closed(repository: Repository, parent: Manifest | None) -> frozenset[str]:
    """Return notes on the keys that are not for all of today's recipients, as if they were lost: they are to some.

    What the parent names its recipients can open, so as long as these are today's nothing is looked at.
    """
    keys = repository.keys
    if parent is None or set(keys.recipients) <= set(parent.recipients):
        return frozenset()
    return frozenset(damage.place_of(f"keys/{run}") for run in keys.runs() if not keys.serves(run))
