"""What killed runs have left, cleared away by the next run: throw-away databases, halves of objects, beats.

A database is dropped only where this repository holds the signed beat of the run that it is named after, and that run
is dead. So what another project on the same server is working on is never touched. A database that such a run was
about to replace is put in order first. Beats that cannot be read say of nothing whose it is: they only go themselves.
"""

from __future__ import annotations

from datetime import UTC, datetime

from backups.conf import get_settings
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import BackupsError, ObjectDamaged, WrongSigningKey
from backups.repository import Repository
from backups.repository.runs import DEAD_AFTER, UNREADABLE, Beat, dead, remove_beats
from backups.services.discarding import discard_dropped
from backups.services.promotions import REPLACE, UNDO, intends, put_in_order


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

    The run is forgotten only later: its server may still be making the database that the dead process asked for, and what
    a backup had stored is for the next one to go on from.
    """
    notes = []
    try:
        if beat.verb == UNREADABLE:
            _forget(repository, beat)
            return []
        if beat.verb in (REPLACE, UNDO):
            notes = put_in_order(engine, repository, beat)
        if beat.verb == "backup":
            _withdraw(repository, beat.run)
        else:
            _drop(engine, repository, beat)
        remembered = get_settings().GRACE if beat.verb == "backup" else DEAD_AFTER
        if datetime.now(UTC) - datetime.fromisoformat(beat.beat) > remembered:
            remove_beats(repository, beat.run)
    except BackupsError as error:
        notes.append(f"What the {beat.verb} {beat.run} left could not be cleared away: {error}")
    return notes


def _forget(repository: Repository, beat: Beat) -> None:
    """Remove beats that cannot be read, once nobody could go on from what their run had stored."""
    old = datetime.now(UTC) - datetime.fromisoformat(beat.beat) > get_settings().GRACE
    if old and not intends(repository, beat.run):
        remove_beats(repository, beat.run)


def _withdraw(repository: Repository, run: str) -> None:
    """Remove the manifest that a backup died over, where the storage holds half of it: such a backup was never there.

    Only the newest can be one. Another that is damaged had been whole, since a later one was taken.
    """
    newest = repository.listing()[-1:]
    if not newest or newest[0].run != run:
        return
    try:
        repository.read_manifest(newest[0].name)
    except WrongSigningKey:
        return
    except ObjectDamaged:
        repository.objects.delete(newest[0].name)


def _drop(engine: Engine, repository: Repository, beat: Beat) -> None:
    """Look beside the database itself, and beside the one that a restore was to make, which may be on another server."""
    server = engine_for(beat.server) if beat.server else engine
    name = server.scratch_name(beat.run)
    for beside in (server, *([server.at(beat.target)] if beat.target else [])):
        if name in beside.leftovers():
            if beat.verb == REPLACE:
                discard_dropped(repository, beside.at(name).name, beat.run)
            beside.at(name).drop()
    if beat.verb == REPLACE and server.inside():
        # Made inside, it went with its connection.
        discard_dropped(repository, name, beat.run)
