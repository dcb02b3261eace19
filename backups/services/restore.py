"""The verb *restore*: a backup into a fresh database, proven before it is called done, recorded in both places."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.db import Error as DatabaseError

from backups import migrating, migrations_state, recast, restorer, scratch
from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import (
    RepositoryError,
    RestoreError,
    UnknownBackup,
)
from backups.models import Restore
from backups.partial import Partial
from backups.progress import Progress, silent
from backups.repository import Committed, Repository
from backups.repository.events import RESTORED, VERIFIED, Event, record
from backups.repository.names import new_run
from backups.repository.pulse import beating
from backups.services import catalog
from backups.services.catalog import Asked
from backups.services.copy import newer_elsewhere
from backups.services.leftovers import sweep
from backups.services.planning import Choices, RestorePlan, last_time
from backups.services.preparing import Ready, prepare
from backups.services.rebuild import rebuild
from backups.services.records import kept_result
from backups.verification import Finding, Level, Result, Status, prove_database
from backups.verification.builtin import INVARIANTS
from backups.verification.registry import restored_checks

PROOF_FAILED = "The restored copy is not what the backup recorded, so it was dropped"


@dataclass(frozen=True, slots=True)
class RestoredCopy:
    """A fresh database, and its proof. ``age`` is the backup's, in seconds, when the restore began.

    ``migrated`` is what was applied after the proof; None where the copy is at the recorded migrations. ``only`` names the
    tables whose rows were asked for; none where all were.
    ``proof`` is the id of the recorded verification, empty where this was none of the backup itself.
    """

    run: str
    committed: Committed
    target: Engine
    rows: int
    tables: int
    seconds: float
    age: float
    result: Result
    migrated: migrating.Migrated | None = None
    notes: tuple[str, ...] = ()
    proof: str = ""
    only: tuple[str, ...] = ()


def plan_restore(
    database: str,
    backup: str,
    to: str = "",
    *,
    to_database: str = "",
    expect: int | None = None,
    rebuild: bool = False,
    migrate: bool = False,
    tables: Collection[str] = (),
    unvouched: bool = False,
    into: Engine | None = None,
) -> RestorePlan:
    """Return what a restore would do, or raise what would stop it; makes nothing. The arguments are ``restore_backup``'s."""
    choices = Choices(to, to_database, rebuild, migrate, tuple(tables), expect, unvouched)
    ready = prepare(database, backup, choices, Asked(), new_run(), into)
    ahead = migrations_state.ahead(ready.contents.applied())
    last = last_time(catalog.open_catalogue(), ready.repository, database)
    left_out = ready.contents.sentences() if isinstance(ready.contents, Partial) else []
    return RestorePlan(ready.plan, ahead, migrate, last, tuple(left_out))


def restore_backup(
    database: str,
    backup: str = "latest",
    *,
    to: str = "",
    to_database: str = "",
    expect: int | None = None,
    rebuild: bool = False,
    migrate: bool = False,
    tables: Collection[str] = (),
    unvouched: bool = False,
    into: Engine | None = None,
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> RestoredCopy:
    """Restore a backup into the fresh database ``to`` and prove it; on any failure that database is dropped.

    ``to_database`` is the alias whose server it is made on, and without ``to`` the very database that is made.
    ``expect`` is the number that the newest backup must have at least: storage alone cannot show that newer ones were
    removed. ``rebuild`` has the schema built by migrations, so that the engine may be another. ``migrate`` goes on from
    the recorded migrations to today's code once the copy is proven. ``tables`` (labels or names) are those whose rows are
    restored, into the definition of everything; all where none is named. ``unvouched`` takes a backup that only an
    earlier signing key speaks for. ``into`` is what is made where that is no database of its own (``Engine.fresh``).
    Raises UnknownBackup, TargetError, RestoreError, RepositoryError.
    """
    asked, run = asked or Asked(), run or new_run()
    choices = Choices(to, to_database, rebuild, migrate, tuple(tables), expect, unvouched)
    ready = prepare(database, backup, choices, asked, run, into)
    swept = sweep(ready.plan.source, ready.repository)
    recording = catalog.open_catalogue()
    catalog.begin_restore(recording, run, ready.committed, ready.plan.target.name, asked)
    try:
        with beating(
            ready.repository, run, "restore", database, asked.by, ready.plan.target.name, choices.server
        ) as pulse:
            _refuse_removed(ready)
            copy = _restore(ready, progress)
    except BaseException as error:
        catalog.fail(recording, Restore, run, error)
        raise
    return _recorded(
        ready, copy, recording, swept + pulse.notes + ready.repository.healings() + _newer(ready.repository)
    )


def _newer(repository: Repository) -> list[str]:
    """Say where newer backups lie than here; from a copy, which may lag, as well."""
    newest = max((listed.sequence for listed in repository.listing()), default=0)
    return newer_elsewhere(repository, newest)[1]


def _refuse_removed(ready: Ready) -> None:
    """From our beat on nobody sweeps what this backup needs; before it, somebody may have."""
    if not ready.repository.objects.exists(ready.committed.manifest.name):
        raise UnknownBackup(f"Backup {ready.committed.manifest.run} was removed in this moment. Nothing was made.")


def _restore(ready: Ready, progress: Progress) -> RestoredCopy:
    began = time.monotonic()
    source, target, work = ready.plan.source, ready.plan.target, ready.plan.work
    contents, notes = _contents(ready, progress)
    notes += ready.contents.sentences() if isinstance(ready.contents, Partial) else []
    restored = restorer.restore(contents, ready.plan, progress)
    with restorer.dropped_on_failure(work):
        findings, migrated = _prove(contents, work, source.alias, ready.choices.migrate, progress)
        restorer.take_name(ready.plan)
    seconds = round(time.monotonic() - began, 3)
    result = Result(
        ready.committed.manifest.run, Level.RESTORE, tuple(findings), seconds, restored.seconds, target.name
    )
    age = (datetime.now(UTC) - ready.committed.manifest.created).total_seconds()
    return RestoredCopy(
        ready.run,
        ready.committed,
        target,
        restored.rows,
        restored.tables,
        restored.seconds,
        age,
        result,
        migrated,
        tuple(notes),
        only=ready.choices.tables,
    )


def _contents(ready: Ready, progress: Progress) -> tuple[Contents, list[str]]:
    """Return what is loaded: the archive as it is, or as the schema holds it that its migrations make."""
    if not ready.choices.rebuild:
        return ready.contents, []
    plan = ready.plan
    if plan.leftover:
        plan.target.drop()
    plan.work.create(plan.facts or ready.committed.manifest.engine)
    with scratch.dropped_at_end(plan.work):
        return recast.recast(ready.contents, plan.work, plan.source.alias, progress)


def _prove(
    contents: Contents, work: Engine, alias: str, migrate: bool, progress: Progress
) -> tuple[list[Finding], migrating.Migrated | None]:
    """Prove the copy, and migrate it where that was asked for; then the project's own checks, today's, come after that."""
    if not migrate:
        findings = prove_database(contents, work, alias, progress)
        _refuse(findings)
        return findings, None
    findings = prove_database(contents, work, alias, progress, [n for n in restored_checks() if n != INVARIANTS])
    _refuse(findings)
    migrated = migrating.migrate(work, alias, progress)
    own = prove_database(contents, work, alias, progress, [INVARIANTS])
    _refuse(own, "After its migrations the restored copy does not keep what the project asks of it, so it was dropped")
    return [*findings, *own], migrated


def _refuse(findings: list[Finding], title: str = PROOF_FAILED) -> None:
    wrong = [finding for finding in findings if finding.status in (Status.FAILED, Status.ERROR)]
    if wrong:
        first = wrong[0]
        where = f" of {first.table}" if first.table else ""
        raise RestoreError(
            f"{title}: {first.name}{where}: expected {first.expected or 'to run'}, found {first.actual or 'an error'}. "
            f"{first.detail}".rstrip()
            + (f" And {len(wrong) - 1} more." if len(wrong) > 1 else ""),
            table=first.table,
            hint="Nothing was changed. verify_backup lists every difference; an earlier backup may be whole.",
        )


def _recorded(ready: Ready, copy: RestoredCopy, recording: catalog.Recording, notes: list[str]) -> RestoredCopy:
    """Record the restore in the repository and the catalogue, then fill the copy's own catalogue from the repository."""
    notes = [*copy.notes, *notes]
    proof = new_run() if ready.is_proof else ""
    asked = ready.asked.said()
    kept = kept_result(ready.repository, ready.committed.manifest, proof or ready.run, copy.result)
    restored = {
        "target": copy.target.name,
        "seconds": copy.seconds,
        "rows": copy.rows,
        "tables": copy.tables,
        "verification": proof or None,
        **_migrated_data(copy.migrated),
        **({"schema": "migrations"} if ready.choices.rebuild else {}),
        **({"only": sorted(ready.choices.tables)} if ready.choices.tables else {}),
        **asked,
    }
    manifest, digest, now = ready.committed.manifest, ready.committed.digest, datetime.now(UTC)
    try:
        if proof:
            record(ready.repository, Event(VERIFIED, manifest.run, proof, digest, now, {**kept, **asked}))
        record(ready.repository, Event(RESTORED, manifest.run, ready.run, digest, now, restored))
    except RepositoryError as error:
        notes.append(f"The proof could not be stored in the repository: {error}")
    if proof:
        catalog.begin_verification(recording, proof, manifest.run, ready.committed, Level.RESTORE, ready.asked)
        catalog.finish_verification(recording, proof, copy.result)
    catalog.finish_restore(recording, ready.run, restored)
    notes += [recording.problem] if recording.problem else []
    notes += _fill_catalogue(ready, copy)
    return replace(copy, notes=tuple(notes), proof=proof)


def _migrated_data(migrated: migrating.Migrated | None) -> dict[str, Any]:
    if migrated is None:
        return {}
    return {"migrated": [f"{app}.{name}" for app, name in migrated.migrations], "migrate_seconds": migrated.seconds}


def _fill_catalogue(ready: Ready, copy: RestoredCopy) -> list[str]:
    """Our tables were restored empty: fill them, so that the restored project knows its backups."""
    labels = {entry.table.label for entry in ready.committed.manifest.tables}
    if "backups.backup" not in labels:
        return []
    try:
        with scratch.registered(copy.target, ready.plan.source.alias) as alias:
            return rebuild(alias, ready.repository, ready.plan.source.alias).problems
    except DatabaseError as error:
        return [f"The restored copy's own catalogue could not be filled: {error}. Run sync_backups there."]
