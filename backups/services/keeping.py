"""Which backups are kept, and why: the policy of the settings, applied to what lies in a repository."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backups.conf import get_settings
from backups.exceptions import ConfigurationError, ObjectDamaged, ObjectMissing, UnknownBackup
from backups.repository import Repository
from backups.repository.events import (
    CONFIRMED,
    PINNED,
    UNPINNED,
    VERIFIED,
    Event,
    event_names,
    proper,
    read_event,
    record,
)
from backups.repository.history import History, Record
from backups.repository.names import new_run, run_time
from backups.retention import SKEW, Candidate, Decision, EmptyPolicy, Policy, decide
from backups.services.catalog import Asked
from backups.services.listing import SAFETY, find, proves


@dataclass(slots=True)
class Told:
    """What the records of a backup tell. ``unread`` are names of records that cannot be read: one may be a pin."""

    pinned: str | None = None
    confirmed: bool = False
    proven: bool = False
    unread: list[str] = field(default_factory=list)

    def reasons(self) -> tuple[str, ...]:
        """Return the reasons to keep the backup, whatever the policy."""
        pin = () if self.pinned is None else (f"pinned: {self.pinned}" if self.pinned else "pinned",)
        return (*pin, *(("a record of it cannot be read: " + ", ".join(self.unread),) if self.unread else ()))


@dataclass(frozen=True, slots=True)
class Pinned:
    """What came of pinning a backup, or of unpinning it."""

    backup: str
    pinned: bool
    reason: str


def told(repository: Repository, run: str, digest: str) -> Told:
    """Read the records of one backup, one at a time."""
    found, proofs = Told(), []
    for name in event_names(repository, run):
        try:
            event = proper(name, read_event(repository, name, digest))
        except (ObjectDamaged, ObjectMissing):
            found.unread.append(name)
            continue
        if event.kind in (PINNED, UNPINNED):
            found.pinned = str(event.data.get("reason", "")) if event.kind == PINNED else None
        found.confirmed = found.confirmed or event.kind == CONFIRMED
        if event.kind == VERIFIED:
            proofs.append(event.data)
    found.proven = proves(proofs)
    return found


def policy_of(given: Any = None) -> Policy:
    """Return the policy that is in force; raise ConfigurationError for one that keeps nothing."""
    try:
        return Policy.of(get_settings().RETENTION if given is None else given)
    except EmptyPolicy:
        raise ConfigurationError(
            "BACKUPS['RETENTION'] keeps no backup at all. Nothing was deleted.",
            hint="Say how many to keep, for example {'last': 7, 'daily': 14}. Without RETENTION the defaults hold.",
        ) from None


@dataclass(frozen=True, slots=True)
class Keeping:
    """A decision for each live backup. ``suspicious`` and ``future`` are sentences; the first stop all pruning."""

    decisions: tuple[Decision, ...]
    suspicious: tuple[str, ...] = ()
    future: tuple[str, ...] = ()


def decide_all(repository: Repository, history: History, policy: Policy, now: datetime) -> Keeping:
    """Decide about every live backup by its manifest and its records."""
    records = {record.run: (record, told(repository, record.run, record.link.digest)) for record in history.live}
    newest = _newest_of_a_sound_database(history, now)
    candidates = [_candidate(record, known, newest) for record, known in records.values()]
    live = {listed.run for listed in repository.listing()}
    candidates += [
        Candidate(unread.run, unread.sequence, run_time(unread.run), complete=False)
        for unread in history.unread
        if unread.run in live
    ]
    suspicious = [
        f"Backup {record.run} (number {record.link.sequence}) is suspicious: {' '.join(record.suspicious)}"
        for record, known in records.values()
        if record.suspicious and not known.confirmed
    ]
    future = [
        f"Backup {record.run} is dated in the future ({record.created:%Y-%m-%d %H:%M} UTC): look at the clocks. It is never "
        "removed, and nothing is measured from it."
        for record, _ in records.values()
        if record.created > now + SKEW
    ]
    return Keeping(tuple(decide(policy, candidates, now)), tuple(suspicious), tuple(future))


def _newest_of_a_sound_database(history: History, now: datetime) -> str:
    """Return the newest backup that was not taken of a database just before it was replaced."""
    sound = [record for record in history.live if record.via != SAFETY and record.created <= now + SKEW]
    return max(sound, key=lambda record: record.link.sequence).run if sound else ""


def _candidate(record: Record, known: Told, newest: str) -> Candidate:
    suspicious = () if not record.suspicious or known.confirmed else ("suspicious",)
    latest = ("latest",) if record.run == newest else ()
    keep = (*known.reasons(), *suspicious, *latest)
    return Candidate(record.run, record.link.sequence, record.created, proven=known.proven, keep=keep)


def pin_backup(
    database: str, backup: str, *, unpin: bool = False, reason: str = "", asked: Asked | None = None
) -> Pinned:
    """Keep a backup whatever the policy says, or no more; kept in the repository, signed. Raises UnknownBackup."""
    repository = Repository.open(database)
    listed = find(repository, backup)
    digest = repository.read_manifest(listed.name).digest
    note(repository, UNPINNED if unpin else PINNED, listed.run, digest, asked or Asked(), reason)
    return Pinned(listed.run, not unpin, reason)


def confirm_backup(database: str, backup: str, *, asked: Asked | None = None) -> tuple[str, tuple[str, ...]]:
    """Say that what a suspicious backup has lost was meant to go; return its id and what was suspicious.

    Raises UnknownBackup where nothing about it is.
    """
    repository = Repository.open(database)
    listed = find(repository, backup)
    committed = repository.read_manifest(listed.name)
    if not committed.manifest.suspicious:
        raise UnknownBackup(
            f"Backup {listed.run} is not suspicious: there is nothing to confirm.",
            hint="manage.py prune_backups --dry-run names those that are.",
        )
    note(repository, CONFIRMED, listed.run, committed.digest, asked or Asked(), " ".join(committed.manifest.suspicious))
    return listed.run, committed.manifest.suspicious


def note(repository: Repository, kind: str, run: str, digest: str, asked: Asked, reason: str) -> None:
    """Store a signed record of a backup."""
    record(repository, Event(kind, run, new_run(), digest, datetime.now(UTC), {"reason": reason, **asked.said()}))
