"""A repository of very many backups: what it takes to list them."""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import Lifeboat, manage
from benchmarks.measure import Run, measured
from benchmarks.places import PREFIX, SQLite
from benchmarks.scenarios.base import Comparison, Contender, Limit, Scenario, Sizes

START = "python and Django alone: manage.py version"
CATALOGUE, STORAGE = "lifeboat: list_backups", "lifeboat: list_backups, the database gone"
EVERY = "lifeboat: list_backups --limit 0"


class History(Scenario):
    """Hourly backups of a small shop on SQLite, signed, in the catalogue and in storage."""

    name: ClassVar[str] = "many-backups"
    title: ClassVar[str] = "a long history of backups"

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self._place = SQLite(folder)
        self._lifeboat = Lifeboat(self._place, f"{PREFIX}_history", f"{PREFIX}_history_restored")

    def prepare(self) -> None:
        self._lifeboat.seed(20, 100)
        self._lifeboat.back_up(fresh=True)
        env = self._lifeboat.env() | {"PYTHONPATH": os.getcwd()}
        measured([sys.executable, "-m", "benchmarks.history", str(self.sizes.backups - 1)], env)
        measured(manage("sync_backups"), self._lifeboat.env())

    def contenders(self) -> dict[str, Contender]:
        return {
            START: Contender(lambda: measured(manage("version"))),
            CATALOGUE: Contender(partial(self._listed, "")),
            EVERY: Contender(partial(self._listed, "", "--limit", "0")),
            STORAGE: Contender(partial(self._listed, "gone")),
        }

    def comparisons(self) -> list[Comparison]:
        return []

    def limits(self) -> list[Limit]:
        number = f"{self.sizes.backups:,}"
        return [
            Limit(f"listing the newest of {number}, from the catalogue", CATALOGUE, 1.0, "seconds"),
            Limit(f"listing the newest of {number}, from storage alone", STORAGE, 1.0, "seconds"),
        ]

    def versions(self) -> list[str]:
        return [self._place.version()]

    def clear(self) -> None:
        self._lifeboat.clear()

    def _listed(self, instead: str, *words: str) -> Run:
        """List, by the database or by another in its place, which is not there."""
        env = self._lifeboat.env()
        database = {"DATABASE_URL": self._place.url(instead)} if instead else {}
        return measured(manage("list_backups", *words), env | database)
