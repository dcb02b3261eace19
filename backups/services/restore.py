"""The verb *restore*: a backup into a fresh database, proven before it is called done, recorded in both places."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import Error as DatabaseError

from backups import restorer, scratch
from backups.contents import Contents
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import LockHeld, RepositoryError, RestoreError, UnknownBackup
from backups.models import Restore
from backups.progress import Progress, silent
from backups.repository import Committed, Repository
from backups.repository.events import RESTORED, VERIFIED, Event, record
from backups.repository.names import new_run
from backups.repository.runs import beating, beats
from backups.services import catalog
from backups.services.catalog import Asked
from backups.services.leftovers import sweep
from backups.services.listing import find
from backups.services.rebuild import rebuild
from backups.services.records import result_data
from backups.verification import Finding, Level, Result, Status, prove_database

PROOF_FAILED = "The restored copy is not what the backup recorded, so it was dropped"


@dataclass(frozen=True, slots=True)
class RestoredCopy:
    """A fresh database, and its proof. ``age`` is the backup's, in seconds, when the restore began."""

    run: str
    committed: Committed
    target: Engine
    rows: int
    tables: int
    seconds: float
    age: float
    result: Result
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Restore:
    """One restore that is ready to begin: nothing has been made yet."""

    run: str
    repository: Repository
    committed: Committed
    plan: restorer.Plan
    asked: Asked

    @property
    def contents(self) -> Contents:
        return Contents(self.repository, self.committed.manifest)


def plan_restore(database: str, backup: str, to: str, *, expect: int | None = None) -> restorer.Plan:
    """Return what a restore would do, or raise what would stop it; makes nothing."""
    return _prepare(database, backup, to, expect, Asked(), new_run()).plan


def restore_backup(
    database: str,
    backup: str = "latest",
    *,
    to: str,
    expect: int | None = None,
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> RestoredCopy:
    """Restore a backup into the fresh database ``to`` and prove it; on any failure that database is dropped.

    ``expect`` is the number that the newest backup must have at least: storage alone cannot show that newer ones were
    removed. Raises UnknownBackup, TargetError, RestoreError, RepositoryError.
    """
    asked, run = asked or Asked(), run or new_run()
    ready = _prepare(database, backup, to, expect, asked, run)
    swept = sweep(ready.plan.source, ready.repository)
    recording = catalog.open_catalogue()
    catalog.begin_restore(recording, run, ready.committed, ready.plan.target.name, asked)
    try:
        with beating(ready.repository, run, "restore", database, asked.by, ready.plan.target.name) as silence:
            copy = _restore(ready, progress)
    except BaseException as error:
        catalog.fail(recording, Restore, run, error)
        raise
    return _recorded(ready, copy, recording, swept + silence)


def _prepare(database: str, backup: str, to: str, expect: int | None, asked: Asked, run: str) -> _Restore:
    engine, repository = engine_for(database), Repository.open(database)
    listed = find(repository, backup)
    newest = repository.listing()[-1]
    if expect is not None and newest.sequence < expect:
        raise UnknownBackup(
            f"The newest backup in storage is number {newest.sequence}, and number {expect} was expected.",
            hint="Newer backups were removed, or this is not the storage that was meant.",
        )
    committed = repository.read_manifest(listed.name)
    plan = restorer.plan(engine, committed.manifest, to, run)
    if plan.leftover:
        _refuse_unfinished_by_others(repository, plan.target)
    return _Restore(run, repository, committed, plan, asked)


def _refuse_unfinished_by_others(repository: Repository, target: Engine) -> None:
    """What looks like a killed restore's may be that of one which has only just begun, or is held up."""
    for beat in beats(repository):
        if beat.target == target.name and not beat.dead(datetime.now(UTC)):
            raise LockHeld(f"{target.describe()} is being made by another run: {beat.sentence()}.")


def _restore(ready: _Restore, progress: Progress) -> RestoredCopy:
    began = time.monotonic()
    source, target, work = ready.plan.source, ready.plan.target, ready.plan.work
    restored = restorer.restore(ready.contents, ready.plan, progress)
    with restorer.dropped_on_failure(work):
        findings = prove_database(ready.contents, work, source.alias, progress)
        _refuse(findings)
        restorer.take_name(ready.plan)
    seconds = round(time.monotonic() - began, 3)
    result = Result(
        ready.committed.manifest.run, Level.RESTORE, tuple(findings), seconds, restored.seconds, target.name
    )
    age = (datetime.now(UTC) - ready.committed.manifest.created).total_seconds()
    return RestoredCopy(
        ready.run, ready.committed, target, restored.rows, restored.tables, restored.seconds, age, result
    )


def _refuse(findings: list[Finding]) -> None:
    wrong = [finding for finding in findings if finding.status in (Status.FAILED, Status.ERROR)]
    if wrong:
        first = wrong[0]
        where = f" of {first.table}" if first.table else ""
        raise RestoreError(
            f"{PROOF_FAILED}: {first.name}{where}: expected {first.expected or 'to run'}, found {first.actual or 'an error'}. "
            f"{first.detail}".rstrip()
            + (f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""),
            table=first.table,
            hint="Nothing was changed. verify_backup lists every difference; an earlier backup may be whole.",
        )


def _recorded(ready: _Restore, copy: RestoredCopy, recording: catalog.Recording, notes: list[str]) -> RestoredCopy:
    """Record the restore in the repository and the catalogue, then fill the copy's own catalogue from the repository."""
    proof = new_run()
    asked = {"requested_by": ready.asked.by, "requested_via": ready.asked.via}
    verified: dict[str, Any] = {**result_data(copy.result), **asked}
    restored = {
        "target": copy.target.name,
        "seconds": copy.seconds,
        "rows": copy.rows,
        "tables": copy.tables,
        "verification": proof,
        **asked,
    }
    manifest, digest, now = ready.committed.manifest, ready.committed.digest, datetime.now(UTC)
    try:
        record(ready.repository, Event(VERIFIED, manifest.run, proof, digest, now, verified))
        record(ready.repository, Event(RESTORED, manifest.run, ready.run, digest, now, restored))
    except RepositoryError as error:
        notes.append(f"The proof could not be stored in the repository: {error}")
    catalog.begin_verification(
        recording, proof, ready.committed.manifest.run, ready.committed, Level.RESTORE, ready.asked
    )
    catalog.finish_verification(recording, proof, copy.result)
    catalog.finish_restore(recording, ready.run, restored)
    notes += [recording.problem] if recording.problem else []
    notes += _fill_catalogue(ready, copy)
    return RestoredCopy(
        copy.run, copy.committed, copy.target, copy.rows, copy.tables, copy.seconds, copy.age, copy.result, tuple(notes)
    )


def _fill_catalogue(ready: _Restore, copy: RestoredCopy) -> list[str]:
    """Our tables were restored empty: fill them, so that the restored project knows its backups."""
    labels = {entry.table.label for entry in ready.committed.manifest.tables}
    if "backups.backup" not in labels:
        return []
    try:
        with scratch.registered(copy.target, ready.plan.source.alias) as alias:
            return rebuild(alias, ready.repository, ready.plan.source.alias).problems
    except DatabaseError as error:
        return [f"The restored copy's own catalogue could not be filled: {error}. Run sync_backups there."]
