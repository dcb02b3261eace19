"""The verb *drill*: the whole lifecycle on a throw-away copy: back up, restore, fail, restore again, prove, drop, record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from backups import restorer, scratch
from backups.contents import Contents
from backups.engines import engine_for
from backups.exceptions import BackupsError, ConfigurationError
from backups.progress import Progress, silent
from backups.repository import Repository
from backups.repository.names import new_run
from backups.repository.runs import beating
from backups.services.failure import MODES


@dataclass(frozen=True, slots=True)
class DrillStep:
    """One step of a drill: what was done, what came of it, and the seconds that it took."""

    name: str
    detail: str
    seconds: float


@dataclass(slots=True)
class Drill:
    """What a drill did on its throw-away copy. ``recovery_seconds`` is from the failure to the recovered copy."""

    backup: str
    failure: str
    steps: list[DrillStep] = field(default_factory=list)
    recovery_seconds: float = 0.0

    def timed(self, name: str, began: float, detail: str) -> float:
        """Note a step and return the time at its end."""
        now = time.monotonic()
        self.steps.append(DrillStep(name, detail, round(now - began, 3)))
        return now


def fail_and_recover(
    database: str, backup: str, *, failure: str = "drop-database", progress: Progress = silent, run: str = ""
) -> Drill:
    """Restore a backup into a throw-away copy, break that copy, and restore once more in its place; both are dropped.

    The live database is only ever read. Raises what a restore raises, and ConfigurationError for an unknown failure.
    """
    if failure not in MODES:
        raise ConfigurationError(f"There is no failure {failure!r}.", hint=f"Modes: {', '.join(MODES)}.")
    engine, repository = engine_for(database), Repository.open(database)
    committed = repository.read_manifest(repository.find(backup).name)
    contents = Contents(repository, committed.manifest)
    drill = Drill(committed.manifest.run, failure)
    run = run or new_run()
    name = engine.scratch_name(run)
    began = time.monotonic()
    victim = restorer.plan(engine, committed.manifest, name)
    with beating(repository, run, "drill", database), scratch.dropped_at_end(victim.target):
        restored = restorer.restore(contents, victim, progress)
        began = drill.timed("copy", began, f"{restored.rows} rows restored into {victim.target.describe()}")
        began = drill.timed("failure", began, victim.target.damage(failure))
        # What is left of a broken database is in the way of its recovery, as it would be on the real day.
        victim.target.drop()
        failed = began
        again = restorer.plan(engine, committed.manifest, name)
        restored = restorer.restore(contents, again, progress)
        drill.recovery_seconds = round(time.monotonic() - failed, 3)
        drill.timed("recovery", began, f"{restored.rows} rows restored into {again.target.describe()}")
    if victim.target.exists():
        raise BackupsError(f"The throw-away copy {victim.target.describe()} was not dropped.")
    return drill
