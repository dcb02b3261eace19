"""One verification: its three levels, each check timed; a backup that does not restore is a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from backups import restorer, scratch
from backups.chain import Head
from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import (
    BackupsError,
    CannotOpen,
    FormatUnknown,
    ObjectDamaged,
    ObjectMissing,
    RepositoryError,
    RestoreError,
    StorageUnavailable,
    TargetError,
    WrongSigningKey,
)
from backups.progress import Progress, Step, silent
from backups.repository import Committed, Repository
from backups.repository.events import event_names, read_event
from backups.repository.history import read_history
from backups.rows import MalformedLine
from backups.verification import builtin  # noqa: F401 (it registers its checks)
from backups.verification.content import NAME as CONTENT
from backups.verification.findings import Finding, Level, Result, Status, compared
from backups.verification.registry import Copy, restored_checks
from backups.verification.stored import StoredCheck

_ASKED_AHEAD = {"witness", "foreign_keys"}  # checks whose questions are told to the engine beforehand


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be proven. ``name`` is the manifest's, ``known`` the heads that the catalogue has seen.

    ``elsewhere`` are the numbers that other storages of a copy account for. ``engine`` is needed at level restore alone:
    its server gets the scratch database.
    """

    repository: Repository
    name: str
    run: str
    engine: Engine | None = None
    known: tuple[Head, ...] = ()
    elsewhere: frozenset[int] = frozenset()


def verify(subject: Subject, level: Level, run: str, progress: Progress = silent) -> Result:
    """Prove a backup up to a level. Problems are findings; only what keeps us from looking at all is raised."""
    began = time.monotonic()
    findings: list[Finding] = []
    committed = _signature(subject, findings)
    findings += _timed("chain", lambda: _chain(subject))
    if committed:
        findings += _timed("events", lambda: _events(subject, committed))
    rehearsed = _Rehearsed([])
    if committed and level in (Level.STORED, Level.RESTORE):
        contents = Contents(subject.repository, committed.manifest)
        if level == Level.RESTORE:
            contents.whole = set()
            rehearsed = _rehearse(subject, contents, run, progress)
        # What the restore has opened is not read once more.
        findings += _timed("stored", StoredCheck(contents, progress).findings)
    if level == Level.RESTORE and (committed is None or _has_damage(findings)):
        rehearsed = _Rehearsed(_skipped("the backup is damaged in storage"))
    findings += rehearsed.findings
    seconds = round(time.monotonic() - began, 3)
    return Result(subject.run, level, tuple(findings), seconds, rehearsed.seconds, rehearsed.target, rehearsed.left)


def prove(copy: Copy, progress: Progress = silent, names: Collection[str] | None = None) -> list[Finding]:
    """Run the checks of a restored copy and return all findings; one check that cannot run does not stop the others."""
    findings: list[Finding] = []
    for name, function in restored_checks().items():
        if names is None or name in names:
            progress(Step(f"check {name}"))
            findings += _timed(name, partial(function, copy))
    return findings


def prove_database(
    contents: Contents,
    target: Engine,
    source_alias: str,
    progress: Progress = silent,
    names: Collection[str] | None = None,
) -> list[Finding]:
    """Open a restored database by a fresh connection and run the checks of these names on it, or else every one."""
    with scratch.registered(target, source_alias) as alias, target.snapshot() as snapshot:
        found = {table.qualified: table for table in snapshot.tables()}
        copy = Copy(contents, target, snapshot, found, alias, source_alias)
        wanted = set(restored_checks()) if names is None else set(names)
        if wanted >= _ASKED_AHEAD:
            there = [entry.table for entry in contents.manifest.tables if entry.table.qualified in found]
            snapshot.expect_witnesses(there)
            snapshot.expect_orphans(there)
        if CONTENT not in wanted or not target.reads_apart or type(contents) is not Contents:
            # While the longest runs, an engine looks up what the others will ask.
            first = prove(copy, progress, wanted & {CONTENT})
            return [*prove(copy, progress, wanted - {CONTENT}), *first]
        return _prove_side_by_side(copy, progress, wanted)


def _prove_side_by_side(copy: Copy, progress: Progress, names: set[str]) -> list[Finding]:
    """Have rows read back and compared here, while the server answers what the other checks ask."""
    contents = Contents(copy.contents.repository, copy.contents.manifest)
    with copy.engine.snapshot() as apart, ThreadPoolExecutor(1, thread_name_prefix="lifeboat-content") as thread:
        progress(Step(f"check {CONTENT}"))
        beside = thread.submit(prove, replace(copy, contents=contents, snapshot=apart), names={CONTENT})
        return [*prove(copy, progress, names - {CONTENT}), *beside.result()]


def _signature(subject: Subject, findings: list[Finding]) -> Committed | None:
    began = time.monotonic()
    try:
        committed = subject.repository.read_manifest(subject.name)
    except (ObjectDamaged, ObjectMissing) as error:
        if isinstance(error, WrongSigningKey) and not _opens_any(subject.repository):
            raise  # It is we who have the wrong key, which says nothing of the backup.
        findings.append(Finding("signature", Status.FAILED, "", "a valid signature", "none", f"{error} {error.hint}"))
        return None
    finally:
        seconds = time.monotonic() - began
    said = f"manifest {committed.digest[:16]}"
    findings.append(Finding("signature", Status.PASSED, "", said, said).timed(seconds))
    return committed


def _opens_any(repository: Repository) -> bool:
    """Say whether our keys open any backup of the repository."""
    for listed in repository.listing():
        with suppress(ObjectDamaged, ObjectMissing, FormatUnknown):
            repository.read_manifest(listed.name)
            return True
    return False


def _chain(subject: Subject) -> Iterator[Finding]:
    history, whole = read_history(subject.repository), True
    for unread in history.unread:
        whole = False
        if unread.name != subject.name:
            detail = f"{unread.error} {unread.error.hint}"
            status = Status.ERROR if isinstance(unread.error, FormatUnknown) else Status.FAILED
            yield Finding("chain", status, "", "a valid manifest", "none", detail)
    for found in history.breaks(subject.known, subject.elsewhere):
        whole = False
        yield Finding("chain", Status.FAILED, "", "an unbroken chain", "a break", found.sentence)
    if whole:
        newest = max((record.link.sequence for record in history.live), default=0)
        pruned = f", {len(history.trashed)} in the trash" if history.trashed else ""
        said = f"{len(history.live)} backups{pruned}, newest number {newest}"
        yield Finding("chain", Status.PASSED, "", said, said)


def _events(subject: Subject, committed: Committed) -> Iterator[Finding]:
    """Open every record of what happened to the backup. One that is damaged proves nothing; the backup itself may be whole."""
    broken = 0
    names = event_names(subject.repository, subject.run)
    for name in names:
        try:
            read_event(subject.repository, name, committed.digest)
        except (ObjectDamaged, ObjectMissing) as error:
            broken += 1
            detail = f"{error} It is a record of the backup, not a part of it: once you know why, delete that object."
            yield Finding("events", Status.FAILED, "", "a valid record", "none", detail)
    if not broken:
        yield Finding("events", Status.PASSED, "", f"{len(names)} records", f"{len(names)} records")


@dataclass(frozen=True, slots=True)
class _Rehearsed:
    """What a restore into a scratch database found; the seconds that it took, and the name that the database had.

    ``left`` is a sentence where the database could not be dropped.
    """

    findings: list[Finding]
    seconds: float | None = None
    target: str = ""
    left: str = ""


def _rehearse(subject: Subject, contents: Contents, run: str, progress: Progress) -> _Rehearsed:
    """Restore into a scratch database, run the checks, drop it."""
    engine = subject.engine
    if engine is None:
        return _not_restored("There is no database server to restore to.")
    try:
        plan = restorer.plan(engine, contents.manifest, engine.scratch_name(run))
    except TargetError as error:
        return _not_restored(f"{error} {error.hint}")
    try:
        restored = restorer.restore(contents, plan, progress)
    except (TargetError, StorageUnavailable, CannotOpen) as error:
        return _not_restored(f"{error} {error.hint}".strip(), plan.target.name)
    except (RestoreError, RepositoryError, MalformedLine) as error:
        detail = f"{error} {error.hint}".strip()
        table = getattr(error, "table", "")
        found = Finding("restore", Status.FAILED, table, "restored", "not restored", detail)
        return _Rehearsed([found], target=plan.target.name)
    # Only what the restore has made is dropped: one that failed has dropped it, or found another's in its place.
    with restorer.dropped_on_failure(plan.target):
        expected, actual = f"{contents.manifest.totals.rows} rows", f"{restored.rows} rows"
        findings = [
            compared("restore", expected, actual).timed(restored.seconds),
            *_proven(contents, plan.target, engine.alias, progress),
        ]
    return _Rehearsed(findings, restored.seconds, plan.target.name, _left(plan.target))


def _left(target: Engine) -> str:
    """Drop a scratch database; say why where it stays, which takes nothing from what was found in it."""
    try:
        target.drop()
    except BackupsError as error:
        return f"The scratch {target.describe()} could not be dropped: {error} {error.hint}".strip()
    return ""


def _not_restored(detail: str, target: str = "") -> _Rehearsed:
    return _Rehearsed([Finding("restore", Status.ERROR, detail=detail)], target=target)


def _proven(contents: Contents, target: Engine, source_alias: str, progress: Progress) -> list[Finding]:
    try:
        return prove_database(contents, target, source_alias, progress)
    except BackupsError as error:
        return [
            Finding("restore", Status.ERROR, detail=f"The restored copy cannot be read: {error} {error.hint}".strip())
        ]


def _timed(name: str, function: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Run a check; seconds are shared among its findings as they come. What keeps it from running is an error."""
    found: list[Finding] = []
    began = time.monotonic()
    try:
        for finding in function():
            now = time.monotonic()
            found.append(finding if finding.seconds else finding.timed(now - began))
            began = now
    except MalformedLine as error:
        found.append(Finding(name, Status.FAILED, detail=str(error)))
    except BackupsError as error:
        found.append(Finding(name, Status.ERROR, detail=f"{error} {error.hint}".strip()))
    return found


def _has_damage(findings: Iterable[Finding]) -> bool:
    return any(finding.name in ("signature", "stored") and finding.status == Status.FAILED for finding in findings)


def _skipped(why: str) -> list[Finding]:
    names = ("restore", *restored_checks())
    return [Finding(name, Status.SKIPPED, detail=f"Not run: {why}.") for name in names]
