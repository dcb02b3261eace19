"""Runs that are asked for now and done later: seen before they begin, done once, and never lost without a word.

A queued run has a row in the catalogue, so that whoever asked for it can look at it. Where there is no catalogue the
run is done all the same.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db.models import QuerySet

from backups.exceptions import BackupsError
from backups.models import UNFINISHED, Backup, Run, RunStatus
from backups.repository import Repository
from backups.services import catalog
from backups.services.catalog import Asked
from backups.services.listing import find

logger = logging.getLogger(__name__)


def queue(kind: type[Run], run: str, database: str, asked: Asked, *, here: bool = False, **values: Any) -> None:
    """Record that a run was asked for; ``here`` says that this process will do it, and that it is lost if that ends.

    ``values`` are the fields of a Verification (backup_id, level) or a Restore (backup_id, target).
    """
    recording = catalog.open_catalogue()
    with recording.attempt() as there:
        if there and _has_backup(recording.using, values.get("backup_id")):
            where = catalog.this_process() if here else {}
            said = catalog.asked_now(asked)
            rows = _rows(kind, recording.using)
            rows.create(id=run, database=database, status=RunStatus.QUEUED.value, **said, **where, **values)
    if recording.problem:
        logger.warning("Run %s is not shown as queued. %s", run, recording.problem)


def claim(kind: type[Run], run: str, database: str, backup: str = "") -> bool:
    """Take up a run, or return False where it was taken up before: a message that comes twice does its work once."""
    recording = catalog.open_catalogue()
    with recording.attempt() as there:
        if there:
            rows = _rows(kind, recording.using).filter(pk=run)
            taken = {"status": RunStatus.RUNNING.value, **catalog.this_process()}
            if rows.filter(status=RunStatus.QUEUED.value).update(**taken):
                return True
            if rows.exists():
                return False
    return not _is_stored(kind, run, database, backup)


def fail(kind: type[Run], run: str, database: str, asked: Asked, error: Exception) -> None:
    """Record that a run failed where its service could not: it failed before it had begun."""
    recording = catalog.open_catalogue()
    rows = _rows(kind, recording.using).filter(pk=run)
    with recording.attempt() as there:
        if there and kind is Backup and not rows.exists():
            catalog.begin_backup(recording, run, database, asked)
        unfinished = there and rows.filter(status__in=UNFINISHED).exists()
    if unfinished:
        catalog.fail(recording, kind, run, error)
    if recording.problem:
        logger.error("Run %s failed, and that is not in the catalogue. %s", run, recording.problem)


def _rows(kind: type[Run], using: str) -> QuerySet[Any]:
    """Return the rows of one kind of run; each kind has a status, of its own choices."""
    return kind._default_manager.using(using)


def _has_backup(using: str, backup: str | None) -> bool:
    """Say whether the backup that a run is about is in the catalogue; a run that is about none needs none."""
    return backup is None or Backup.objects.using(using).filter(pk=backup).exists()


def _is_stored(kind: type[Run], run: str, database: str, backup: str) -> bool:
    """Ask the repository whether it holds what the run made."""
    try:
        repository = Repository.open(database)
        if kind is Backup:
            return any(listed.run == run for listed in repository.listing())
        events = repository.objects.list(f"events/{find(repository, backup).run}")
        return any(name.endswith(f"-{run}") for name in events)
    except BackupsError:
        # What keeps us from looking keeps the service from working as well, and that says so.
        return False
