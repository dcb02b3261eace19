"""What the catalogue knows of the copies: which backups each holds, since when, and what its last problem was.

Written by whoever has just been there. Who looks at it asks no storage, so it is as of then, and a storage that is away
keeps nobody waiting.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery

from backups.models import Backup, CopiedBackup, Copy, CopyStatus, RunStatus
from backups.services.catalog import Recording

_AT_ONCE = 500  # rows
_NAMED = 10  # problems of one bringing up to date that are kept


@dataclass(slots=True)
class Look:
    """What was found in one copy, and what was wrong. ``held`` has a moment where it is known since when, and is None where
    nobody could look. ``failed`` says of backups that could not be copied why.

    ``whole`` says that the copy was brought up to date: without ``problems``, an earlier problem is over.
    """

    database: str
    storage: str
    place: str = ""
    repository: str = ""
    held: dict[str, datetime | None] | None = None
    pruned: frozenset[str] = frozenset()
    failed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    whole: bool = False


def lacks(storage: str, number: int, newest: str) -> str:
    """Say that a copy lacks some backups."""
    return (
        f"The copy in {storage!r} lacks {number} of these backups, the newest of them {newest}. copy_backups brings it up to "
        "date."
    )


def not_looked_at(storage: str) -> str:
    """Say that the catalogue knows nothing of a copy."""
    return f"The copy in {storage!r} was not looked at yet. copy_backups brings it up to date."


def unrecorded(recording: Recording, look: Look) -> list[str]:
    """Return the backups in a copy of which the catalogue does not know since when, newest first."""
    held = look.held or {}
    with recording.attempt(writing=False) as there:
        if there:
            rows = CopiedBackup.objects.using(recording.using).filter(storage=look.storage, since__isnull=False)
            known = rows.filter(backup__database=look.database, status=CopyStatus.HAS).values_list("backup", flat=True)
            return sorted(held.keys() - set(known), reverse=True)
    return []


def record(recording: Recording, look: Look) -> None:
    """Write what was found."""
    with recording.attempt() as there:
        if there:
            copy = _record_copy(recording.using, look, datetime.now(UTC))
            if copy.looked:
                _record_backups(recording.using, look)


def _record_copy(using: str, look: Look, now: datetime) -> Copy:
    values: dict[str, object] = {"place": look.place, "repository": look.repository}
    values = {key: value for key, value in values.items() if value}
    if look.held is not None:
        values["looked"] = now
    if look.problems:
        more = len(look.problems) - _NAMED
        said = [*look.problems[:_NAMED], *([f"And {more} more."] if more > 0 else [])]
        values |= {"problem": "\n".join(said), "problem_at": now}
    elif look.whole:
        values["complete"] = now
    return Copy.objects.using(using).update_or_create(database=look.database, storage=look.storage, defaults=values)[0]


def _record_backups(using: str, look: Look) -> None:
    """Write the rows that are not as they were."""
    backups = Backup.objects.using(using).filter(database=look.database, repository=look.repository)
    known = backups.filter(status__in=(RunStatus.COMPLETE, RunStatus.PRUNED)).values_list("pk", flat=True)
    rows = CopiedBackup.objects.using(using).filter(storage=look.storage)
    there = {row.backup_id: row for row in rows.filter(backup__in=backups)}
    new: list[CopiedBackup] = []
    changed: list[CopiedBackup] = []
    for run in known:
        row = there.get(run) or CopiedBackup(backup_id=run, storage=look.storage, status="")
        found = _found(look, row)
        if found != (row.status, row.since, row.problem):
            row.status, row.since, row.problem = found
            (changed if row.pk else new).append(row)
    rows.bulk_create(new, batch_size=_AT_ONCE)
    rows.bulk_update(changed, ["status", "since", "problem"], batch_size=_AT_ONCE)


def _found(look: Look, row: CopiedBackup) -> tuple[str, datetime | None, str]:
    """Return status, since when, and problem of one backup. Where nobody could look, only one that is new is told of."""
    run = row.backup_id
    if look.held is None:
        return (row.status, row.since, row.problem) if row.pk else (CopyStatus.LACKS.value, None, look.problems[0])
    if run in look.held:
        before = row.since if row.status == CopyStatus.HAS else None
        return CopyStatus.HAS.value, look.held[run] or before, ""
    status = CopyStatus.PRUNED if run in look.pruned else CopyStatus.LACKS
    return status.value, None, look.failed.get(run, "")


def with_lacking(rows: QuerySet[Copy]) -> QuerySet[Copy]:
    """Return rows with how many of today's backups each copy lacks, ``lacking``, and the ``newest`` of these."""
    there = CopiedBackup.objects.filter(backup=OuterRef("pk"), storage=OuterRef(OuterRef("storage")))
    lacking = Backup.objects.filter(
        ~Exists(there.exclude(status=CopyStatus.LACKS)),
        database=OuterRef("database"),
        repository=OuterRef("repository"),
        status=RunStatus.COMPLETE,
    ).order_by()
    number = lacking.values("database").annotate(number=Count("pk")).values("number")
    return rows.annotate(lacking=Subquery(number), newest=Subquery(lacking.order_by("-pk").values("pk")[:1]))


def wrong_with(row: Any) -> list[str]:
    """Say what is wrong with a copy, of a row ``with_lacking``, as the commands say it; nothing where it is up to date."""
    is_over = not row.problem_at or (row.complete is not None and row.complete >= row.problem_at)
    return [
        *([] if is_over else [row.problem]),
        *([lacks(row.storage, row.lacking, row.newest)] if row.lacking else []),
    ]
