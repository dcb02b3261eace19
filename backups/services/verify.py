"""The verb *verify*: prove a backup up to a level, and record the proof in the repository and the catalogue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from backups.chain import Head
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import (
    BackupsError,
    CannotOpen,
    ConfigurationError,
    ObjectDamaged,
    ObjectMissing,
    RepositoryError,
)
from backups.models import Verification
from backups.progress import Progress, silent
from backups.repository import Committed, Listed, Repository
from backups.repository.events import VERIFIED, Event, event_names, record
from backups.repository.names import new_run
from backups.repository.places import is_copy
from backups.repository.pulse import Pulse, beating
from backups.services import catalog
from backups.services.catalog import Asked, Recording
from backups.services.copy import accounted_elsewhere
from backups.services.leftovers import sweep
from backups.services.listing import find
from backups.services.records import kept_result
from backups.verification import Level, Result, Subject, verify

_LEVELS = (Level.SIGNATURE, Level.STORED, Level.RESTORE)


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
    waiting = _least_recent_first(repository, level)

    def late() -> bool:
        return max_duration is not None and time.monotonic() - began > max_duration.total_seconds()

    while waiting and not late():
        listed = waiting.pop(0)
        if not repository.objects.exists(listed.name):
            continue  # Pruned meanwhile.
        proof = _verify(engine, repository, recording, listed, level, asked or Asked(), progress)
        said = f"The time was over before {len(waiting)} of the backups; the next run begins with them."
        yield replace(proof, notes=(*proof.notes, said)) if waiting and late() else proof


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
    with beating(repository, run, "verification", engine.alias, asked.by) as pulse:
        committed = _readable(repository, listed)
        if committed:
            _unlock(repository, committed, level)
        known = catalog.known_heads(recording, repository)
        catalog.begin_verification(recording, run, listed.run, committed, level, asked)
        try:
            result = verify(_subject(repository, listed, engine, known), level, run, progress)
        except BaseException as error:
            catalog.fail(recording, Verification, run, error)
            raise
        left = _left_behind(result, pulse)
    catalog.finish_verification(recording, run, result)
    notes = swept + pulse.notes + left + repository.healings() + ([recording.problem] if recording.problem else [])
    notes += _sign(repository, committed, run, result, asked)
    return Verified(run, result, tuple(notes))


def _left_behind(result: Result, pulse: Pulse) -> list[str]:
    """Leave a scratch database that could not be dropped to the next run, as a killed run leaves its own."""
    if not result.left:
        return []
    try:
        pulse.hand_over()
    except BackupsError:
        return [f"{result.left} Drop it by hand."]
    return [f"{result.left} The next run tries again."]


def _subject(repository: Repository, listed: Listed, engine: Engine, known: tuple[Head, ...]) -> Subject:
    """Say what is to be proven. A copy may lag: what the others account for, or is newer than all in it, is not missed."""
    if not is_copy():
        return Subject(repository, listed.name, listed.run, engine, known)
    newest = repository.listing()[-1].sequence
    seen = tuple(head for head in known if head.sequence <= newest)
    return Subject(repository, listed.name, listed.run, engine, seen, accounted_elsewhere(repository))


def _unlock(repository: Repository, committed: Committed, level: Level) -> None:
    """Ask for the identity of an encrypted backup before anything is begun; stored bytes are checked without one too.

    Raises CannotOpen at level restore; ConfigurationError where there is an identity and it is unusable.
    """
    if level is not Level.SIGNATURE:
        try:
            repository.require_identity(committed.manifest)
        except CannotOpen:
            if level is Level.RESTORE:
                raise


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
    data = {**kept_result(repository, committed.manifest, run, result), **asked.said()}
    try:
        record(repository, Event(VERIFIED, result.backup, run, committed.digest, datetime.now(UTC), data))
    except RepositoryError as error:
        return [f"The result could not be stored in the repository: {error}"]
    return []


def _least_recent_first(repository: Repository, level: Level) -> list[Listed]:
    """Return every backup: those that were never checked so deeply first, oldest first, then by when they last were."""
    return sorted(repository.listing(), key=lambda listed: _last_checked(repository, listed, level))


def _last_checked(repository: Repository, listed: Listed, level: Level) -> str:
    """Return when a backup was last verified at that level or a deeper one, as text that sorts; empty for never."""
    deep_enough = _LEVELS[_LEVELS.index(level) :]
    for name in reversed(event_names(repository, listed.run)):
        # What cannot be read, or speaks of another manifest, is no check.
        with suppress(ObjectDamaged, ObjectMissing, ValueError, KeyError, TypeError):
            said = json.loads(repository.open_signed("event", name))
            if said["kind"] == VERIFIED and said["data"]["level"] in deep_enough:
                return name.rpartition("/")[2]
    return ""


def level_of(text: str) -> Level:
    """Return the level of that name; raise ConfigurationError for another word."""
    try:
        return Level(text)
    except ValueError:
        raise ConfigurationError(f"There is no level {text!r}.", hint=f"Levels: {', '.join(Level)}.") from None
