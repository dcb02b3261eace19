"""The verb *replace*: a proven copy of a backup in the place of the live database, which is kept; and back again."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, router

from backups import promotion, restorer, scratch
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.engines.kept import run_of
from backups.exceptions import BackupsError, ConfigurationError, LockHeld, RepositoryError, TargetError
from backups.models import Backup
from backups.progress import Progress, silent
from backups.promotion import Promotion
from backups.repository import Repository
from backups.repository.events import PROMOTED, UNDONE
from backups.repository.names import new_run
from backups.repository.pulse import beating
from backups.repository.runs import living
from backups.services import catalog
from backups.services.backup import create_backup
from backups.services.carrying import carry_catalogue
from backups.services.catalog import Asked
from backups.services.discarding import discarded_on_failure
from backups.services.failure import typed_name
from backups.services.leftovers import sweep
from backups.services.listing import LATEST, SAFETY, find
from backups.services.promotions import REPLACE, UNDO, Intent, intend, promotion_that_kept, recorded
from backups.services.restore import RestoredCopy, plan_restore, restore_backup


@dataclass(frozen=True, slots=True)
class Replaced:
    """A database that was replaced. ``kept`` is empty where there was none, ``safety`` where it could not be backed up.

    ``exchange_seconds`` is how long the exchange itself took, with the waiting for others to let go.
    """

    run: str
    copy: RestoredCopy
    live: Engine
    kept: str
    safety: str
    exchange_seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Undone:
    """A replacement that was undone: ``restored`` is the name whose database is live again, ``kept`` its opposite's."""

    run: str
    live: Engine
    restored: str
    kept: str
    exchange_seconds: float
    notes: tuple[str, ...] = ()


def plan_replacement(
    database: str,
    backup: str = LATEST,
    *,
    expect: int | None = None,
    rebuild: bool = False,
    migrate: bool = False,
    unvouched: bool = False,
) -> list[str]:
    """Return what replacing would do, in sentences, or raise what would stop it; changes nothing."""
    run, live = new_run(), engine_for(database).standing()
    how: dict[str, Any] = {"expect": expect, "rebuild": rebuild, "migrate": migrate, "unvouched": unvouched}
    copy = live.at(live.scratch_name(run))
    sentences = plan_restore(database, backup, copy.name, **how).sentences()
    # The copy's own name is gone as soon as it stands in the live one's place.
    restoring = [sentence for sentence in sentences if copy.describe() not in sentence]
    what = promotion.plan(live, copy, run)
    safety = ["Back up what can still be read of the live database first."] if what.was_there else []
    return [*safety, *restoring, *what.sentences()]


def replace_database(
    database: str,
    backup: str = LATEST,
    *,
    confirm: str,
    expect: int | None = None,
    rebuild: bool = False,
    migrate: bool = False,
    unvouched: bool = False,
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> Replaced:
    """Restore a backup beside the live database, prove it, and put it in the live one's place, which is kept.

    ``confirm`` is the live database's name. With ``rebuild`` the schema is built by migrations, so that the backup may be
    another engine's; the other choices are ``restore_backup``'s too. Raises ConfigurationError where the name is another, and
    what a restore and ``promotion.promote`` raise; the live database is as it was then.
    """
    asked, run = asked or Asked(), run or new_run()
    how: dict[str, Any] = {"expect": expect, "rebuild": rebuild, "migrate": migrate, "unvouched": unvouched}
    live, repository = engine_for(database).standing(), Repository.open(database)
    _refuse_other_name(live, confirm)
    notes = sweep(live, repository)
    _refuse_beside_another(repository)
    lacking = catalog.open_catalogue().problem
    # Found before the safety backup is taken, which is not what anybody wants to have back.
    chosen = find(repository, backup).run
    plan_replacement(database, chosen, **how)
    with beating(repository, run, REPLACE, database, asked.by, live.name) as pulse:
        safety, said = _safety_backup(database, live, asked, progress)
        notes += [*pulse.notes, *said]
        name = live.scratch_name(run)
        copy = restore_backup(database, chosen, to=name, **how, asked=asked, progress=progress)
        with restorer.dropped_on_failure(copy.target), discarded_on_failure(repository, copy.committed, copy.run):
            done = _promoted(repository, run, copy, live, safety, asked, progress, notes)
    # The copy brought a catalogue along, filled from storage: that there was none before need not be said any more.
    found = lacking and not catalog.open_catalogue().problem
    return replace(done, notes=tuple(note for note in done.notes if note != lacking)) if found else done


def undo_replacement(
    database: str, *, confirm: str, asked: Asked | None = None, progress: Progress = silent, run: str = ""
) -> Undone:
    """Put the database that was kept last back in its place; the one that stands there is kept instead.

    Copies nothing, so it takes no longer for a large database. Works without the storage too, and says that it could not
    be recorded. Raises as ``replace_database`` does, and TargetError where none is kept.
    """
    asked, run = asked or Asked(), run or new_run()
    live = engine_for(database).standing()
    _refuse_other_name(live, confirm)
    repository, notes = _repository_if_any(database)
    notes += sweep(live, repository) if repository else []
    what = plan_undoing(database, run)
    if repository is None:
        began = time.monotonic()
        notes += _exchanged(what, progress)
        return _as_undone(run, what, _since(began), notes)
    _refuse_beside_another(repository)
    with beating(repository, run, UNDO, database, asked.by, live.name) as pulse:
        return _undone(repository, run, what, asked, progress, [*notes, *pulse.notes])


def plan_undoing(database: str, run: str = "") -> Promotion:
    """Return what undoing would do, or raise what would stop it."""
    run, live = run or new_run(), engine_for(database).standing()
    for name in live.kept()[:1]:
        # A killed promotion that no storage tells of.
        live.finish(live.at(live.scratch_name(run_of(name))), name, was_there=True)
    found = live.kept()
    if not found:
        raise TargetError(
            f"There is no database that was kept when {live.describe()} was replaced.",
            hint="restore_db --replace puts a backup in its place.",
        )
    return promotion.plan(live, live.at(found[0]), run)


def _promoted(
    repository: Repository,
    run: str,
    copy: RestoredCopy,
    live: Engine,
    safety: str,
    asked: Asked,
    progress: Progress,
    notes: list[str],
) -> Replaced:
    manifest = copy.committed.manifest
    what = promotion.plan(live, copy.target, run)
    notes += copy.notes
    if what.was_there:
        # Merely connecting would make an empty SQLite file in the place of a lost one.
        notes += [*live.carry_over(copy.target), *_catalogue_carried(live, copy.target)]
    stays = what.kept if what.was_there else ""
    data = {"target": live.name, "kept": stays, "restore": copy.run, "safety": safety, **asked.said()}
    intent = Intent(PROMOTED, manifest.run, copy.committed.digest, copy.target.name, what.kept, what.was_there, data)
    notes += intend(repository, run, intent)
    began = time.monotonic()
    notes += _exchanged(what, progress)
    seconds = _since(began)
    notes += recorded(repository, run, intent, catalog.open_catalogue())
    return Replaced(run, copy, live, stays, safety, seconds, tuple(notes))


def _undone(
    repository: Repository, run: str, what: Promotion, asked: Asked, progress: Progress, notes: list[str]
) -> Undone:
    try:
        event = promotion_that_kept(repository, what.copy.name)
    except RepositoryError as error:
        event, notes = None, [*notes, f"The record of the replacement could not be read: {error}"]
    intent = None
    if event:
        data = {"target": what.live.name, "kept": what.kept, "restored": what.copy.name, **asked.said()}
        data["restore"] = event.data.get("restore", "")
        intent = Intent(UNDONE, event.backup, event.manifest, what.copy.name, what.kept, what.was_there, data)
        notes += intend(repository, run, intent)
    began = time.monotonic()
    notes += _exchanged(what, progress)
    seconds = _since(began)
    if what.was_there:
        notes += _catalogue_carried(what.live.at(what.kept), what.live)
    notes += recorded(repository, run, intent, catalog.open_catalogue()) if intent else []
    return _as_undone(run, what, seconds, notes)


def _as_undone(run: str, what: Promotion, seconds: float, notes: list[str]) -> Undone:
    return Undone(run, what.live, what.copy.name, what.kept if what.was_there else "", seconds, tuple(notes))


def _exchanged(what: Promotion, progress: Progress) -> list[str]:
    """Do the promotion; connections of this thread to the live database are closed, and opened again when needed."""
    for wrapper in connections.all(initialized_only=True):
        if wrapper.connection is not None and wrapper.vendor == what.live.vendor:
            wrapper.close()
    return promotion.promote(what, progress)


def _safety_backup(database: str, live: Engine, asked: Asked, progress: Progress) -> tuple[str, list[str]]:
    """Back up what is about to be replaced, and return the backup's id; a ruined database stops nothing, and is said."""
    if not live.exists():
        return "", [f"There is nothing to back up first: {live.describe()} is not there."]
    try:
        done = create_backup(database, asked=Asked(asked.by, SAFETY), progress=progress)
    except LockHeld:
        raise
    except BackupsError as error:
        return "", [f"What is about to be replaced could not be backed up first, and is kept as it is: {error}"]
    backup = done.committed.manifest.run
    return backup, [
        f"Of {backup}, the backup of what was there before: {note}" for note in (*done.problems, *done.notes)
    ]


def _catalogue_carried(source: Engine, target: Engine) -> list[str]:
    """Carry over what the catalogue in one database knows to the one in another; nothing where it lies elsewhere."""
    using = router.db_for_write(Backup)
    if using != target.alias:
        return []
    with scratch.registered(source, using) as old, scratch.registered(target, using) as new:
        try:
            if not Backup.objects.using(old).exists():
                return []
        except DatabaseError:
            return ["The old database's catalogue cannot be read; what storage knows is in the new one."]
        return carry_catalogue(old, new)


def _repository_if_any(database: str) -> tuple[Repository | None, list[str]]:
    try:
        return Repository.open(database), []
    except BackupsError as error:
        return None, [f"This cannot be recorded: {error}"]


def _refuse_other_name(live: Engine, confirm: str) -> None:
    if confirm != typed_name(live):
        raise ConfigurationError(
            f"{confirm!r} is not the name of the database.",
            hint=f"Nothing was changed. Its name is {typed_name(live)!r}.",
        )


def _refuse_beside_another(repository: Repository) -> None:
    """Refuse while another replacement is under way: two at once would each put the other's in the past."""
    for beat in living(repository):
        if beat.verb in (REPLACE, UNDO):
            raise LockHeld(f"The database is being replaced by another run: {beat.sentence()}.")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
