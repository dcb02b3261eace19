"""The verb *drill*: the whole lifecycle on a throw-away copy: restore, fail, notice, restore again, prove, record, drop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from backups import restorer, scratch
from backups.contents import Contents
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import BackupsError, ConfigurationError
from backups.progress import Progress, silent
from backups.repository import Repository
from backups.repository.names import new_run
from backups.repository.pulse import beating
from backups.services.catalog import Asked
from backups.services.failure import MODES
from backups.services.restore import RestoredCopy, restore_backup
from backups.verification import Result, Status, prove_database


@dataclass(frozen=True, slots=True)
class DrillStep:
    """One step of a drill: what was done, what came of it, and the seconds that it took."""

    name: str
    detail: str
    seconds: float


@dataclass(slots=True)
class Drill:
    """What a drill did on its throw-away copy.

    ``recovery_seconds`` is from when the failure was noticed to the recovered and proven copy. ``result`` is that proof, and
    ``proof`` the id that it is recorded under; ``notes`` say what could not be recorded.
    """

    backup: str
    failure: str
    result: Result
    proof: str = ""
    steps: list[DrillStep] = field(default_factory=list)
    recovery_seconds: float = 0.0
    notes: tuple[str, ...] = ()


def fail_and_recover(
    database: str,
    backup: str,
    *,
    failure: str = "drop-database",
    asked: Asked | None = None,
    progress: Progress = silent,
    run: str = "",
) -> Drill:
    """Restore a backup into a throw-away copy, break that copy, see the proof fail, and restore and prove it once more.

    The live database is only ever read; the copy is dropped. What was restored and what was proven is recorded as any
    restore is. Raises what a restore raises, and ConfigurationError for an unknown failure.
    """
    if failure not in MODES:
        raise ConfigurationError(f"There is no failure {failure!r}.", hint=f"Modes: {', '.join(MODES)}.")
    engine, repository = engine_for(database), Repository.open(database)
    committed = repository.read_manifest(repository.find(backup).name)
    repository.require_identity(committed.manifest)
    contents = Contents(repository, committed.manifest)
    run = run or new_run()
    steps: list[DrillStep] = []
    victim = restorer.plan(engine, committed.manifest, engine.scratch_name(run))
    with beating(repository, run, "drill", database), scratch.dropped_at_end(victim.target):
        began = time.monotonic()
        restored = restorer.restore(contents, victim, progress)
        began = _timed(steps, "copy", began, f"{restored.rows} rows restored into {victim.target.describe()}")
        began = _timed(steps, "failure", began, victim.target.damage(failure))
        began = _timed(steps, "noticed", began, _noticed(contents, victim.target, database, progress))
        # What is left of a broken database is in the way of its recovery, as it would be on the real day.
        victim.target.drop()
        copy = restore_backup(database, committed.manifest.run, to=victim.target.name, asked=asked, progress=progress)
        seconds = round(time.monotonic() - began, 3)
        _timed(steps, "recovery", began, f"{copy.rows} rows restored into {copy.target.describe()}, and proven")
    if victim.target.exists():
        raise BackupsError(f"The throw-away copy {victim.target.describe()} was not dropped.")
    return _told(copy, failure, steps, seconds)


def _told(copy: RestoredCopy, failure: str, steps: list[DrillStep], seconds: float) -> Drill:
    return Drill(copy.result.backup, failure, copy.result, copy.proof, steps, seconds, copy.notes)


def _timed(steps: list[DrillStep], name: str, began: float, detail: str) -> float:
    """Note a step and return the time at its end."""
    now = time.monotonic()
    steps.append(DrillStep(name, detail, round(now - began, 3)))
    return now


def _noticed(contents: Contents, broken: Engine, alias: str, progress: Progress) -> str:
    """Prove the broken copy and return what that found; raise BackupsError where it found nothing wrong."""
    if not broken.exists():
        return "it is not there any more"
    try:
        findings = prove_database(contents, broken, alias, progress)
    except BackupsError as error:
        return f"it cannot be read: {error}"
    wrong = [finding for finding in findings if finding.status in (Status.FAILED, Status.ERROR)]
    if not wrong:
        raise BackupsError(
            f"The copy {broken.describe()} was broken on purpose, and the proof found nothing wrong with it.",
            hint="Nothing was changed. Has the database any rows? Else this is a fault of ours: please report it.",
        )
    names = ", ".join(dict.fromkeys(finding.name for finding in wrong))
    return f"{len(wrong)} of {len(findings)} checks fail: {names}"
