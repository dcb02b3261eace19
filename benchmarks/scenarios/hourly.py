"""A day of hourly backups of the shop on PostgreSQL, 1 % of the rows changed, added or deleted between them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from statistics import median
from typing import ClassVar

from benchmarks import churn
from benchmarks.lifeboat import BACK_UP
from benchmarks.measure import Run, size_of
from benchmarks.places import PREFIX, Place, PostgreSQL
from benchmarks.scenarios.base import Comparison, Contender, Limit
from benchmarks.scenarios.shop import Shop

HOURLY, HISTORY = "lifeboat: one hourly backup, median", "lifeboat: all hourly backups together"


class Hourly(Shop):
    """Stored bytes of the history against those of its first, full backup."""

    place_type: ClassVar[type[Place]] = PostgreSQL
    source: ClassVar[str] = f"{PREFIX}_hourly"
    once: ClassVar[bool] = True
    newest: ClassVar[bool]

    def contenders(self) -> dict[str, Contender]:
        first = self.rivals[0]
        return {
            BACK_UP: Contender(partial(self.lifeboat.back_up, fresh=True)),
            first.name: Contender(partial(self._dump, first), first.needs),
            HISTORY: Contender(self._history),
        }

    def comparisons(self) -> list[Comparison]:
        target = 1.5 if self.newest else None
        return [
            Comparison(
                f"stored bytes of {self.sizes.hours} hourly backups, against one full",
                HISTORY,
                BACK_UP,
                target,
                "stored",
            ),
            Comparison("one hourly backup", HOURLY, self.rivals[0].name),
        ]

    def limits(self) -> list[Limit]:
        return []

    def _history(self) -> Mapping[str, Run]:
        runs = list(self._hours())
        seconds, cpu = median(run.seconds for run in runs), median(run.cpu for run in runs)
        largest, tree = max(run.largest for run in runs), max(run.tree for run in runs)
        stored = int(median(run.stored for run in runs))
        whole = Run(
            sum(r.seconds for r in runs), sum(r.cpu for r in runs), largest, tree, size_of(self.lifeboat.backups)
        )
        return {HOURLY: Run(seconds, cpu, largest, tree, stored), HISTORY: whole}

    def _hours(self) -> Iterator[Run]:
        """Back up every hour but the first, whose full backup is there already."""
        for hour in range(1, self.sizes.hours):
            self.place.run(self.source, churn.statements(hour, newest=self.newest))
            yield replace(self.lifeboat.back_up(fresh=False), printed="")


class HourlyNewest(Hourly):
    """As in most shops: what changes is young."""

    name: ClassVar[str] = "hourly-newest-postgresql"
    title: ClassVar[str] = "hourly backups, 1 % churn in the newest 2 % of the rows, PostgreSQL"
    newest: ClassVar[bool] = True


class HourlySpread(Hourly):
    """The worst case: something changes everywhere."""

    name: ClassVar[str] = "hourly-spread-postgresql"
    title: ClassVar[str] = "hourly backups, 1 % churn spread evenly, PostgreSQL"
    newest: ClassVar[bool] = False
