"""The verb *back up*: lock, beat, archive, commit, record."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from backups import archiver, chain
from backups.chain import Gap, Head
from backups.chunks import Limits
from backups.conf import STORAGE_ALIAS, get_settings
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import (
    BackupsError,
    HeartbeatLost,
    LockHeld,
    ObjectDamaged,
    ObjectMissing,
    SourceCorrupt,
    SourceError,
    WrongRepository,
    WrongSigningKey,
)
from backups.facts import Origin
from backups.manifest import Manifest, Stored
from backups.models import Backup
from backups.progress import Progress, silent
from backups.repository import Committed, Listed, Repository, trash
from backups.repository.age import configured_recipients
from backups.repository.checkpoints import Checkpoints
from backups.repository.history import read_history
from backups.repository.names import new_run
from backups.repository.places import using
from backups.repository.pulse import Pulse, beating
from backups.repository.runs import living
from backups.services import catalog
from backups.services.adopt import adopt
from backups.services.catalog import Asked, Recording
from backups.services.copy import copy_after_backup, newer_elsewhere
from backups.services.kept import drop_when_over
from backups.services.leftovers import sweep

_LISTINGS = 5  # how often backups may go while they are looked at
_LOST = (
    "There is nothing to back up. To bring the database back: manage.py restore_db --replace. verify_backup proves the "
    "newest backup without it."
)


@dataclass(frozen=True, slots=True)
class BackedUp:
    """A committed backup. ``problems`` are sentences on what was found wrong meanwhile; the backup itself is good."""

    committed: Committed
    place: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class _Chain:
    """What a new backup follows: its parents, its number, and what is wrong with the end of the chain."""

    parents: list[Committed] = field(default_factory=list)
    sequence: int = 1
    gaps: tuple[Gap, ...] = ()
    problems: list[str] = field(default_factory=list)


# Into the first storage, whatever storage is read from: a copy gets its backups from there alone.
@using(STORAGE_ALIAS)
def create_backup(
    database: str,
    *,
    full: bool = False,
    adopt: bool = False,
    asked: Asked | None = None,
    progress: Progress = silent,
    limits: Limits | None = None,
    run: str = "",
) -> BackedUp:
    """Take one backup of a database and commit it.

    What a killed backup had stored is not stored again. Raises ConfigurationError, LockHeld, SourceError, RepositoryError,
    WrongRepository, HeartbeatLost; nothing is committed then. What is
    found wrong with earlier backups does not stop this one: it is in ``problems``.
    """
    asked, run = asked or Asked(), run or new_run()
    recipients = configured_recipients()
    engine = engine_for(database)
    _refuse_missing(engine)
    repository = Repository.open(database, create=True)
    recording = catalog.open_catalogue()
    with _locked(engine, repository, run), beating(repository, run, "backup", database, asked.by) as pulse:
        catalog.begin_backup(recording, run, database, asked)
        swept = sweep(engine, repository)
        try:
            repository.begin(run, recipients)
            journal = _Journal(pulse, Checkpoints.of_dead(repository, get_settings().GRACE))
            request = _request(database, run, full, adopt, asked, limits)
            done = _take(engine, repository, recording, request, progress, journal, swept)
        except BaseException as error:
            if isinstance(error, SourceCorrupt):
                # Rows of a damaged file are nothing to go on from.
                with suppress(BackupsError):
                    pulse.withdraw()
            catalog.fail(recording, Backup, run, error)
            raise
    dropped = drop_when_over(database, datetime.now(UTC))
    # Nobody waits for the copies: the lock is free, and the backup is there whatever becomes of them.
    copied = copy_after_backup(database, asked, progress)
    problems = [problem for copy in copied for problem in copy.problems]
    return replace(done, problems=(*done.problems, *problems), notes=(*done.notes, *dropped))


def _refuse_missing(engine: Engine) -> None:
    """Asked first: where the database is not there, no repository is begun for it."""
    try:
        engine.origin()
    except SourceError as error:
        with suppress(BackupsError):
            error.hint = error.hint if engine.exists() else _LOST
        raise


@dataclass(frozen=True, slots=True)
class _Journal:
    """Tells the run's pulse what is stored, and knows what dead backups had stored."""

    pulse: Pulse
    dead: Checkpoints

    def adopt(self, kind: str, ident: str) -> Stored | None:
        """Return an object of that id which a dead backup had stored."""
        return self.dead.adopt(kind, ident)

    def check(self) -> None:
        """Raise HeartbeatLost where this run may have been taken for dead."""
        self.pulse.check()

    def stored(self, kind: str, stored: Stored) -> None:
        """Hear that an object was stored. Raises HeartbeatLost."""
        self.pulse.stored(kind, stored)

    def notes(self) -> list[str]:
        """Say what was adopted."""
        if not self.dead.adopted:
            return []
        runs = ", ".join(self.dead.runs)
        return [
            f"{self.dead.adopted} objects ({self.dead.adopted_bytes / 1e6:.1f} MB) that {runs} had stored before it was "
            "killed or failed were not stored again."
        ]


def _request(database: str, run: str, full: bool, adopt: bool, asked: Asked, limits: Limits | None) -> archiver.Request:
    settings = get_settings()
    return archiver.Request(
        run,
        database,
        settings.EXCLUDE,
        settings.EXCLUDE_DATA,
        settings.SEAL_KEYS,
        full,
        settings.FULL_EVERY,
        adopt,
        asked.by,
        asked.via,
        limits or Limits(),
    )


def _take(
    engine: Engine,
    repository: Repository,
    recording: Recording,
    request: archiver.Request,
    progress: Progress,
    journal: _Journal,
    swept: list[str],
) -> BackedUp:
    follows = _follow(repository, recording, request)
    if follows.parents and not request.adopt:
        _same_origin(max(follows.parents, key=lambda parent: parent.manifest.sequence).manifest.origin, engine.origin())
    manifest = archiver.archive(
        engine, repository, request, follows.parents, follows.sequence, progress, journal, follows.gaps
    )
    committed = _commit(repository, manifest, follows.parents, journal.pulse)
    journal.dead.forget()
    catalog.finish_backup(recording, committed)
    notes = (
        *swept,
        *(warning for warning in manifest.warnings if warning not in manifest.suspicious),
        *journal.notes(),
        *repository.healings(),
        *([recording.problem] if recording.problem else []),
    )
    problems = (*follows.problems, *manifest.alarms, *_suspicious(manifest))
    return BackedUp(committed, repository.objects.place(), problems, notes)


def _suspicious(manifest: Manifest) -> list[str]:
    if not manifest.suspicious:
        return []
    return [
        *manifest.suspicious,
        f"The backup was taken, and is suspicious. Nothing is pruned until somebody says that this was meant to be: "
        f"prune_backups --confirm {manifest.run}",
    ]


def _commit(repository: Repository, manifest: Manifest, parents: list[Committed], pulse: Pulse) -> Committed:
    """Commit, unless others may have taken this run for dead; one that finds so only afterwards withdraws."""
    _still_counts(repository, parents, pulse)
    committed = repository.commit(manifest)
    try:
        _still_counts(repository, parents, pulse)
    except HeartbeatLost:
        repository.objects.delete(manifest.name)
        raise
    return committed


def _still_counts(repository: Repository, parents: list[Committed], pulse: Pulse) -> None:
    """Raise HeartbeatLost unless this run is alive to others, and what it names of its parents is still kept."""
    pulse.confirm()
    for parent in parents:
        if not repository.keeps(parent.manifest.name):
            raise HeartbeatLost(f"The backup {parent.manifest.run}, which this one follows, was removed meanwhile.")


@contextmanager
def _locked(engine: Engine, repository: Repository, run: str) -> Iterator[None]:
    """Hold the engine's lock; where another does, the sentence says who that is as far as the repository knows."""
    with ExitStack() as stack:
        try:
            stack.enter_context(engine.lock(run))
        except LockHeld as held:
            others = "; ".join(beat.sentence() for beat in living(repository) if beat.verb == "backup")
            raise LockHeld(f"{held}{f' At work: {others}.' if others else ''}", hint=held.hint) from None
        yield


def _follow(repository: Repository, recording: Recording, request: archiver.Request) -> _Chain:
    """Find what the new manifest follows, and what is wrong with the end of the chain."""
    found, listing = _heads(repository)
    known = catalog.known_heads(recording, repository)
    if not request.adopt and any(parent.fallback and parent.head not in known for parent in found.parents):
        _leave_out_strangers(repository, listing, known, found)
    heads = chain.heads_of([parent.link() for parent in found.parents])
    found.parents = [parent for parent in found.parents if parent.head in heads]
    numbers = (
        [listed.sequence for listed in listing] + [head.sequence for head in known] + list(repository.tombstones())
    )
    found.gaps = _gaps(repository, found.parents)
    if request.adopt:
        found.gaps = chain.merged([*found.gaps, *adopt(repository, recording, known)])
    newest = max([0, *numbers, *(gap.last for gap in found.gaps)])
    greatest, problems = newer_elsewhere(repository, newest)
    found.sequence = max(newest, greatest) + 1
    found.problems += problems
    # Asked of each: a backup that was committed by a process that was killed is in the catalogue from here on.
    unknown = [p for p in found.parents if p.head not in known and not catalog.recognise(recording, p)]
    if not request.adopt:
        elsewhere = 0 if listing or known else catalog.elsewhere(recording, repository, request.database)
        if elsewhere:
            found.problems.append(
                f"There is no backup in {repository.objects.place()}, and the catalogue knows {elsewhere} in another repository: "
                "the storage was emptied or moved, or is not mounted."
            )
        found.problems += _strangers(unknown, known, listing)
    return found


def _gaps(repository: Repository, parents: list[Committed]) -> tuple[Gap, ...]:
    """Return what the parents say was pruned, and what was swept since: from here on manifests carry it."""
    gaps = {gap for parent in parents for gap in parent.manifest.gaps}
    for entry in trash.buried(repository):
        # A tombstone that cannot be read stays where it is, and is told by verifications.
        with suppress(ObjectDamaged, ObjectMissing):
            if trash.is_swept(repository, entry):
                link = trash.read(repository, entry).link()
                gaps.update(() if chain.tells_of(gaps, link) else link.as_gaps())
    return chain.merged(gaps)


def _last(listing: list[Listed]) -> list[Listed]:
    """Return the newest manifests: one as a rule; from the first number that two writers took, all of them."""
    numbers = [listed.sequence for listed in listing]
    twice = [number for number in numbers if numbers.count(number) > 1] if len(set(numbers)) < len(numbers) else []
    first = min(twice[-2:], default=numbers[-1] if numbers else 0)
    return [listed for listed in listing if listed.sequence >= first]


def _heads(repository: Repository) -> tuple[_Chain, list[Listed]]:
    """Read the newest manifests, and return the listing that named them.

    One that is gone when it is read may have been pruned since it was listed: then what there is now is listed again.
    """
    for _ in range(_LISTINGS):
        found, listing = _Chain(), repository.listing()
        if not _read_heads(repository, listing, found) or repository.listing() == listing:
            break
    return found, listing


def _read_heads(repository: Repository, listing: list[Listed], found: _Chain) -> bool:
    """Read the newest manifests of a listing, and say whether one of them is not there.

    Damaged ones never stop a backup: then the newest that can be read is followed. Raises WrongSigningKey where our keys
    open none at all: it is the settings that are wrong then, not the storage.
    """
    last = _last(listing)
    unread: list[ObjectDamaged | ObjectMissing] = []
    for listed in (*last, *reversed(listing[: len(listing) - len(last)])):
        if found.parents and listed not in last:
            break
        try:
            found.parents.append(repository.read_manifest(listed.name))
        except (ObjectDamaged, ObjectMissing) as error:
            unread.append(error)
    for trouble in unread:
        if isinstance(trouble, WrongSigningKey) and not found.parents:
            raise trouble
        found.problems.append(
            f"{trouble} The newest backup that can be read is followed; verify_backup tells what is lost."
        )
    return any(isinstance(trouble, ObjectMissing) for trouble in unread)


def _leave_out_strangers(repository: Repository, listing: list[Listed], known: tuple[Head, ...], found: _Chain) -> None:
    """Follow nothing that an earlier key signed and nothing leads to: today's key would vouch for it."""
    strangers = {link.name for link in chain.unvouched(read_history(repository).links(), known)}
    if strangers:
        found.parents, found.problems = [], []
        _read_heads(repository, [listed for listed in listing if listed.name not in strangers], found)
        found.problems += [
            f"{name} was signed with an earlier key, and no backup under today's key leads to it: it is not followed. If it is "
            "yours, run sync_backups or backup_db --adopt."
            for name in sorted(strangers)
        ]


def _strangers(unknown: list[Committed], known: tuple[Head, ...], listing: list[Listed]) -> list[str]:
    newest = listing[-1].sequence if listing else 0
    seen = max((head.sequence for head in known), default=0)
    if seen > newest:
        return [
            f"The catalogue has seen backup number {seen}, and the newest in storage is {newest}: backups were removed, "
            "or the storage was rolled back."
        ]
    if known and unknown:
        return [
            "The newest backup in storage is not in the catalogue: another process writes to this repository, or this "
            "database was rewound. Run sync_backups, or backup_db --adopt."
        ]
    return []


def _same_origin(recorded: Origin, found: Origin) -> None:
    if (recorded.vendor, recorded.database, recorded.identity) != (found.vendor, found.database, found.identity):
        raise WrongRepository(
            f"This repository holds backups of {_named(recorded)}, and the database is now {_named(found)}.",
            hint="If it is meant to be the same one (moved, upgraded, restored), run backup_db --adopt once.",
        )


def _named(origin: Origin) -> str:
    identity = f" ({origin.identity})" if origin.identity else ""
    return f"{origin.vendor} database {origin.database}{identity} at {origin.place or 'an unknown place'}"
