"""The catalogue, rebuilt from what lies in a repository: the manifests, and what happened to each backup."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from backups.chain import Gap
from backups.exceptions import RepositoryError
from backups.models import Backup, Restore, RunStatus, Verification
from backups.repository import Committed, Repository, trash
from backups.repository.events import (
    DISCARDED,
    PROMOTED,
    RECOVERED,
    RESTORED,
    UNDONE,
    VERIFIED,
    Event,
    event_names,
    read_event,
)
from backups.repository.names import run_time
from backups.services.catalog import mark_interrupted
from backups.services.records import opened_result, save_backup, write_restore, write_result
from backups.services.restores import KIND_OF


@dataclass(slots=True)
class Synced:
    """What rebuilding the catalogue did. ``problems`` names objects that could not be read."""

    database: str
    backups: int = 0
    verifications: int = 0
    restores: int = 0
    removed: int = 0
    problems: list[str] = field(default_factory=list)


def rebuild(using: str, repository: Repository, database: str) -> Synced:
    """Rebuild the rows of one repository from what lies in it."""
    synced = Synced(database)
    mark_interrupted(using, database)
    present: list[str] = []
    gaps: set[Gap] = set()
    for listed in repository.listing():
        present.append(listed.run)
        try:
            committed = repository.read_manifest(listed.name)
        except RepositoryError as error:
            synced.problems.append(str(error))
            continue
        gaps.update(committed.manifest.gaps)
        events = _events(repository, committed, synced)
        with transaction.atomic(using=using):
            save_backup(using, committed)
            synced.backups += 1
            for event in events:
                try:
                    with transaction.atomic(using=using):
                        _replay(using, repository, event, synced)
                except (KeyError, TypeError, ValueError, OverflowError) as error:
                    said = f"A record of {event.backup} by {event.run} says what no record says ({error!r})."
                    synced.problems.append(said)
    complete = Backup.objects.using(using).filter(repository=repository.id, status=RunStatus.COMPLETE)
    gone = {row.pk: row.sequence for row in complete.only("pk", "sequence") if row.pk not in set(present)}
    trashed = {entry.run for entry in trash.buried(repository)}
    for run, number in list(gone.items()):
        if run in trashed or any(gap.first <= (number or 0) <= gap.last for gap in gaps):
            complete.filter(pk=run).update(status=RunStatus.PRUNED)
            del gone[run]
    synced.removed = len(gone)
    if synced.removed:
        synced.problems.append(
            f"{synced.removed} backups that the catalogue knows are not in the repository; verify_backup tells more."
        )
    return synced


def _events(repository: Repository, committed: Committed, synced: Synced) -> list[Event]:
    """Return what happened to a backup, what others refer to first; one that is damaged costs only itself."""
    found = []
    for name in event_names(repository, committed.manifest.run):
        try:
            found.append(read_event(repository, name, committed.digest))
        except (RepositoryError, ValueError, KeyError) as error:
            synced.problems.append(str(error))
    order = (VERIFIED, RESTORED, DISCARDED, PROMOTED, UNDONE, RECOVERED)
    return sorted((event for event in found if event.kind in order), key=lambda event: order.index(event.kind))


def replay(using: str, repository: Repository, event: Event) -> None:
    """Write into the catalogue what an event tells, where it knows the backup."""
    if Backup.objects.using(using).filter(pk=event.backup).exists():
        _replay(using, repository, event, Synced(""))


def _replay(using: str, repository: Repository, event: Event, synced: Synced) -> None:
    backup = Backup.objects.using(using).get(pk=event.backup)
    started = {"database": backup.database, "backup": backup, "started": run_time(event.run)}
    asked = {"requested_by": event.data.get("requested_by", ""), "requested_via": event.data.get("requested_via", "")}
    if event.kind == VERIFIED:
        Verification.objects.using(using).update_or_create(
            id=event.run, defaults={**started, **asked, "level": event.data["level"]}
        )
        write_result(using, event.run, opened_result(repository, event))
        synced.verifications += 1
    elif event.kind == DISCARDED:
        said = {"status": RunStatus(event.data["status"]), "error": str(event.data["error"])}
        Restore.objects.using(using).filter(pk=event.run).update(**said)
    else:
        kind = KIND_OF[event.kind]
        Restore.objects.using(using).update_or_create(
            id=event.run, defaults={**started, **asked, "kind": kind, "target": event.data["target"]}
        )
        synced.restores += 1
        if event.kind in (PROMOTED, UNDONE):
            _replay_exchange(using, event)
        else:
            write_restore(using, event.run, event.data)


def _replay_exchange(using: str, event: Event) -> None:
    rows = Restore.objects.using(using)
    copied = rows.filter(pk=event.data["restore"])
    rows.filter(pk=event.run).update(status=RunStatus.COMPLETE, kept=event.data["kept"][:255])
    if event.kind == PROMOTED:
        for totals in copied.values("rows", "tables"):
            rows.filter(pk=event.run).update(**totals)
    # The copy of that restore has the live database's name now, or the one that it is kept under: undoing twice puts it back.
    back = event.kind == UNDONE and not copied.filter(target=event.data["restored"]).exists()
    copied.update(target=event.data["kept" if back else "target"])
