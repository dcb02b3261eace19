"""Heartbeats: who is at work on a repository, since when, and whether they are still alive.

Whatever works on a repository puts a beat under ``runs/<run>/<n>`` when it begins and every five minutes, and removes
them when it ends. A run without a beat for half an hour, or whose process is gone from this host, is dead. One whose
beats cannot be read may be anybody's: it is alive while they are young. A backup's beats also tell what it has stored, so
that another can go on from there.
"""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from backups.exceptions import FormatUnknown, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository.names import KINDS, RUN, run_time
from backups.repository.processes import Fate, fate_of

if TYPE_CHECKING:
    from backups.repository.repository import Repository

EVERY = timedelta(minutes=5)
DEAD_AFTER = timedelta(minutes=30)
UNREADABLE = "unreadable run"
"""The verb of a run whose beats cannot be read: it began when its name says, and beat when the storage got the last one."""


Item = tuple[str, str, int, int, str]
"""An object that a run has stored: kind, id, bytes, stored bytes, SHA-256 of the stored bytes."""


@dataclass(frozen=True, slots=True)
class Beat:
    """One sign of life. ``started`` and ``beat`` are ISO 8601 in UTC; ``target`` is the NAME that a restore makes,
    ``server`` the alias on whose server it does, empty for the database's own.

    ``stored`` is what the run has stored since its beat before; with it the beat is a checkpoint. ``ended`` says that
    the run ended and has left something to the next one, though its process may live on. ``process`` tells its process
    from a later one of the same id, empty where the platform does not.
    """

    run: str
    verb: str
    database: str
    host: str
    pid: int
    started: str
    beat: str
    requested_by: str = ""
    target: str = ""
    server: str = ""
    stored: tuple[Item, ...] = ()
    ended: bool = False
    process: str = ""

    def alive(self, now: datetime) -> bool:
        """Say whether the run can still be at work."""
        if self.ended or self._fate() == Fate.GONE:
            return False
        return now - datetime.fromisoformat(self.beat) < DEAD_AFTER

    def may_be_behind(self) -> bool:
        """Say whether the run may be at work on a host whose clock is behind: then its beats look older than they are."""
        return not self.ended and self._fate() == Fate.UNKNOWN

    def dead(self, now: datetime) -> bool:
        """Say whether the run was killed. One whose process is here may only have had no storage to beat in."""
        if self.ended:
            return True
        fate = self._fate()
        return fate == Fate.GONE or (fate == Fate.UNKNOWN and not self.alive(now))

    def _fate(self) -> Fate:
        return fate_of(self.pid, self.process) if self.host == socket.gethostname() else Fate.UNKNOWN

    def sentence(self) -> str:
        """Say who it is, for people."""
        if self.verb == UNREADABLE:
            return f"the sign of life runs/{self.run}, of {self.beat[:19]} UTC, cannot be read"
        who = f" for {self.requested_by}" if self.requested_by else ""
        where = f" into {self.target}" if self.target else ""
        return f"{self.verb} {self.run}{where}{who}, process {self.pid} on {self.host}, since {self.started[:19]} UTC"


def put_beat(repository: Repository, beat: Beat, number: int) -> None:
    """Store one beat."""
    name = beat_name(beat.run, number)
    body = json.dumps(asdict(beat), sort_keys=True).encode()
    repository.objects.put(name, repository.sign("beat", name, body))


def beat_name(run: str, number: int) -> str:
    """Return the name of a run's beat."""
    return f"runs/{run}/{number}"


def beat_names(repository: Repository, run: str) -> list[str]:
    """Return the names of a run's beats in their order; names that are none of ours are passed over."""
    numbered = [(name.rpartition("/")[2], name) for name in repository.objects.list(f"runs/{run}")]
    return [name for _, name in sorted((int(number), name) for number, name in numbered if number.isdigit())]


def read_beat(repository: Repository, name: str) -> Beat:
    """Read one beat; raise ObjectMissing or ObjectDamaged where it is not there, not whole, or not a beat of that run."""
    body = repository.open_signed("beat", name)
    try:
        beat = msgspec.json.decode(body, type=Beat)
        moments = [datetime.fromisoformat(moment) for moment in (beat.started, beat.beat)]
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise ObjectDamaged(name, f"it is not a heartbeat ({error})") from None
    kinds = {item[0] for item in beat.stored}
    if beat_name(beat.run, 0).rpartition("/")[0] != name.rpartition("/")[0] or not kinds <= KINDS.keys():
        raise ObjectDamaged(name, "it speaks of another run than its name does")
    if any(moment.tzinfo is None for moment in moments):
        raise ObjectDamaged(name, "its times have no zone")
    return beat


def remove_beats(repository: Repository, run: str) -> None:
    """Remove what is left of a run's beats, and the folder that they lay in."""
    folder = f"runs/{run}"
    # The beats, whose names are numbers, go last: what nobody has a beat of is never looked for.
    for name in reversed(repository.objects.list(folder)):
        repository.objects.delete(name)
    repository.objects.remove_folder(folder)


def living(repository: Repository, now: datetime | None = None) -> list[Beat]:
    """Return the newest beat of each run that is still alive."""
    return [beat for beat in beats(repository) if beat.alive(now or datetime.now(UTC))]


def at_work(repository: Repository, now: datetime) -> list[Beat]:
    """Return the newest beat of each run that nobody may count out, for who deletes what such a run has stored.

    That is one which is alive, and one of another host whose last beat the storage got within half an hour: by that host's
    own clock it may be as old as it likes.
    """
    return [
        beat
        for beat in beats(repository)
        if beat.alive(now) or (beat.may_be_behind() and _got(repository, beat.run) > now - DEAD_AFTER)
    ]


def _got(repository: Repository, run: str) -> datetime:
    """Return when the storage got the last beat of a run, by its clock; now where it has ended meanwhile."""
    moments = []
    for name in beat_names(repository, run)[-1:]:
        with suppress(StorageUnavailable):
            moments.append(repository.objects.modified(name))
    return max(moments, default=datetime.now(UTC))


def dead(repository: Repository, now: datetime | None = None) -> list[Beat]:
    """Return the newest beat of each run that was killed."""
    return [beat for beat in beats(repository) if beat.dead(now or datetime.now(UTC))]


def beats(repository: Repository) -> list[Beat]:
    """Return the newest beat of each run that has one; of a run that has none to be read, one that says so."""
    found = []
    for folder in repository.objects.folders("runs"):
        run = folder.removeprefix("runs/")
        names = beat_names(repository, run) if RUN.fullmatch(run) else []
        if names:
            found += _newest(repository, run, names)
    return found


def _newest(repository: Repository, run: str, names: list[str]) -> list[Beat]:
    # While one is put, the one before is there still.
    for name in reversed(names):
        with suppress(ObjectDamaged, ObjectMissing, FormatUnknown):
            return [read_beat(repository, name)]
    try:
        last = max(repository.objects.modified(name) for name in names).isoformat()
    except StorageUnavailable:
        if any(repository.objects.exists(name) for name in names):
            raise
        return []  # The run has ended meanwhile.
    # No later than its name says: it may count on what was swept since.
    began = min(run_time(run).isoformat(), last)
    return [Beat(run, UNREADABLE, "", "an unknown host", 0, began, last)]
