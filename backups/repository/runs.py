"""Heartbeats: who is at work on a repository, since when, and whether they are still alive.

Whatever works on a repository puts a beat under ``runs/<run>/<n>`` when it begins and every five minutes, and removes
them when it ends. A run without a beat for half an hour, or whose process is gone from this host, is dead.
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from backups.exceptions import BackupsError, ObjectMissing, StorageUnavailable
from backups.repository.names import RUN

if TYPE_CHECKING:
    from backups.repository.repository import Repository

EVERY = timedelta(minutes=5)
DEAD_AFTER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Beat:
    """One sign of life. ``started`` and ``beat`` are ISO 8601 in UTC; ``target`` is the NAME that a restore makes."""

    run: str
    verb: str
    database: str
    host: str
    pid: int
    started: str
    beat: str
    requested_by: str = ""
    target: str = ""

    def alive(self, now: datetime) -> bool:
        """Say whether the run can still be at work."""
        if self.host == socket.gethostname() and not process_lives(self.pid):
            return False
        return now - datetime.fromisoformat(self.beat) < DEAD_AFTER

    def dead(self, now: datetime) -> bool:
        """Say whether the run was killed. One whose process is here may only have had no storage to beat in."""
        if self.host == socket.gethostname():
            return not process_lives(self.pid)
        return not self.alive(now)

    def sentence(self) -> str:
        """Say who it is, for people."""
        who = f" for {self.requested_by}" if self.requested_by else ""
        where = f" into {self.target}" if self.target else ""
        return f"{self.verb} {self.run}{where}{who}, process {self.pid} on {self.host}, since {self.started[:19]} UTC"


def process_lives(pid: int) -> bool:
    """Say whether a process of this host is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def beating(
    repository: Repository, run: str, verb: str, database: str, requested_by: str = "", target: str = ""
) -> Iterator[list[str]]:
    """Keep a run's heart beating while inside; remove its beats at the end.

    Yields sentences on what could not be done: what only reads works on a storage that nothing can be written to, and
    then has no beats. A backup does not; there StorageUnavailable is raised.
    """
    now = datetime.now(UTC).isoformat()
    first = Beat(run, verb, database, socket.gethostname(), os.getpid(), now, now, requested_by, target)
    try:
        put_beat(repository, first, 0)
    except StorageUnavailable as error:
        if verb == "backup":
            raise
        yield [
            f"Nobody can see that this {verb} is under way, and what it leaves if it is killed is not found: {error}"
        ]
        return
    stop = threading.Event()
    thread = threading.Thread(target=_keep_beating, args=(repository, first, stop), daemon=True)
    thread.start()
    try:
        yield []
    finally:
        stop.set()
        thread.join()
        # What was done is done. Where a storage deletes nothing, a beat that stays is dead once this process is.
        with suppress(StorageUnavailable):
            remove_beats(repository, run)


def put_beat(repository: Repository, beat: Beat, number: int) -> None:
    """Store one beat."""
    name = f"runs/{beat.run}/{number}"
    body = json.dumps(asdict(beat), sort_keys=True).encode()
    repository.objects.put(name, repository.sign("beat", name, body))


def remove_beats(repository: Repository, run: str) -> None:
    """Remove what is left of a run's beats, and the folder that they lay in."""
    folder = f"runs/{run}"
    for name in repository.objects.list(folder):
        repository.objects.delete(name)
    repository.objects.remove_folder(folder)


def living(repository: Repository, now: datetime | None = None) -> list[Beat]:
    """Return the newest beat of each run that is still alive."""
    return [beat for beat in beats(repository) if beat.alive(now or datetime.now(UTC))]


def dead(repository: Repository, now: datetime | None = None) -> list[Beat]:
    """Return the newest beat of each run that was killed."""
    return [beat for beat in beats(repository) if beat.dead(now or datetime.now(UTC))]


def beats(repository: Repository) -> list[Beat]:
    """Return the newest beat of each run that has one; unreadable ones prove nothing and are passed over."""
    found = []
    for folder in repository.objects.folders("runs"):
        names = repository.objects.list(folder)
        if not RUN.fullmatch(folder.removeprefix("runs/")) or not names:
            continue
        newest = max(names, key=lambda name: int(name.rpartition("/")[2]) if name.rpartition("/")[2].isdigit() else -1)
        try:
            found.append(Beat(**json.loads(repository.open_signed("beat", newest))))
        except (ObjectMissing, BackupsError, TypeError, ValueError):
            continue
    return found


def _keep_beating(repository: Repository, first: Beat, stop: threading.Event) -> None:
    number = 0
    while not stop.wait(EVERY.total_seconds()):
        number += 1
        beat = Beat(**{**asdict(first), "beat": datetime.now(UTC).isoformat()})
        try:
            put_beat(repository, beat, number)
            repository.objects.delete(f"runs/{first.run}/{number - 1}")
        except BackupsError:
            # A storage that is away for a moment is no reason to stop; the verb itself meets it if it lasts.
            continue
