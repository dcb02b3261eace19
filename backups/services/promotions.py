"""What the repository knows of promotions: one that is under way, so that a killed one is put in order; those that were.

A promotion under way is a signed object beside its run's heartbeat, ``runs/<run>/promotion``; one that was done is a
signed event of the backup that was promoted.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from backups.engines.base import Engine
from backups.exceptions import BackupsError, ObjectMissing, RepositoryError
from backups.promotion import Promotion, finish
from backups.repository import Repository
from backups.repository.events import PROMOTED, UNDONE, Event, event_names, read_event, record
from backups.repository.runs import Beat
from backups.services import catalog
from backups.services.rebuild import replay

REPLACE, UNDO = "replace", "undo"
_KIND = "promotion"


@dataclass(frozen=True, slots=True)
class Intent:
    """A promotion that is about to be done. Databases are names; ``data`` is what its event will say.

    ``inside`` says that it is done inside the live database.
    """

    kind: str
    backup: str
    manifest: str
    copy: str
    kept: str
    was_there: bool
    data: dict[str, Any]
    inside: bool = False

    def event(self, run: str) -> Event:
        """Return the event of the promotion that was done."""
        return Event(self.kind, self.backup, run, self.manifest, datetime.now(UTC), self.data)


def intend(repository: Repository, run: str, intent: Intent) -> list[str]:
    """Write down what is about to be done; return a sentence where that cannot be."""
    name = _name(run)
    try:
        repository.objects.put(name, repository.sign(_KIND, name, json.dumps(asdict(intent), sort_keys=True).encode()))
    except RepositoryError as error:
        return [f"Nobody can see that a database is being replaced, so a killed run is not put in order: {error}"]
    return []


def intends(repository: Repository, run: str) -> bool:
    """Say whether a run wrote down that it is about to promote, whole or not."""
    return repository.objects.exists(_name(run))


def recorded(repository: Repository, run: str, intent: Intent, using: catalog.Recording) -> list[str]:
    """Record a promotion that was done, in the repository and in the catalogue; return what could not be."""
    event, notes = intent.event(run), []
    try:
        record(repository, event)
    except RepositoryError as error:
        notes.append(f"That the database was replaced could not be recorded in the repository: {error}")
    with using.attempt() as there:
        if there:
            replay(using.using, repository, event)
    return notes + ([using.problem] if using.problem else [])


def put_in_order(engine: Engine, repository: Repository, beat: Beat) -> list[str]:
    """Finish or take back what a killed run began, and return sentences that say how things stand; none twice."""
    intent = _intended(repository, beat.run)
    if intent is None:
        return []
    standing = engine.standing()
    live = (standing.inside() if intent.inside else None) or standing
    done = finish(Promotion(live, live.at(intent.copy), intent.kept, intent.was_there))
    notes = []
    if done and not _is_recorded(repository, intent.backup, beat.run):
        notes = recorded(repository, beat.run, intent, catalog.open_catalogue())
    repository.objects.delete(_name(beat.run))
    verb = "replacement" if beat.verb == REPLACE else "undoing"
    if not done:
        return [
            f"The {verb} {beat.run} was killed before its one step: {live.describe()} is the old one, as it was. "
            f"Begin again: restore_db --{beat.verb}{' --swap-schema' if intent.inside and beat.verb == REPLACE else ''}."
        ]
    kept = f" The one before is kept as {intent.kept}; restore_db --undo swaps back." if intent.was_there else ""
    return [
        f"The {verb} {beat.run} was killed after its one step: {live.describe()} is the new one, whole.{kept}",
        *notes,
    ]


def promotion_that_kept(repository: Repository, kept: str) -> Event | None:
    """Return the signed event of the promotion that keeps a database under that name; None where there is none.

    Looks through the events of the newest backups first. Raises RepositoryError where storage cannot be read.
    """
    for listed in reversed(repository.listing()):
        names = event_names(repository, listed.run)
        if not names:
            continue
        digest = repository.read_manifest(listed.name).digest
        for name in reversed(names):
            event = _event(repository, name, digest)
            if event and event.kind in (PROMOTED, UNDONE) and event.data.get("kept") == kept:
                return event
    return None


def _event(repository: Repository, name: str, digest: str) -> Event | None:
    """Return an event; a damaged one proves nothing."""
    try:
        return read_event(repository, name, digest)
    except (RepositoryError, ValueError, KeyError):
        return None


def _intended(repository: Repository, run: str) -> Intent | None:
    try:
        return Intent(**json.loads(repository.open_signed(_KIND, _name(run))))
    except ObjectMissing:
        return None
    except (TypeError, ValueError) as error:
        raise BackupsError(f"What {run} was about to do cannot be read: {error}.") from error


def _is_recorded(repository: Repository, backup: str, run: str) -> bool:
    return any(name.endswith(run) for name in event_names(repository, backup))


def _name(run: str) -> str:
    return f"runs/{run}/promotion"
