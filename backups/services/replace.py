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
from backups.services.kept import ways
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
    swap_schema: bool = False,
) -> list[str]:
    """Return what replacing would do, in sentences, or raise what would stop it; changes nothing."""
    run, live = new_run(), _replaced(database, swap_schema=swap_schema)
    how: dict[str, Any] = {"expect": expect, "rebuild": rebuild, "migrate": migrate, "unvouched": unvouched}
    copy = live.fresh(run)
    if live.is_inside:
        _refuse_inside(rebuild=rebuild, migrate=migrate)
    what = promotion.plan(live, copy, run)
    sentences = plan_restore(database, backup, **_where(live, copy), **how).sentences()
    # The copy's own name is gone as soon as it stands in the live one's place.
    restoring = [sentence for sentence in sentences if copy.describe() not in sentence]
    beginning = ["Begin a transaction that nobody else sees; rename the schemas in it, and make fresh ones."]
    safety = ["Back up what can still be read of the live database first."] if what.was_there else []
    return [*safety, *(beginning if live.is_inside else []), *restoring, *what.sentences()]


def replace_database(
    database: str,
    backup: str = LATEST,
    *,
    confirm: str,
    expect: int | None = None,
    rebuild: bool = False,
    migrate: bool = False,
    unvouched: bool = False,
    swap_schema: bool = False,
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> Replaced:
    """Restore a backup beside the live database, prove it, and put it in the live one's place, which is kept.

    ``confirm`` is the live database's name. With ``rebuild`` the schema is built by migrations, so that the backup may be
    another engine's; with ``swap_schema`` no database is made, but schemas inside the live one; the other choices are
    ``restore_backup``'s too. Raises ConfigurationError where the name is another, and
    what a restore and ``promotion.promote`` raise; the live database is as it was then.
    """
    asked, run = asked or Asked(), run or new_run()
    how: dict[str, Any] = {"expect": expect, "rebuild": rebuild, "migrate": migrate, "unvouched": unvouched}
    live, repository = _replaced(database, swap_schema=swap_schema), Repository.open(database)
    _refuse_other_name(live, confirm)
    notes = sweep(engine_for(database).standing(), repository)
    _refuse_beside_another(repository)
    lacking = catalog.open_catalogue().problem
    # Found before the safety backup is taken, which is not what anybody wants to have back.
    chosen = find(repository, backup).run
    plan_replacement(database, chosen, **how, swap_schema=swap_schema)
    with beating(repository, run, REPLACE, database, asked.by, live.name) as pulse:
        safety, said = _safety_backup(database, live, asked, progress)
        notes += [*pulse.notes, *said]
        fresh = live.fresh(run)
        with restorer.dropped_on_failure(fresh):
            copy = restore_backup(database, chosen, **_where(live, fresh), **how, asked=asked, progress=progress)
            with discarded_on_failure(repository, copy.committed, copy.run):
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
    if repository:
        _refuse_beside_another(repository)
    what = plan_undoing(database, run)
    if repository is None:
        began = time.monotonic()
        notes += _exchanged(what, progress)
        return _as_undone(run, what, _since(began), notes)
    with beating(repository, run, UNDO, database, asked.by, live.name) as pulse:
        return _undone(repository, run, what, asked, progress, [*notes, *pulse.notes])


def plan_undoing(database: str, run: str = "") -> Promotion:
    """Return what undoing would do, or raise what would stop it: whichever way the last replacement was done."""
    found = [(run_of(name), name, live) for live in ways(database) for name in _in_order(live)]
    if not found:
        raise TargetError(
            f"There is no database that was kept when {engine_for(database).standing().describe()} was replaced.",
            hint="restore_db --replace puts a backup in its place.",
        )
    _, name, live = max(found, key=lambda one: one[0])
    return promotion.plan(live, live.at(name), run or new_run())


def _in_order(live: Engine) -> list[str]:
    """Return the names of what is kept, once a killed promotion is put in order that no storage tells of."""
    for name in live.kept()[:1]:
        live.finish(live.at(live.scratch_name(run_of(name))), name, was_there=True)
    return live.kept()


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
    intent = Intent(
        PROMOTED, manifest.run, copy.committed.digest, copy.target.name, what.kept, what.was_there, data, live.is_inside
    )
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
        intent = Intent(
            UNDONE, event.backup, event.manifest, what.copy.name, what.kept, what.was_there, data, what.live.is_inside
        )
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
        return "", [f"There is nothing to back up first: nothing is in the place of {live.describe()}."]
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


def _replaced(database: str, *, swap_schema: bool) -> Engine:
    """Return the live database, as a whole or as one whose schemas are replaced; raise where its engine cannot do that."""
    live = engine_for(database).standing()
    if not swap_schema:
        return live
    inside = live.inside()
    if inside is None:
        raise ConfigurationError(
            f"--swap-schema is for PostgreSQL, and alias {database!r} is {live.title}.",
            hint="Nothing was changed. restore_db --replace without it needs no right that the project has not here, or says "
            "which.",
        )
    if not live.exists():
        raise TargetError(
            f"{live.describe()} is not there, so that nothing can be exchanged inside of it.",
            hint="Have an empty one made under that name: restore_db --to-database " + database,
        )
    return inside


def _where(live: Engine, fresh: Engine) -> dict[str, Any]:
    return {"into": fresh} if live.is_inside else {"to": fresh.name}


def _refuse_inside(*, rebuild: bool, migrate: bool) -> None:
    if rebuild or migrate:
        raise ConfigurationError(
            f"{'--migrate' if migrate else '--schema migrations'} cannot be done with --swap-schema: all of that is one "
            "transaction, which migrations would end.",
            hint="Nothing was changed. Put the backup in place as it was, then run manage.py migrate.",
        )


def _refuse_beside_another(repository: Repository) -> None:
    """Refuse while another replacement is under way: two at once would each put the other's in the past."""
    for beat in living(repository):
        if beat.verb in (REPLACE, UNDO):
            raise LockHeld(f"The database is being replaced by another run: {beat.sentence()}.")


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
