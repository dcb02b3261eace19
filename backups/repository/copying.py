"""Brings the copy of a repository up to date: the same objects under the same names, each compared with its digest.

A backup's manifest is put last, so what the copy lists is whole. Nothing is ever removed from a copy, and what it has
pruned by itself is not put there again.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from backups.exceptions import CannotOpen, HeartbeatLost, NameTaken, ObjectDamaged, ObjectMissing, RepositoryError
from backups.manifest import Stored, decode_entries
from backups.repository import damage
from backups.repository.names import EVENT, check_object_name
from backups.repository.pulse import Pulse
from backups.repository.repository import Committed, Listed, Repository

WORKERS = 4
WAITING = 8  # objects that may be on their way at once: memory is bounded by these
_KEY = re.compile(r"keys/(?:id|\d{8}T\d{6}Z-[0-9a-f]{6})/\d+")
Watch = Callable[[int, int], None]


@dataclass(slots=True)
class Tally:
    """What was put into a copy: objects, and their bytes."""

    objects: int = 0
    bytes: int = 0


class Copying:
    """One bringing up to date. ``watch`` is told the objects and bytes that were put so far."""

    def __init__(self, source: Repository, target: Repository, pulse: Pulse, watch: Watch) -> None:
        self.tally = Tally()
        self._source, self._target, self._pulse, self._watch = source, target, pulse, watch
        self._damaged = damage.noted(target)
        self._keyed: set[str] = set()

    def behind(self, looked_at: int | None = None) -> list[Listed]:
        """Return the backups that the copy lacks and has not pruned itself, newest first: that one is needed most.

        Of the newest ``looked_at``, or of all, it is seen that their manifest was not cut off when it was put.
        """
        listing = self._target.listing()
        doubtful = listing[-looked_at:] if looked_at else listing
        there = {listed.name for listed in listing} - {one.name for one in doubtful if not self._is_same(one.name)}
        pruned = [name.partition("/")[2] for name in self._target.objects.list("trash")]
        return [
            listed
            for listed in reversed(self._source.listing())
            if listed.name not in there and not any(name.startswith(listed.name.partition("/")[2]) for name in pruned)
        ]

    def backup(self, listed: Listed) -> None:
        """Copy one backup: keys, chunks, pages, parts, then its manifest and what happened to it.

        Raises RepositoryError where an object is nowhere whole, or the copy cannot be written to; HeartbeatLost. The copy
        does not list the backup then.
        """
        committed = self._source.read_manifest(listed.name)
        known = self._known()
        self._keys(listed.run)
        with self._putting() as put:
            for kind, stored in self._objects(committed, known):
                self._pulse.check()
                put(kind, stored)
        self._commit(committed)
        self.events(listed)

    def events(self, listed: Listed) -> None:
        """Copy what happened to a backup since: verified, restored, pinned."""
        folder = f"events/{listed.run}"
        there = set(self._target.objects.list(folder))
        for name in self._source.objects.list(folder):
            if EVENT.fullmatch(name) and not (name in there and self._is_same(name)):
                self._bytes(name, self._source.objects.get(name))

    def keys(self) -> None:
        """Copy all keys, as they are wrapped now."""
        for folder in self._source.objects.folders("keys"):
            self._keys(folder.removeprefix("keys/"))

    def heal(self) -> list[str]:
        """Put what was noted as damaged on either side back from the other; return a sentence for each that was."""
        said = []
        for place, other in ((self._target, self._source), (self._source, self._target)):
            for noted in list(damage.read(place)):
                with suppress(RepositoryError):
                    check_object_name(noted.kind, noted.stored.id, noted.stored.name)
                    sealed = other.objects.get(noted.stored.name, noted.stored.stored_bytes)
                    other.check_recorded(noted.stored, sealed)
                    place.objects.replace(noted.stored.name, sealed)
                    place.objects.settle()
                    damage.clear(place, noted.stored.name)
                    said.append(f"{noted.stored.name} was damaged in {place.where}, and is whole again.")
        return said

    def _is_same(self, name: str) -> bool:
        """Say whether the copy's object has as many bytes as the source's, or the source has none of that name any more."""
        size = self._source.objects.size(name)
        return size is None or size == self._target.objects.size(name)

    def _known(self) -> frozenset[str]:
        """Return the names of the objects that the copy's newest manifest names: they are there, and so is what pages name."""
        for listed in reversed(self._target.listing()):
            with suppress(ObjectDamaged, ObjectMissing):
                named = self._target.read_manifest(listed.name).manifest.objects()
                return frozenset(stored.name for stored in named if damage.place_of(stored.name) not in self._damaged)
        return frozenset()

    def _objects(self, committed: Committed, known: frozenset[str]) -> Iterator[tuple[str, Stored]]:
        """Yield what a backup names and the copy may lack: chunks, then pages, then parts."""
        manifest = committed.manifest
        pages = [page for table in manifest.tables for page in table.pages if page.name not in known]
        chunks = [*manifest.shared, *(entry for table in manifest.tables for entry in table.chunks)]
        yield from (("chunk", chunk) for chunk in chunks if chunk.name not in known)
        for page in pages:
            entries = decode_entries(page.name, self._source.get("page", page))
            yield from (("chunk", entry) for entry in entries)
        yield from (("page", page) for page in pages)
        yield from (("part", part) for part in manifest.parts.values() if part.name not in known)

    @contextmanager
    def _putting(self) -> Iterator[Callable[[str, Stored], None]]:
        """Put objects a few at a time, since both storages may be far away."""
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="lifeboat-copying") as pool:

            def put(kind: str, stored: Stored) -> None:
                self._keys(stored.name.rpartition(".")[2])
                waiting.append(pool.submit(self._object, kind, stored))
                while len(waiting) > WAITING:
                    waiting.popleft().result()

            try:
                yield put
                while waiting:
                    waiting.popleft().result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _object(self, kind: str, stored: Stored) -> None:
        """Put one object, unless it is there: one of another size was cut off when it was put."""
        check_object_name(kind, stored.id, stored.name)
        is_damaged = damage.place_of(stored.name) in self._damaged
        if not is_damaged and self._target.objects.size(stored.name) == stored.stored_bytes:
            return
        self._bytes(stored.name, self._sealed(kind, stored))
        if is_damaged:
            damage.clear(self._target, stored.name)

    def _sealed(self, kind: str, stored: Stored) -> bytes:
        """Read an object's bytes; where they are not the recorded ones, they are healed first if that can be."""
        for attempt in range(2):
            try:
                sealed = self._source.objects.get(stored.name, stored.stored_bytes)
                self._source.check_recorded(stored, sealed)
            except (ObjectDamaged, ObjectMissing):
                if attempt:
                    raise
                # What is encrypted for others is healed all the same.
                with suppress(CannotOpen):
                    self._source.get(kind, stored)
            else:
                return sealed
        raise AssertionError("unreachable")

    def _bytes(self, name: str, data: bytes) -> None:
        """Put bytes under the name that they have, and read them back. What a killed run left half-put is replaced."""
        try:
            self._target.objects.put(name, data)
        except NameTaken:
            self._target.objects.replace(name, data)
        if self._target.objects.get(name, len(data)) != data:
            raise ObjectDamaged(name, f"{self._target.where} gives other bytes than it was given")
        self.tally.objects += 1
        self.tally.bytes += len(data)
        self._watch(self.tally.objects, self.tally.bytes)

    def _keys(self, run: str) -> None:
        """Copy the key objects of a run, and of the ids, before anything that needs them."""
        for folder in {f"keys/{run}", "keys/id"} - self._keyed:
            for name in self._source.objects.list(folder):
                if _KEY.fullmatch(name):
                    data = self._source.objects.get(name)
                    if self._target.objects.size(name) != len(data):
                        self._bytes(name, data)
            self._keyed.add(folder)

    def _commit(self, committed: Committed) -> None:
        """Put the manifest, last of all, unless others may have taken this run for dead."""
        name = committed.manifest.name
        self._target.objects.settle()
        self._pulse.confirm()
        self._bytes(name, self._source.objects.get(name))
        self._target.objects.settle()
        try:
            self._pulse.confirm()
            if self._target.read_manifest(name).digest != committed.digest:
                raise ObjectDamaged(name, "the manifest changed while it was copied")
        except (HeartbeatLost, ObjectDamaged):
            self._target.objects.delete(name)
            raise
