"""The verb *list*: which backups there are, from the catalogue, or from storage alone where there is no database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from backups.engines import engine_for
from backups.exceptions import ObjectDamaged, ObjectMissing, RepositoryError, UnknownBackup
from backups.manifest import Totals
from backups.models import UNFINISHED, Backup, RunStatus, Verification
from backups.repository import Committed, Listed, Repository
from backups.repository.events import VERIFIED, events_of
from backups.repository.names import run_time
from backups.services import catalog
from backups.verification import Level, Status

LATEST_VERIFIED = "latest-verified"
# What is wrong with other backups, or with the records of this one, does not make it less fit to be restored.
_OF_OTHERS = frozenset({"chain", "events"})


@dataclass(frozen=True, slots=True)
class Line:
    """One backup in a list. ``verification`` is the newest result: level, status, when; None where there is none."""

    id: str
    database: str
    status: str
    created: datetime
    seconds: float | None
    totals: Totals
    verification: dict[str, Any] | None = None
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "id": self.id,
            "database": self.database,
            "status": self.status,
            "created": self.created.isoformat(),
            "seconds": self.seconds,
            **asdict(self.totals),
            "verification": self.verification,
        }


def list_backups(database: str) -> tuple[list[Line], str]:
    """Return the backups of a database, newest first, and a sentence where they do not come from the catalogue."""
    recording = catalog.open_catalogue()
    with recording.attempt() as there:
        if there:
            catalog.mark_interrupted(recording.using, database)
            rows = Backup.objects.using(recording.using).filter(database=database)
            lines = list(_from_rows(recording.using, list(rows)))
            if lines:
                return lines, ""
    repository = _open(database)
    lines = [_from_storage(repository, listed) for listed in reversed(repository.listing())]
    return lines, recording.problem or "The catalogue is empty, so this is what storage holds. sync_backups fills it."


def _open(database: str) -> Repository:
    """Open a repository, of an alias that DATABASES has no more too; raise ConfigurationError for one that is none."""
    try:
        return Repository.open(database)
    except UnknownBackup:
        engine_for(database)
        raise


def find(repository: Repository, selector: str) -> Listed:
    """Return the backup that an id, a unique beginning, ``latest`` or ``latest-verified`` names; raise UnknownBackup."""
    if selector != LATEST_VERIFIED:
        return repository.find(selector)
    unread: list[RepositoryError] = []
    for listed in reversed(repository.listing()):
        try:
            if _passed(repository, repository.read_manifest(listed.name)):
                return listed
        except (ObjectDamaged, ObjectMissing) as error:
            # What cannot be read proves nothing; an earlier backup may have its proof.
            unread.append(error)
    raise UnknownBackup(
        " ".join(["No backup has passed a verification at level restore yet.", *map(str, unread)]),
        hint="manage.py verify_backup proves the newest one.",
    )


def _passed(repository: Repository, committed: Committed) -> bool:
    events = events_of(repository, committed.manifest.run, committed.digest)
    proofs = [event.data for event in events if event.kind == VERIFIED and event.data["level"] == Level.RESTORE]
    checks = [check for check in proofs[-1]["checks"] if check["name"] not in _OF_OTHERS] if proofs else []
    return bool(checks) and all(check["status"] == Status.PASSED for check in checks)


def _from_rows(using: str, rows: list[Backup]) -> Iterator[Line]:
    done = Verification.objects.using(using).filter(backup__database__in={row.database for row in rows})
    newest = {proof.backup_id: proof for proof in done.exclude(status__in=UNFINISHED).order_by("started")}
    for row in rows:
        totals = Totals(**{name: getattr(row, name) for name in Totals.__slots__})
        yield Line(
            row.id, row.database, row.status, row.started, row.seconds, totals, _summary(newest.get(row.id)), row.error
        )


def _summary(row: Verification | None) -> dict[str, Any] | None:
    if row is None:
        return None
    return {
        "backup": row.backup_id,
        "level": row.level,
        "status": row.status,
        "seconds": row.seconds,
        "restore_seconds": row.restore_seconds,
    }


def _from_storage(repository: Repository, listed: Listed) -> Line:
    try:
        committed = repository.read_manifest(listed.name)
        manifest = committed.manifest
    except ObjectDamaged as error:
        return Line(
            listed.run, repository.objects.prefix, "damaged", run_time(listed.run), None, Totals(), None, str(error)
        )
    try:
        proofs = [e for e in events_of(repository, listed.run, committed.digest) if e.kind == VERIFIED]
    except (RepositoryError, json.JSONDecodeError):
        proofs = []
    summary = {key: value for key, value in proofs[-1].data.items() if key in _SUMMARY} if proofs else None
    return Line(
        manifest.run,
        manifest.database,
        RunStatus.COMPLETE.value,
        manifest.created,
        manifest.seconds,
        manifest.totals,
        summary,
    )


_SUMMARY = ("backup", "level", "status", "seconds", "restore_seconds")
