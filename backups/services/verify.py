"""The verb *verify*: prove a backup up to a level, and record the proof in the repository and the catalogue."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, ObjectDamaged, ObjectMissing, RepositoryError
from backups.models import Verification
from backups.progress import Progress, silent
from backups.repository import Committed, Listed, Repository
from backups.repository.events import VERIFIED, Event, events_of, record
from backups.repository.names import new_run
from backups.repository.runs import beating
from backups.services import catalog
from backups.services.catalog import Asked, Recording
from backups.services.leftovers import sweep
from backups.services.listing import find
from backups.services.records import result_data
from backups.verification import Level, Result, Subject, verify


@dataclass(frozen=True, slots=True)
class Verified:
    """One verification. ``run`` is its id; ``notes`` say what could not be recorded."""

    run: str
    result: Result
    notes: tuple[str, ...] = ()


def verify_backup(
    database: str,
    backup: str = "latest",
    *,
    level: Level = Level.RESTORE,
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> Verified:
    """Prove one backup. A backup that does not pass is a result; what keeps us from looking at it is raised."""
    repository = Repository.open(database)
    recording = catalog.open_catalogue()
    listed = find(repository, backup)
    return _verify(engine_for(database), repository, recording, listed, level, asked or Asked(), progress, run)


def verify_all(
    database: str,
    *,
    level: Level = Level.RESTORE,
    max_duration: timedelta | None = None,
    asked: Asked | None = None,
    progress: Progress = silent,
) -> Iterator[Verified]:
    """Prove every backup, least recently checked first; begin none after ``max_duration``."""
    began = time.monotonic()
    engine, repository, recording = engine_for(database), Repository.open(database), catalog.open_catalogue()
    for listed in sorted(repository.listing(), key=lambda listed: _last_checked(repository, listed)):
        if max_duration is not None and time.monotonic() - began > max_duration.total_seconds():
            return
        yield _verify(engine, repository, recording, listed, level, asked or Asked(), progress)


def _verify(
    engine: Engine,
    repository: Repository,
    recording: Recording,
    listed: Listed,
    level: Level,
    asked: Asked,
    progress: Progress,
    run: str = "",
) -> Verified:
    run = run or new_run()
    swept = sweep(engine, repository)
    committed = _readable(repository, listed)
    known = catalog.known_heads(recording, repository)
    catalog.begin_verification(recording, run, listed.run, committed, level, asked)
    try:
        with beating(repository, run, "verification", engine.alias, asked.by) as silence:
            result = verify(Subject(repository, listed.name, listed.run, engine, known), level, run, progress)
    except BaseException as error:
        catalog.fail(recording, Verification, run, error)
        raise
    catalog.finish_verification(recording, run, result)
    notes = swept + silence + ([recording.problem] if recording.problem else [])
    notes += _sign(repository, committed, run, result, asked)
    return Verified(run, result, tuple(notes))


def _readable(repository: Repository, listed: Listed) -> Committed | None:
    """Read the manifest for the records; the verification itself tells what is wrong with it."""
    try:
        return repository.read_manifest(listed.name)
    except (ObjectDamaged, ObjectMissing):
        return None


def _sign(repository: Repository, committed: Committed | None, run: str, result: Result, asked: Asked) -> list[str]:
    """Store the result in the repository, where it outlives the database; return a sentence where that failed."""
    if committed is None:
        return []
    data = {**result_data(result), "requested_by": asked.by, "requested_via": asked.via}
    try:
        record(repository, Event(VERIFIED, result.backup, run, committed.digest, datetime.now(UTC), data))
    except RepositoryError as error:
        return [f"The result could not be stored in the repository: {error}"]
    return []


def _last_checked(repository: Repository, listed: Listed) -> str:
    """Return when a backup was last verified, as text that sorts; empty for never."""
    names = repository.objects.list(f"events/{listed.run}")
    return names[-1].rpartition("/")[2] if names else ""


def level_of(text: str) -> Level:
    """Return the level of that name; raise ConfigurationError for another word."""
    try:
        return Level(text)
    except ValueError:
        raise ConfigurationError(f"There is no level {text!r}.", hint=f"Levels: {', '.join(Level)}.") from None


def newest_result(repository: Repository, committed: Committed) -> dict[str, object] | None:
    """Return the newest verification that the repository holds of a backup, or None."""
    events = events_of(repository, committed.manifest.run, committed.digest)
    return next((event.data for event in reversed(events) if event.kind == VERIFIED), None)
