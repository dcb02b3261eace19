"""The verb *list*: which backups there are, from the catalogue, or from storage alone where there is no database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from backups.engines import engine_for
from backups.exceptions import BackupsError, ObjectDamaged, ObjectMissing, RepositoryError, UnknownBackup
from backups.manifest import Totals
from backups.models import UNFINISHED, Backup, RunStatus, Verification
from backups.repository import Listed, Repository
from backups.repository.events import verifications_of
from backups.repository.names import run_time
from backups.repository.places import is_copy
from backups.services import catalog
from backups.services.catalog import Recording
from backups.verification import Level, Status

LATEST, LATEST_VERIFIED = "latest", "latest-verified"
SAFETY = "safety"
"""By which way a backup was asked for that was taken of a database because it was about to be replaced."""
_SUMMARY = ("backup", "level", "status", "seconds", "restore_seconds")
# What is wrong with other backups, or with the records of this one, does not make it less fit to be restored.
_OF_OTHERS = frozenset({"chain", "events"})


@dataclass(frozen=True, slots=True)
class Line:
    """One backup in a list. ``verification`` is the newest result: level, status, when; None where there is none.

    ``for_safety`` says that it is of a database that was about to be replaced.
    """

    id: str
    database: str
    status: str
    created: datetime
    seconds: float | None
    totals: Totals
    verification: dict[str, Any] | None = None
    problem: str = ""
    for_safety: bool = False

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


def list_backups(database: str, limit: int | None = None) -> tuple[list[Line], str]:
    """Return the backups of a database, newest first, and a sentence where that is not all, or not from the catalogue.

    ``limit`` is how many of them, None for all. Only these are read: of others in storage no more than the name.
    """
    recording = catalog.open_catalogue()
    copied = is_copy()
    with recording.attempt() as there:
        if there and not copied:
            catalog.mark_interrupted(recording.using, database)
            _recognise_newest(recording, database)
            rows = Backup.objects.using(recording.using).filter(database=database).exclude(status=RunStatus.PRUNED)
            lines = list(_from_rows(recording.using, database, rows[:limit]))
            if lines:
                return lines, _older(rows.count() - len(lines))
    repository = _open(database)
    listing = repository.listing()[::-1]
    lines = [_from_storage(repository, listed) for listed in listing[:limit]]
    note = recording.problem or "The catalogue is empty, so this is what storage holds. sync_backups fills it."
    if copied:
        note = f"This is what lies in {repository.where}."
    return lines, f"{note} {_older(len(listing) - len(lines))}".rstrip()


def _recognise_newest(recording: Recording, database: str) -> None:
    """Ask storage where the newest run was killed: it may have been committed before it could say so."""
    newest = Backup.objects.using(recording.using).filter(database=database).order_by("-id").first()
    if newest is None or newest.digest or newest.status not in (RunStatus.INTERRUPTED, RunStatus.FAILED):
        return
    # A storage that does not answer, or has another backup, tells nothing of this one.
    with suppress(BackupsError):
        repository = Repository.open(database)
        for listed in repository.listing()[-1:]:
            if listed.run == newest.pk:
                catalog.recognise(recording, repository.read_manifest(listed.name))


def _older(left: int) -> str:
    return f"{left:,} older ones are not shown: --limit 0 shows all." if left else ""


def _open(database: str) -> Repository:
    """Open a repository, of an alias that DATABASES has no more too; raise ConfigurationError for one that is none."""
    try:
        return Repository.open(database)
    except UnknownBackup:
        engine_for(database)
        raise


def find(repository: Repository, selector: str) -> Listed:
    """Return the backup that an id, a unique beginning, ``latest`` or ``latest-verified`` names; raise UnknownBackup.

    Neither of the two is one that was taken of a database because it was about to be replaced: that one was not wanted.
    """
    if selector == LATEST:
        return _latest(repository)
    if selector != LATEST_VERIFIED:
        return repository.find(selector)
    unread: list[RepositoryError] = []
    for listed in reversed(repository.listing()):
        try:
            committed = repository.read_manifest(listed.name)
            proven = proves(verifications_of(repository, listed.run, committed.digest))
            if committed.manifest.requested_via != SAFETY and proven:
                return listed
        except (ObjectDamaged, ObjectMissing) as error:
            # What cannot be read proves nothing; an earlier backup may have its proof.
            unread.append(error)
    raise UnknownBackup(
        " ".join(["No backup has passed a verification at level restore yet.", *map(str, unread)]),
        hint="manage.py verify_backup proves the newest one.",
    )


def _latest(repository: Repository) -> Listed:
    """Return the newest backup, read or not: one that cannot be read is not passed over unsaid."""
    for listed in reversed(repository.listing()):
        try:
            if repository.read_manifest(listed.name).manifest.requested_via != SAFETY:
                return listed
        except (ObjectDamaged, ObjectMissing):
            return listed
    return repository.find(LATEST)


def proves(found: list[dict[str, Any]]) -> bool:
    """Say whether the verifications of a backup, oldest first, end with one that it passed at level restore."""
    proofs = [data for data in found if data["level"] == Level.RESTORE]
    checks = [check for check in proofs[-1]["checks"] if check["name"] not in _OF_OTHERS] if proofs else []
    # A check of the project's that an older state could not answer says nothing against the backup.
    return bool(checks) and not any(check["status"] in (Status.FAILED, Status.ERROR) for check in checks)


def _from_rows(using: str, database: str, rows: QuerySet[Backup]) -> Iterator[Line]:
    """Yield the lines of rows; only the columns that a list shows are read, and no more proofs than belong to them."""
    shown = list(rows.values("id", "status", "started", "seconds", "error", "requested_via", *Totals.__slots__))
    done = Verification.objects.using(using).filter(backup__database=database).exclude(status__in=UNFINISHED)
    if shown:
        done = done.filter(backup__started__gte=shown[-1]["started"])
    newest = {proof["backup"]: proof for proof in done.order_by("started").values(*_SUMMARY)}
    for row in shown:
        totals = Totals(**{name: row[name] for name in Totals.__slots__})
        found, safety = newest.get(row["id"]), row["requested_via"] == SAFETY
        told = (row["id"], database, row["status"], row["started"], row["seconds"], totals, found, row["error"])
        yield Line(*told, for_safety=safety)


def _from_storage(repository: Repository, listed: Listed) -> Line:
    try:
        committed = repository.read_manifest(listed.name)
        manifest = committed.manifest
    except ObjectDamaged as error:
        return Line(
            listed.run, repository.objects.prefix, "damaged", run_time(listed.run), None, Totals(), None, str(error)
        )
    try:
        proofs = verifications_of(repository, listed.run, committed.digest)
    except (RepositoryError, json.JSONDecodeError):
        proofs = []
    summary = {key: value for key, value in proofs[-1].items() if key in _SUMMARY} if proofs else None
    return Line(
        manifest.run,
        manifest.database,
        RunStatus.COMPLETE.value,
        manifest.created,
        manifest.seconds,
        manifest.totals,
        summary,
        for_safety=manifest.requested_via == SAFETY,
    )
