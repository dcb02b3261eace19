"""The catalogue, rebuilt from what lies in a repository: the manifests, and what happened to each backup."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.db import transaction

from backups.exceptions import RepositoryError
from backups.models import Backup, Restore, RunStatus, Verification
from backups.repository import Committed, Repository
from backups.repository.events import RESTORED, VERIFIED, Event, event_names, read_event
from backups.repository.names import run_time
from backups.services.catalog import mark_interrupted
from backups.services.records import save_backup, write_restore, write_result


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
    present = []
    for listed in repository.listing():
        present.append(listed.run)
        try:
            committed = repository.read_manifest(listed.name)
        except RepositoryError as error:
            synced.problems.append(str(error))
            continue
        events = _events(repository, committed, synced)
        with transaction.atomic(using=using):
            save_backup(using, committed)
            synced.backups += 1
            for event in events:
                _replay(using, event, synced)
    gone = Backup.objects.using(using).filter(repository=repository.id, status=RunStatus.COMPLETE)
    synced.removed = gone.exclude(pk__in=present).count()
    if synced.removed:
        synced.problems.append(
            f"{synced.removed} backups that the catalogue knows are not in the repository; verify_backup tells more."
        )
    return synced


def _events(repository: Repository, committed: Committed, synced: Synced) -> list[Event]:
    """Return what happened to a backup, the proof of a restore before the restore; one that is damaged costs only itself."""
    found = []
    for name in event_names(repository, committed.manifest.run):
        try:
            found.append(read_event(repository, name, committed.digest))
        except (RepositoryError, ValueError, KeyError) as error:
            synced.problems.append(str(error))
    return sorted(found, key=lambda event: event.kind == RESTORED)


def _replay(using: str, event: Event, synced: Synced) -> None:
    backup = Backup.objects.using(using).get(pk=event.backup)
    started = {"database": backup.database, "backup": backup, "started": run_time(event.run)}
    asked = {"requested_by": event.data.get("requested_by", ""), "requested_via": event.data.get("requested_via", "")}
    if event.kind == VERIFIED:
        Verification.objects.using(using).update_or_create(
            id=event.run, defaults={**started, **asked, "level": event.data["level"]}
        )
        write_result(using, event.run, event.data)
        synced.verifications += 1
    elif event.kind == RESTORED:
        Restore.objects.using(using).update_or_create(
            id=event.run, defaults={**started, **asked, "target": event.data["target"]}
        )
        write_restore(using, event.run, event.data)
        synced.restores += 1
