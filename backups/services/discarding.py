"""A restored copy that was dropped after all, since the replacement that it was made for came to nothing: its record says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from backups.exceptions import RepositoryError
from backups.models import Restore, RestoreKind, RunStatus
from backups.repository import Committed, Repository
from backups.repository.events import DISCARDED, Event, record
from backups.services import catalog
from backups.services.rebuild import replay


@contextmanager
def discarded_on_failure(repository: Repository, committed: Committed, run: str) -> Iterator[None]:
    """Where what is inside fails, record that the copy which the restore ``run`` made is dropped; the caller drops it."""
    try:
        yield
    except BaseException as error:
        status = RunStatus.FAILED if isinstance(error, Exception) else RunStatus.INTERRUPTED
        said = f"Dropped, since its replacement failed: {str(error) or type(error).__name__}"
        manifest = committed.manifest
        data = {"status": status.value, "error": "" if manifest.encryption else said}
        event = Event(DISCARDED, manifest.run, run, committed.digest, datetime.now(UTC), data)
        for note in _discarded(repository, event, said):
            error.add_note(note)
        raise


def discard_dropped(repository: Repository, target: str, run: str) -> None:
    """Record that the copy of a killed replacement is dropped, by the name that it was restored under."""
    recording = catalog.open_catalogue()
    copies = []
    with recording.attempt(writing=False) as there:
        if there:
            rows = Restore.objects.using(recording.using).filter(target=target[:255], status=RunStatus.COMPLETE)
            copies = list(rows.filter(kind=RestoreKind.COPY).select_related("backup"))
    for row in copies:
        said = f"Dropped, since its replacement {run} was killed."
        data = {"status": RunStatus.INTERRUPTED.value, "error": said}
        _discarded(
            repository, Event(DISCARDED, row.backup_id, row.pk, row.backup.digest, datetime.now(UTC), data), said
        )


def _discarded(repository: Repository, event: Event, said: str) -> list[str]:
    """Write it into the repository and the catalogue, where ``said`` stands in full; return what could not be."""
    recording, notes = catalog.open_catalogue(), []
    try:
        record(repository, event)
    except RepositoryError as error:
        notes.append(f"That the copy was dropped could not be recorded in the repository: {error}")
    with recording.attempt() as there:
        if there:
            replay(recording.using, repository, event)
            Restore.objects.using(recording.using).filter(pk=event.run).update(error=said)
    return [*notes, *([recording.problem] if recording.problem else [])]
