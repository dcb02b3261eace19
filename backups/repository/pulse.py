"""A run's own sign of life while it works: a beat every five minutes, and in it what has been stored since the last.

A run that was held up for longer than others wait for one is dead to them: its marker may be gone, and what it relies on
swept. So it stops by itself before that, and asks once more around its commit.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from backups.exceptions import BackupsError, HeartbeatLost, StorageUnavailable
from backups.manifest import Stored
from backups.repository import damage
from backups.repository.names import object_name
from backups.repository.processes import mark_of
from backups.repository.runs import EVERY, Beat, Item, beat_name, beat_names, put_beat, read_beat, remove_beats

if TYPE_CHECKING:
    from backups.repository.repository import Repository

GIVE_UP = timedelta(minutes=22)
ITEMS = 1024  # objects in one checkpoint: it is some 200 kB then
BYTES = 64 * 1024 * 1024  # stored bytes that one checkpoint speaks of: no more than this is stored twice


class Pulse:
    """Beats for one run. ``notes`` are sentences on what could not be done; ``stays`` says that its beats are for the next run.

    Where nothing could be written when it began, there is none, and ``check`` and ``confirm`` are for backups alone.
    """

    def __init__(self, repository: Repository, beat: Beat) -> None:
        self.notes: list[str] = []
        self.stays = False
        self._repository, self._beat = repository, beat
        self._number = -1
        self._empty = True  # the newest beat is no checkpoint, so it goes when the next one is there
        self._told = False  # some beat was a checkpoint
        self._last = _moment()
        self._late = 0.0
        self._items: list[Item] = []
        self._bytes = 0
        self._lock = threading.RLock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep_beating, daemon=True)

    def start(self) -> None:
        """Put the first beat, and more of them from now on. Raises StorageUnavailable."""
        self.beat()
        self._thread.start()

    def stop(self) -> None:
        """Put no more beats."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def stored(self, kind: str, stored: Stored) -> None:
        """Hear that an object was stored, and put a checkpoint when there is enough to tell. Raises HeartbeatLost."""
        with self._lock:
            self.check()
            self._items.append((kind, stored.id, stored.bytes, stored.stored_bytes, stored.sha256))
            self._bytes += stored.stored_bytes
            if len(self._items) >= ITEMS or self._bytes >= BYTES:
                # What cannot be put now is put with a later beat, or stored again by the next run.
                with suppress(StorageUnavailable):
                    self.beat()
                del self._items[:-ITEMS]

    def beat(self) -> None:
        """Put a beat with all that was stored since the last one. Raises HeartbeatLost, StorageUnavailable."""
        with self._lock:
            # Taken before it is looked at and before it is told: a run may be held up in the middle of its own beat.
            moment = _moment()
            self.check()
            items = tuple(self._items)
            if items:
                # A checkpoint must not outlast the objects that it names.
                self._repository.objects.settle()
            beat = replace(self._beat, beat=datetime.now(UTC).isoformat(), stored=items)
            put_beat(self._repository, beat, self._number + 1)
            before, was_empty = self._number, self._empty
            self._number, self._empty, self._last = self._number + 1, not items, moment
            self._items, self._bytes, self._told = [], 0, self._told or bool(items)
            if before >= 0 and was_empty:
                self._repository.objects.delete(beat_name(self._beat.run, before))

    def leave(self) -> None:
        """Leave what was stored to the next run, if there is something: this one ended with an error."""
        with self._lock:
            if not (self._late or _too_late(self._last)) and (self._told or self._items):
                self.hand_over()

    def hand_over(self) -> None:
        """Have the next run go on, or clear away, where this one ended as it does for a killed one.

        Raises HeartbeatLost, StorageUnavailable.
        """
        with self._lock:
            self._beat = replace(self._beat, ended=True)
            self.beat()
            self.stays = True

    def withdraw(self) -> None:
        """Remove what this run has stored, so that nobody goes on from it. Raises HeartbeatLost, RepositoryError.

        What may heal an earlier backup stays. A checkpoint goes before what it names, and for good: one that outlasts its
        objects would have the next backup name what is not there.
        """
        with self._lock:
            self.check()
            lost = damage.lost(damage.noted(self._repository))
            for name in beat_names(self._repository, self._beat.run):
                if told := read_beat(self._repository, name).stored:
                    self._repository.objects.delete(name)
                    self._repository.objects.settle()
                    self._remove(told, lost)
            told, self._items, self._bytes, self._told = tuple(self._items), [], 0, False
            self._remove(told, lost)
            if not lost:
                self._repository.keys.remove(self._beat.run)

    def _remove(self, items: tuple[Item, ...], lost: frozenset[str]) -> None:
        for kind, ident, *_ in items:
            name = object_name(kind, ident, self._beat.run)
            if not damage.may_heal(lost, name):
                self._repository.objects.delete(name)

    def check(self) -> None:
        """Raise HeartbeatLost where this run was held up for so long that others may take it for dead, now or before."""
        self._late = self._late or _too_late(self._last)
        if self._late:
            raise HeartbeatLost(
                f"The {self._beat.verb} {self._beat.run} was held up for {self._late / 60:.0f} minutes without a sign of "
                "life, so others may have taken it for dead, and it stopped."
            )

    def confirm(self) -> None:
        """Raise HeartbeatLost unless this run is in time and its marker is still there; asked around a commit."""
        with self._lock:
            self.check()
            if not self._repository.objects.exists(beat_name(self._beat.run, self._number)):
                raise HeartbeatLost(
                    f"The {self._beat.verb} {self._beat.run} was taken for dead by somebody: its sign of life is gone."
                )

    def _keep_beating(self) -> None:
        while not self._stop.wait(EVERY.total_seconds()):
            # A storage that is away for a moment is no reason to stop; the verb itself meets it if it lasts.
            with suppress(BackupsError):
                self.beat()


@contextmanager
def beating(
    repository: Repository,
    run: str,
    verb: str,
    database: str,
    requested_by: str = "",
    target: str = "",
    server: str = "",
) -> Iterator[Pulse]:
    """Keep a run's heart beating while inside; remove its beats at the end, so that only a killed run's are left.

    What only reads works on a storage that nothing can be written to, and then has no beats: ``notes`` says so. A backup
    does not; there StorageUnavailable is raised.
    """
    now, pid = datetime.now(UTC).isoformat(), os.getpid()
    asked = (requested_by, target, server)
    first = Beat(run, verb, database, socket.gethostname(), pid, now, now, *asked, process=mark_of(pid))
    pulse = Pulse(repository, first)
    try:
        pulse.start()
    except StorageUnavailable as error:
        if verb == "backup":
            raise
        pulse.notes.append(
            f"Nobody can see that this {verb} is under way, and what it leaves if it is killed is not found: {error}"
        )
        yield pulse
        return
    try:
        yield pulse
    except BaseException:
        pulse.stop()
        if verb == "backup":
            with suppress(BackupsError):
                pulse.leave()
        raise
    finally:
        pulse.stop()
        # What was done is done. Where a storage deletes nothing, a beat that stays is dead once this process is.
        with suppress(StorageUnavailable):
            if not pulse.stays:
                remove_beats(repository, run)


def _moment() -> tuple[float, float]:
    """Return the time by the clock, and by one that nobody sets: a machine that sleeps stops the second."""
    return time.time(), time.monotonic()


def _too_late(last: tuple[float, float]) -> float:
    """Return how many seconds have passed since then if these are too many, else 0."""
    passed = max(now - then for now, then in zip(_moment(), last, strict=True))
    return passed if passed > GIVE_UP.total_seconds() else 0.0
