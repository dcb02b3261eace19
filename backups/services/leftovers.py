"""What killed runs have left, cleared away by the next run: throw-away databases, temporary files, beats.

A database is dropped only where this repository holds the signed beat of the run that it is named after, and that run
is dead. So what another project on the same server is working on is never touched.
"""

from __future__ import annotations

from datetime import UTC, datetime

from backups.engines.base import Engine
from backups.exceptions import BackupsError
from backups.repository import Repository
from backups.repository.runs import DEAD_AFTER, Beat, dead, remove_beats


def sweep(engine: Engine, repository: Repository) -> list[str]:
    """Clear away what dead runs have left, and return a sentence for each that could not be; never raises.

    ``engine`` is that of the alias that the repository is of; its database may be gone.
    """
    notes = []
    try:
        repository.objects.sweep((datetime.now(UTC) - DEAD_AFTER).timestamp())
        for beat in dead(repository):
            notes += _clear(engine, repository, beat)
    except BackupsError as error:
        notes.append(f"What killed runs left could not be looked for: {error}")
    return notes


def _clear(engine: Engine, repository: Repository, beat: Beat) -> list[str]:
    """Drop the throw-away databases of a dead run; what cannot be dropped is tried again next time.

    The run is forgotten only later: its server may still be making the database that the dead process asked for.
    """
    try:
        if beat.verb != "backup":
            _drop(engine, beat)
        if beat.verb == "backup" or datetime.now(UTC) - datetime.fromisoformat(beat.beat) > DEAD_AFTER:
            remove_beats(repository, beat.run)
    except BackupsError as error:
        return [f"The {beat.verb} {beat.run} was killed, and what it left could not be cleared away: {error}"]
    return []


def _drop(engine: Engine, beat: Beat) -> None:
    """Look beside the database itself, and beside the one that a restore was to make."""
    name = engine.scratch_name(beat.run)
    for beside in (engine, *([engine.at(beat.target)] if beat.target else [])):
        if name in beside.leftovers():
            beside.at(name).drop()
