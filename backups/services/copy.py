"""The verb *copy*: bring the other storages of ``BACKUPS["COPIES"]`` up to date, so that no one place holds all backups."""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from backups.conf import get_settings
from backups.exceptions import (
    BackupsError,
    ConfigurationError,
    LockHeld,
    ObjectDamaged,
    ObjectMissing,
    UnknownBackup,
    WrongRepository,
)
from backups.progress import Progress, Step, silent
from backups.repository import Listed, Repository, trash
from backups.repository.copying import Copying
from backups.repository.names import new_run
from backups.repository.places import copy_storage, current_alias, is_copy
from backups.repository.pulse import beating
from backups.repository.runs import DEAD_AFTER, UNREADABLE, dead, living, remove_beats
from backups.services import catalog
from backups.services.catalog import Asked, Recording
from backups.services.copies import Look, lacks, record, unrecorded

PRUNE = "prune"
NEWEST = 24  # manifests of a copy that are looked at after each backup; copy_backups looks at all


@dataclass(slots=True)
class Copied:
    """What was done for one copy. ``backups`` were copied now; ``behind`` are still missing there, by their ids.

    ``problems`` are sentences: the copy is not up to date then, and no backup is lost by it.
    """

    copy: str
    place: str = ""
    backups: list[str] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)
    objects: int = 0
    bytes: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def as_json(self, database: str) -> dict[str, Any]:
        """Return the documented keys."""
        keys = ("copy", "place", "backups", "behind", "objects", "bytes", "seconds", "problems")
        return {"database": database, **{key: getattr(self, key) for key in keys}}


def copy_backups(
    database: str, aliases: Iterable[str] = (), *, asked: Asked | None = None, progress: Progress = silent
) -> list[Copied]:
    """Bring the copies of a database's backups up to date, or those of some ``aliases`` alone.

    Only what is missing is copied, each object compared with its digest; what was noted as damaged on either side is put
    back from the other. One copy that fails does not stop the others. Raises ConfigurationError, UnknownBackup.
    """
    wanted = tuple(aliases) or tuple(get_settings().COPIES)
    _refuse_unknown(wanted)
    return [_bring(database, alias, asked or Asked(), progress, whole=True) for alias in wanted]


def copy_after_backup(database: str, asked: Asked, progress: Progress = silent) -> list[Copied]:
    """Copy what the copies lack, the newest backup first; keys and events of earlier backups are left to ``copy_backups``."""
    return [_bring(database, alias, asked, progress, whole=False) for alias in get_settings().COPIES]


def newer_elsewhere(repository: Repository, newest: int) -> tuple[int, list[str]]:
    """Return the greatest number in the other storages, and a sentence on each whose newest backup is newer than that one.

    Storage alone cannot show that its newest backups were removed; another one can.
    """
    greatest, said = 0, []
    why = "this copy lags" if is_copy() else "backups were removed here, or the storage was rolled back"
    for other in repository.others():
        with suppress(BackupsError):
            number = max((listed.sequence for listed in other.listing()), default=0)
            greatest = max(greatest, number)
            if number > newest:
                said.append(
                    f"In {other.where} lies backup number {number}, and the newest in {repository.where} is {newest}: {why}."
                )
    return greatest, said


def accounted_elsewhere(repository: Repository) -> frozenset[int]:
    """Return the numbers that the other storages of a copy account for: what is missing in it was not copied, not removed.

    A backup that is in none of them, nor a tombstone or gap there, was removed everywhere.
    """
    numbers: set[int] = set()
    for other in repository.others():
        with suppress(BackupsError):
            listing = other.listing()
            numbers |= {listed.sequence for listed in listing} | other.tombstones()
            for listed in listing[-1:]:
                gaps = other.read_manifest(listed.name).manifest.gaps
                numbers |= {number for gap in gaps for number in range(gap.first, gap.last + 1)}
    return frozenset(numbers)


def lags(database: str) -> list[str]:
    """Return a sentence for each copy that lacks a backup or cannot be looked at; one where the first storage cannot be."""
    copies, found = get_settings().COPIES, []
    try:
        listing = Repository.open(database).listing() if copies else []
    except BackupsError as error:
        return [
            f"What the copies lack cannot be seen: {error} What they hold can: list_backups --from {next(iter(copies))}"
        ]
    for alias in copies:
        try:
            there = _runs(database, alias)
            lacking = [listed.run for listed in listing if listed.run not in there]
        except BackupsError as error:
            found.append(f"The copy in {alias!r} cannot be looked at: {error}")
        else:
            found += [lacks(alias, len(lacking), max(lacking))] if lacking else []
    return found


def tell_catalogue(repository: Repository, database: str) -> list[str]:
    """Tell the catalogue what the copy that is worked on holds now; return a sentence where that cannot be done.

    Nobody else does where a copy was pruned: the next bringing up to date may be a day away.
    """
    recording = catalog.open_catalogue()
    look = Look(database, current_alias(), repository.where, repository.id)
    with suppress(BackupsError):
        _look(look, repository)
        record(recording, look)
    return [recording.problem] if recording.problem else []


def _runs(database: str, alias: str) -> set[str]:
    """Return the backups in a copy, and those that it has pruned; none where it was not begun yet."""
    try:
        there = Repository.open(database, storage=copy_storage(alias))
    except UnknownBackup:
        return set()
    return {*(listed.run for listed in there.listing()), *(entry.run for entry in trash.buried(there))}


def _look(look: Look, target: Repository) -> list[Listed]:
    """Note what a copy holds, and return its listing."""
    listing = target.listing()
    look.held = {listed.run: None for listed in listing}
    look.pruned = frozenset(entry.run for entry in trash.buried(target)) - look.held.keys()
    return listing


def _hint(error: BackupsError, alias: str) -> str:
    """Say what to do. Hints on storage speak of the first one, and of a backup that was not committed; this one was."""
    if isinstance(error, (ConfigurationError, LockHeld, WrongRepository)):
        return error.hint
    if isinstance(error, _OF_ONE_BACKUP):
        return f"verify_backup tells what that costs. {error.hint}".rstrip()
    return f'No backup was lost. See to STORAGES["{alias}"]; the next backup, or copy_backups, catches up.'


def _refuse_unknown(wanted: tuple[str, ...]) -> None:
    configured = get_settings().COPIES
    hint = 'Set BACKUPS["COPIES"] = {"offsite": {}}, and STORAGES["offsite"] to a storage in another place.'
    if not configured:
        raise ConfigurationError("BACKUPS['COPIES'] names no copy, so there is nothing to bring up to date.", hint=hint)
    unknown = [alias for alias in wanted if alias not in configured]
    if unknown:
        raise ConfigurationError(
            f"BACKUPS['COPIES'] names no copy {unknown[0]!r}; it names {', '.join(map(repr, configured))}.", hint=hint
        )


def _bring(database: str, alias: str, asked: Asked, progress: Progress, *, whole: bool) -> Copied:
    """Bring one copy up to date; what fails is told, not raised."""
    done, look, began = Copied(alias), Look(database, alias, whole=True), time.monotonic()
    recording = catalog.open_catalogue()
    try:
        source = Repository.open(database)
        look.repository = source.id
        target = Repository.open_copy(source, copy_storage(alias))
        done.place = look.place = target.where
        run = new_run()
        with ExitStack() as stack:
            stack.enter_context(beating(source, run, "copy", database, asked.by))
            pulse = stack.enter_context(beating(target, run, "copy", database, asked.by))
            _refuse_while_pruned(target)
            _clear_up(target)
            _work(Copying(source, target, pulse, partial(_tell, progress, alias)), source, target, done, look, whole)
        _date(recording, target, look, None if whole else NEWEST)
        done.notes += source.healings()
    except BackupsError as error:
        done.problems.append(f"The copy in {alias!r} could not be brought up to date: {error} {_hint(error, alias)}")
    look.problems = done.problems
    record(recording, look)
    done.notes += [recording.problem] if recording.problem else []
    done.seconds = round(time.monotonic() - began, 3)
    return done


def _work(copying: Copying, source: Repository, target: Repository, done: Copied, look: Look, whole: bool) -> None:
    """Copy each backup that is missing; one that is damaged does not keep the others from being copied."""
    if whole:
        copying.keys()
        done.notes += copying.heal()
    there = _look(look, target)
    held = look.held if look.held is not None else {}
    for listed in copying.behind(None if whole else NEWEST):
        try:
            copying.backup(listed)
            done.backups.append(listed.run)
            held[listed.run] = datetime.now(UTC)
        except BackupsError as error:
            if not source.objects.exists(listed.name):
                continue  # It was pruned meanwhile.
            done.behind.append(listed.run)
            done.problems.append(
                f"Backup {listed.run} could not be copied to {done.copy!r}: {error} {error.hint}".rstrip()
            )
            held.pop(listed.run, None)
            look.failed[listed.run] = done.problems[-1]
            if not isinstance(error, _OF_ONE_BACKUP):
                break
        finally:
            done.objects, done.bytes = copying.tally.objects, copying.tally.bytes
    if whole:
        for listed in there:
            copying.events(listed)
        done.objects, done.bytes = copying.tally.objects, copying.tally.bytes


_OF_ONE_BACKUP = (ObjectDamaged, ObjectMissing)


def _date(recording: Recording, target: Repository, look: Look, limit: int | None) -> None:
    """Ask the copy since when it has the backups of which the catalogue does not know that, no more than ``limit``."""
    held = look.held or {}
    runs = [run for run in unrecorded(recording, look) if held[run] is None][:limit]
    # What is not told now is asked again the next time.
    with suppress(BackupsError):
        names = {listed.run: listed.name for listed in target.listing()} if runs else {}
        held.update((run, target.objects.modified(names[run])) for run in runs if run in names)


def _refuse_while_pruned(target: Repository) -> None:
    """Nobody may sweep objects of a copy while they are counted on, and whoever sweeps looks for our beat in turn."""
    for beat in living(target):
        if beat.verb in (PRUNE, UNREADABLE):
            raise LockHeld(f"It may be being pruned: {beat.sentence()}.")


def _clear_up(target: Repository) -> None:
    """Forget what killed runs left in the copy: nobody else looks there."""
    since = datetime.now(UTC) - DEAD_AFTER
    target.objects.sweep(since.timestamp())
    for beat in dead(target):
        if datetime.fromisoformat(beat.beat) < since:
            remove_beats(target, beat.run)


def _tell(progress: Progress, alias: str, objects: int, size: int) -> None:
    progress(Step("copy", f"to {alias}", objects, size))
