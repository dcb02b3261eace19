"""The verb *prune*: what the policy does not keep goes to the trash, and after its grace what only it needs is deleted."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from backups import chain
from backups.conf import get_settings
from backups.engines import engine_for
from backups.exceptions import BackupsError, LockHeld, PruneStopped, RepositoryError, StorageUnavailable
from backups.repository import Repository, runs, trash
from backups.repository.history import History, read_history
from backups.repository.names import new_run
from backups.repository.places import current_alias, is_copy
from backups.repository.pulse import Pulse, beating
from backups.repository.runs import DEAD_AFTER, UNREADABLE, Beat, beats
from backups.repository.trash import Buried
from backups.retention import SKEW
from backups.services import catalog
from backups.services.catalog import Asked, Recording
from backups.services.copy import accounted_elsewhere, tell_catalogue
from backups.services.keeping import Keeping, decide_all, policy_of
from backups.services.kept import Kept, drop_replaced, kept_databases
from backups.sweeper import KEPT, Freed, Names, Sweeper

READERS = frozenset({"verification", "restore"})
"""Verbs that store nothing which a later manifest may name."""
CLEANERS = frozenset({"prune", "undelete"})
LOOK = (
    "A suspicious backup is accepted by prune_backups --confirm. Of anything else verify_backup --level signature tells more; "
    "once you know why, backup_db --adopt accepts it as it is."
)


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one backup, and why. ``action``: keep, remove, wait (in the trash), sweep."""

    id: str
    sequence: int
    action: str
    reasons: tuple[str, ...] = ()


@dataclass(slots=True)
class Pruned:
    """What a prune did, or would do. ``freed`` was deleted by it; ``waiting`` is what goes when graces end.

    ``stops`` say why nothing is removed, ``problems`` what else was found, ``notes`` what was left for another time.
    ``kept`` are the databases that were replaced and are kept, ``dropped`` those whose grace was over.
    """

    database: str
    run: str
    fates: list[Fate] = field(default_factory=list)
    freed: Freed = field(default_factory=Freed)
    waiting: Freed = field(default_factory=Freed)
    stops: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kept: list[Kept] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    def of(self, action: str) -> list[str]:
        """Return the ids of the backups that this becomes of."""
        return [fate.id for fate in self.fates if fate.action == action]


@dataclass(slots=True)
class _Plan:
    """What was read, and what is to be done."""

    history: History
    keeping: Keeping
    remove: list[str]
    ready: list[Buried]
    waiting: list[Buried]
    alive: list[Beat]
    now: datetime


def prune_backups(
    database: str, *, dry_run: bool = False, retention: Any = None, asked: Asked | None = None, run: str = ""
) -> Pruned:
    """Remove what the policy does not keep; delete what was removed long enough ago and nobody else needs.

    ``retention`` is another policy than the settings'. A copy (``places.using``) has retention and trash of its own, and what
    the others account for is not missed in it. Raises ConfigurationError, LockHeld, RepositoryError, and
    PruneStopped where it is unclear what may go; a dry run tells that in ``stops`` instead, and writes nothing.
    """
    asked, run = asked or Asked(), run or new_run()
    policy = policy_of(_own_retention() if retention is None else retention)
    repository = _open(database)
    # The catalogue is an index of the first storage: what a copy prunes is not gone for it.
    recording = Recording() if is_copy() else catalog.open_catalogue()
    done = Pruned(database, run)
    if dry_run:
        plan = _plan(repository, recording, policy, done, datetime.now(UTC))
        with Names(repository) as names:
            _measure(repository, names, plan, done)
        _look_at_kept(done)
        return done
    with cleaning(repository, run, "prune", database, asked) as pulse:
        now = storage_now(repository, run)
        catalog.mark_live(recording, repository, {listed.run for listed in repository.listing()})
        plan = _plan(repository, recording, policy, done, now)
        _refuse(done)
        with Names(repository) as names:
            _measure(repository, names, plan, done)
            _refuse(done)
            _remove(repository, recording, plan, pulse)
            _sweep(repository, names, plan, pulse, done)
    _look_at_kept(done, now)
    done.notes += tell_catalogue(repository, database) if is_copy() else []
    done.notes += [recording.problem] if recording.problem else []
    return done


def _own_retention() -> Any:
    """Return the policy of the copy that is pruned, where it has one; None for the settings' own."""
    return get_settings().COPIES.get(current_alias(), {}).get("RETENTION") if is_copy() else None


def _look_at_kept(done: Pruned, now: datetime | None = None) -> None:
    """Drop the replaced databases whose grace is over where ``now`` is given, and see which are kept."""
    try:
        done.dropped = drop_replaced(done.database, now) if now else []
        done.kept = kept_databases(done.database)
    except BackupsError as error:
        done.notes.append(f"Which replaced databases are kept could not be seen to: {error}")


@contextmanager
def cleaning(repository: Repository, run: str, verb: str, database: str, asked: Asked) -> Iterator[Pulse]:
    """Beat while inside, alone among those who remove backups or bring them back; raise LockHeld where another is."""
    with beating(repository, run, verb, database, asked.by) as pulse:
        if pulse.notes:
            raise StorageUnavailable(pulse.notes[0])
        others = at_work(repository, run)
        for beat in others:
            if beat.verb in CLEANERS:
                raise LockHeld(f"Somebody else is at work on the trash: {beat.sentence()}.")
        for beat in others:
            if beat.verb == UNREADABLE:
                raise LockHeld(f"Somebody else may be at work on the trash: {beat.sentence()}.", hint=_until(beat))
        yield pulse


def _until(beat: Beat) -> str:
    """Say until when a sign of life that cannot be read keeps others away: nobody knows whose it is."""
    until = datetime.fromisoformat(beat.beat) + DEAD_AFTER
    return (
        f"Nothing was deleted. Run it again after {until:%H:%M} UTC, when half an hour has passed since the storage got it; or, "
        f"if you know that this run is over, delete runs/{beat.run} in the storage."
    )


def at_work(repository: Repository, run: str) -> list[Beat]:
    """Return the beat of every other run that may be alive, whatever the clock of its host says."""
    return [beat for beat in runs.at_work(repository, datetime.now(UTC)) if beat.run != run]


def storage_now(repository: Repository, run: str) -> datetime:
    """Return the time by the storage's clock, from the beat just put; raise PruneStopped where ours is another."""
    names = repository.objects.list(f"runs/{run}")
    if not names:
        raise PruneStopped(f"The sign of life that was just stored is not listed in {repository.where}.")
    now, here = max(repository.objects.modified(name) for name in names), datetime.now(UTC)
    if abs(now - here) > SKEW:
        raise PruneStopped(
            f"The storage's clock says {now:%Y-%m-%d %H:%M:%S} and this host's {here:%Y-%m-%d %H:%M:%S} (UTC), so nobody knows "
            "how old anything is. Nothing was deleted.",
            hint="Set the clocks right, then run it again.",
        )
    return now


def _open(database: str) -> Repository:
    engine_for(database)
    return Repository.open(database)


def _refuse(done: Pruned) -> None:
    if done.stops:
        raise PruneStopped(f"Nothing was deleted. {' '.join(done.stops)}", hint=LOOK)


def _plan(repository: Repository, recording: Recording, policy: Any, done: Pruned, now: datetime) -> _Plan:
    """Read everything and decide; why nothing may be removed goes to ``done.stops``."""
    history = read_history(repository)
    known = catalog.known_heads(recording, repository)
    keeping = decide_all(repository, history, policy, now)
    done.stops += [f"{unread.error}" for unread in history.unread]
    elsewhere = accounted_elsewhere(repository) if is_copy() else frozenset()
    done.stops += [found.sentence for found in history.breaks(known, elsewhere)]
    done.stops += [] if is_copy() else _strangers(repository, history, recording, known)
    done.stops += [
        f"{said} If that was meant to be: prune_backups --confirm {said.split()[1]}" for said in keeping.suspicious
    ]
    done.problems += keeping.future
    alive = at_work(repository, done.run)
    ready: list[Buried] = []
    waiting: list[Buried] = []
    for entry in trash.buried(repository):
        if not trash.is_swept(repository, entry):
            why = _not_yet(repository, entry, alive, now)
            (waiting if why else ready).append(entry)
            done.fates.append(Fate(entry.run, entry.sequence, "wait" if why else "sweep", (why,) if why else ()))
    removed = {decision.backup.id for decision in keeping.decisions if not decision.kept}
    remove = [record.link.name for record in history.live if record.run in removed]
    done.fates += [
        Fate(d.backup.id, d.backup.sequence, "keep" if d.kept else "remove", d.reasons) for d in keeping.decisions
    ]
    done.fates.sort(key=lambda fate: (-fate.sequence, fate.id))
    return _Plan(history, keeping, remove, ready, waiting, alive, now)


def _strangers(
    repository: Repository, history: History, recording: Recording, known: Collection[chain.Head]
) -> list[str]:
    """What this database's own catalogue has not seen may be another's, or newer than the database itself."""
    if recording.problem:
        return [f"{recording.problem} Without it nobody knows whether somebody else writes to this repository."]
    unknown = [
        record
        for record in history.live
        if record.link.head not in known
        and not catalog.recognise(recording, repository.read_manifest(record.link.name))
    ]
    if not unknown:
        return []
    more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
    return [
        f"Backup {unknown[-1].run} (number {unknown[-1].link.sequence}){more} is not in the catalogue: another process writes "
        "to this repository, or this database was rewound. sync_backups takes it in, if it is yours."
    ]


def _not_yet(repository: Repository, entry: Buried, alive: list[Beat], now: datetime) -> str:
    """Return why what is in the trash is not swept yet, or nothing."""
    pruned = repository.objects.modified(entry.name)
    until = pruned + get_settings().GRACE
    if until > now:
        return f"pruned {pruned:%Y-%m-%d %H:%M}, brought back by --undelete until {until:%Y-%m-%d %H:%M} UTC"
    older = [beat for beat in alive if datetime.fromisoformat(beat.started) < pruned + SKEW]
    return f"{older[0].sentence()} began before it was pruned" if older else ""


def _measure(repository: Repository, names: Names, plan: _Plan, done: Pruned) -> None:
    """Read again all that anything names: every manifest and page must be whole before anything is deleted.

    The last to be swept of those that name an object is its rank: the sweep of that one deletes it.
    """
    after = [*plan.ready, *plan.waiting]
    try:
        gone = set(plan.remove)
        for record in plan.history.live:
            if record.link.name not in gone:
                names.add(repository.read_manifest(record.link.name).manifest, KEPT)
        for number, name in reversed(list(enumerate(plan.remove, len(after)))):
            names.add(repository.read_manifest(name).manifest, number)
        for number, entry in reversed(list(enumerate(after))):
            names.add(trash.read(repository, entry).manifest, number, swept=entry.sweeping)
    except RepositoryError as error:
        done.stops.append(f"{error}")
        return
    done.waiting = names.total(len(plan.ready), KEPT)
    # What a sweep really deletes is counted by it.
    done.freed = names.total(0, len(plan.ready))


def _remove(repository: Repository, recording: Recording, plan: _Plan, pulse: Pulse) -> None:
    """Move to the trash what the policy does not keep, and clear away what nobody needs to know any more."""
    trash.tidy(repository)
    catalog.mark_pruned(recording, repository, {entry.run for entry in trash.buried(repository)})
    for name in plan.remove:
        pulse.check()
        # The catalogue first: it may lack a backup for a moment, and never shows one that cannot be restored.
        catalog.mark_pruned(recording, repository, {name.partition("-")[2]})
        trash.bury(repository, name)
    links = [record.link for record in plan.history.live]
    newest = [link for link in links if link.sequence == max(link.sequence for link in links)]
    there = {record.link.name: record.link for record in plan.history.trashed}
    for entry in trash.buried(repository):
        link = there.get(entry.manifest)
        told = link and newest and all(chain.tells_of(one.gaps, link) for one in newest)
        if told and trash.is_swept(repository, entry):
            pulse.check()
            trash.forget(repository, entry)


def _sweep(repository: Repository, names: Names, plan: _Plan, pulse: Pulse, done: Pruned) -> None:
    """Delete what nobody names any more: what those that are ready alone named, then what was never named."""
    for entry in plan.ready:
        trash.mark_sweeping(repository, entry)
    # Whatever was committed since everything was read is read now, after the marks: later ones see these.
    known = {record.link.name for record in plan.history.live}
    late = [listed for listed in repository.listing() if listed.name not in known]
    sweeper = Sweeper(repository, names, pulse.check)
    if plan.ready and not late:
        for rank, entry in enumerate(plan.ready):
            sweeper.sweep(rank, entry.run)
            trash.mark_swept(repository, entry)
    elif late:
        done.notes.append(
            f"Backup {late[0].run} was taken meanwhile; what was ready to be deleted is left to the next prune."
        )
    writers = [beat for beat in plan.alive if beat.verb not in READERS]
    if writers or late:
        done.notes += [
            f"What no backup names was not looked for: {beat.sentence()} is at work." for beat in writers[:1]
        ]
    else:
        _clear(repository, sweeper, plan, done.run)
    repository.objects.settle()
    done.freed = sweeper.freed


def _clear(repository: Repository, sweeper: Sweeper, plan: _Plan, run: str) -> None:
    """Delete what no manifest names: of dead runs, past grace. Keys go last, once nothing is left under them."""
    before = plan.now - get_settings().GRACE
    # What a dead backup had stored is taken up by the next one, for as long as its last beat is within grace.
    taken_up = {beat.run for beat in beats(repository) if datetime.fromisoformat(beat.beat) > before - SKEW}
    alive = {beat.run for beat in plan.alive} | taken_up | {run}
    left = sweeper.strays(alive, before)
    needed = {record.run for record in (*plan.history.live, *plan.history.trashed)} - {e.run for e in plan.ready}
    sweeper.keys(left | needed | alive, before)
