"""Django's own fixtures, at a size where loaddata finishes; a larger one by ``--fixture-orders``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import BACK_UP, NEWEST, RESTORE, RESTORE_ALONE, Lifeboat, manage
from benchmarks.measure import Failed, Run, measured, size_of
from benchmarks.places import PREFIX, PostgreSQL
from benchmarks.scenarios.base import Comparison, Contender, Scenario, Sizes

DUMPDATA, LOADDATA = "dumpdata", "loaddata"
OURS, THEIRS = f"{BACK_UP}, then {RESTORE_ALONE.removeprefix('lifeboat: ')}", f"{DUMPDATA}, then {LOADDATA}"


class Fixtures(Scenario):
    """dumpdata and loaddata of the shop on PostgreSQL."""

    name: ClassVar[str] = "fixtures-postgresql"
    title: ClassVar[str] = "Django's fixtures, a shop on PostgreSQL"

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self._place = PostgreSQL(folder)
        self._lifeboat = Lifeboat(self._place, f"{PREFIX}_fixtures", f"{PREFIX}_fixtures_restored")
        self._loaded = f"{PREFIX}_fixtures_loaded"

    def prepare(self) -> None:
        self._lifeboat.seed(self.sizes.fixture_orders // 5, self.sizes.fixture_orders)

    def contenders(self) -> dict[str, Contender]:
        return {
            BACK_UP: Contender(partial(self._lifeboat.back_up, fresh=True)),
            DUMPDATA: Contender(self._dumpdata),
            NEWEST: Contender(self._lifeboat.back_up_changed),
            RESTORE: Contender(self._lifeboat.restore),
            LOADDATA: Contender(self._loaddata),
            OURS: Contender(partial(self._together, BACK_UP, RESTORE_ALONE)),
            THEIRS: Contender(partial(self._together, DUMPDATA, LOADDATA)),
        }

    def comparisons(self) -> list[Comparison]:
        return [
            Comparison("backup", BACK_UP, DUMPDATA),
            Comparison("backup with 1 % changed in the newest 2 %", NEWEST, DUMPDATA),
            Comparison("restore", RESTORE_ALONE, LOADDATA),
            Comparison("restore with its proof", RESTORE, LOADDATA),
            Comparison("there and back", OURS, THEIRS, 1 / 20),
        ]

    def versions(self) -> list[str]:
        return [self._place.version()]

    def clear(self) -> None:
        self._lifeboat.clear()
        self._place.drop(self._loaded)

    @property
    def _written(self) -> Path:
        return self.folder / "shop.json"

    def _together(self, *names: str) -> Run:
        """Return what several took one after another in this round."""
        if any(name in self.measured.missing for name in names):
            raise Failed(f"there is nothing of {' or '.join(names)} to add up")
        runs = [self.measured.runs[name][-1] for name in names]
        seconds, cpu = sum(run.seconds for run in runs), sum(run.cpu for run in runs)
        return Run(seconds, cpu, max(run.largest for run in runs), max(run.tree for run in runs))

    def _dumpdata(self) -> Run:
        run = measured(manage("dumpdata", "shop", "--output", str(self._written)), self._lifeboat.env())
        return replace(run, stored=size_of(self._written))

    def _loaddata(self) -> Run:
        self._place.recreate(self._loaded)
        self._lifeboat.migrate(self._loaded)
        return measured(manage("loaddata", str(self._written)), self._lifeboat.env(self._loaded))
