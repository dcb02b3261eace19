"""The verb *back up*: lock, beat, archive, commit, record."""

from __future__ import annotations

from dataclasses import dataclass, field

from backups import archiver, chain
from backups.chain import Head
from backups.chunks import Limits
from backups.conf import get_settings
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import (
    ConfigurationError,
    LockHeld,
    ObjectDamaged,
    ObjectMissing,
    WrongRepository,
    WrongSigningKey,
)
from backups.facts import Origin
from backups.models import Backup
from backups.progress import Progress, silent
from backups.repository import Committed, Listed, Repository
from backups.repository.names import new_run
from backups.repository.runs import beating, living
from backups.services import catalog
from backups.services.catalog import Asked, Recording
from backups.services.leftovers import sweep


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
    problems: list[str] = field(default_factory=list)


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

    Raises ConfigurationError, LockHeld, SourceError, RepositoryError, WrongRepository; nothing is committed then. What is
    found wrong with earlier backups does not stop this one: it is in ``problems``.
    """
    asked, run = asked or Asked(), run or new_run()
    _refuse_plaintext()
    engine = engine_for(database)
    # Asked first: where the database is not there, no repository is begun for it.
    engine.origin()
    repository = Repository.open(database, create=True)
    recording = catalog.open_catalogue()
    with _locked(engine, repository, run), beating(repository, run, "backup", database, asked.by):
        catalog.begin_backup(recording, run, database, asked)
        swept = sweep(engine, repository)
        try:
            request = _request(database, run, full, adopt, asked, limits)
            return _take(engine, repository, recording, request, progress, swept)
        except BaseException as error:
            catalog.fail(recording, Backup, run, error)
            raise


def _refuse_plaintext() -> None:
    """Where somebody asked for encryption, rows are never stored without it."""
    if get_settings().RECIPIENTS:
        raise ConfigurationError(
            "BACKUPS['RECIPIENTS'] asks for encrypted backups, and this version cannot encrypt. Nothing was stored.",
            hint="Take RECIPIENTS out of BACKUPS, and keep the backups in a storage that encrypts what it holds.",
        )


def _request(database: str, run: str, full: bool, adopt: bool, asked: Asked, limits: Limits | None) -> archiver.Request:
    settings = get_settings()
    return archiver.Request(
        run, database, settings.EXCLUDE, settings.EXCLUDE_DATA, full, adopt, asked.by, asked.via, limits or Limits()
    )


def _take(
    engine: Engine,
    repository: Repository,
    recording: Recording,
    request: archiver.Request,
    progress: Progress,
    swept: list[str],
) -> BackedUp:
    follows = _follow(repository, recording, request)
    if follows.parents and not request.adopt:
        _same_origin(max(follows.parents, key=lambda parent: parent.manifest.sequence).manifest.origin, engine.origin())
    manifest = archiver.archive(engine, repository, request, follows.parents, follows.sequence, progress)
    committed = repository.commit(manifest)
    catalog.finish_backup(recording, committed)
    notes = (*swept, *manifest.warnings, *([recording.problem] if recording.problem else []))
    return BackedUp(committed, repository.objects.place(), tuple(follows.problems), notes)


class _locked:  # noqa: N801
    """The engine's lock; where another holds it, the sentence says who that is as far as the repository knows."""

    def __init__(self, engine: Engine, repository: Repository, run: str) -> None:
        self._lock, self._repository = engine.lock(run), repository

    def __enter__(self) -> None:
        try:
            self._lock.__enter__()
        except LockHeld as held:
            others = "; ".join(beat.sentence() for beat in living(self._repository) if beat.verb == "backup")
            raise LockHeld(f"{held}{f' At work: {others}.' if others else ''}", hint=held.hint) from None

    def __exit__(self, *trouble: object) -> None:
        self._lock.__exit__(*trouble)  # type: ignore[arg-type]


def _follow(repository: Repository, recording: Recording, request: archiver.Request) -> _Chain:
    """Find what the new manifest follows, and what is wrong with the end of the chain."""
    found = _Chain()
    listing, known = repository.listing(), catalog.known_heads(recording, repository)
    _read_heads(repository, listing, found)
    heads = chain.heads_of([parent.link() for parent in found.parents])
    found.parents = [parent for parent in found.parents if parent.head in heads]
    numbers = (
        [listed.sequence for listed in listing] + [head.sequence for head in known] + list(repository.tombstones())
    )
    gaps = [gap.last for parent in found.parents for gap in parent.manifest.gaps]
    found.sequence = max([0, *numbers, *gaps]) + 1
    if not request.adopt:
        elsewhere = 0 if listing or known else catalog.elsewhere(recording, repository, request.database)
        if elsewhere:
            found.problems.append(
                f"There is no backup in {repository.objects.place()}, and the catalogue knows {elsewhere} in another repository: "
                "the storage was emptied or moved, or is not mounted."
            )
        found.problems += _strangers(found, recording, known, listing)
    return found


def _last(listing: list[Listed]) -> list[Listed]:
    """Return the newest manifests: one as a rule; from the first number that two writers took, all of them."""
    numbers = [listed.sequence for listed in listing]
    twice = [number for number in numbers if numbers.count(number) > 1] if len(set(numbers)) < len(numbers) else []
    first = min(twice[-2:], default=numbers[-1] if numbers else 0)
    return [listed for listed in listing if listed.sequence >= first]


def _read_heads(repository: Repository, listing: list[Listed], found: _Chain) -> None:
    """Read the newest manifests. Damaged ones never stop a backup: then the newest that can be read is followed.

    Raises WrongSigningKey where our keys open none at all: it is the settings that are wrong then, not the storage.
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


def _strangers(found: _Chain, recording: Recording, known: tuple[Head, ...], listing: list[Listed]) -> list[str]:
    newest = listing[-1].sequence if listing else 0
    seen = max((head.sequence for head in known), default=0)
    if seen > newest:
        return [
            f"The catalogue has seen backup number {seen}, and the newest in storage is {newest}: backups were removed, "
            "or the storage was rolled back."
        ]
    unknown = [parent for parent in found.parents if parent.head not in known]
    if known and not all(catalog.recognise(recording, parent) for parent in unknown):
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
