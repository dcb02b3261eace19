"""Puts objects in the background, a few at a time, so that reading, compressing and storing overlap."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from backups.manifest import Stored
from backups.repository import Repository, damage

WORKERS = 4  # more than cores: they wait for the disk most of the time
WAITING = 2  # plaintexts that may wait beside those being worked on: memory is bounded by these
REMEMBERED = 65_536  # ids of this run; one that is forgotten is only stored twice


class Writer:
    """Stores what one run makes. Counts what it was first to put; leaving it waits for what is under way.

    ``healed`` counts what was stored again because the parent's object was noted as damaged.
    """

    def __init__(self, repository: Repository, run: str) -> None:
        self.repository = repository
        self.run = run
        self.new_chunks = 0
        self.new_bytes = 0
        self.healed = 0
        self._damaged = damage.noted(repository)
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="lifeboat-writer")
        self._room = threading.BoundedSemaphore(WORKERS + WAITING)
        self._lock = threading.Lock()
        self._put: OrderedDict[str, Stored] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=error is not None)

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
        is_damaged = same is not None and damage.place_of(same.name) in self._damaged
        found = self._put.get(ident) if is_damaged else same or self._put.get(ident)
        if found is not None:
            return found
        stored = self.repository.put(kind, plaintext, self.run, ident)
        with self._lock:
            self._count(kind, stored)
            self.healed += is_damaged
        return stored

    def _count(self, kind: str, stored: Stored) -> None:
        if stored.id in self._put:
            return
        self._put[stored.id] = stored
        if len(self._put) > REMEMBERED:
            self._put.popitem(last=False)
        self.new_chunks += kind == "chunk"
        self.new_bytes += stored.stored_bytes
