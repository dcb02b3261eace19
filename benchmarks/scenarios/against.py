"""Backup, restore and verification of one database, against the tools of its engine."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import BACK_UP, BARE, RESTORE, RESTORE_ALONE, VERIFY, Lifeboat
from benchmarks.measure import Run, size_of
from benchmarks.places import Place, Rival
from benchmarks.scenarios.base import Comparison, Contender, Limit, Scenario, Sizes


class Against(Scenario):
    """What each engine's scenarios have in common; the rest of them is how the data is made."""

    place_type: ClassVar[type[Place]]
    source: ClassVar[str]
    """What the database is called; those restored from it begin with that."""
    settings: ClassVar[str] = BARE

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self.place = self.place_type(folder)
        self.lifeboat = Lifeboat(self.place, self.source, f"{self.source}_restored", self.settings)
        self.loaded = f"{self.source}_loaded"
        self.rivals = self.place.rivals()

    def contenders(self) -> dict[str, Contender]:
        loading = [rival for rival in self.rivals if rival.load is not None]
        return {
            BACK_UP: Contender(partial(self.lifeboat.back_up, fresh=True)),
            **{rival.name: Contender(partial(self._dump, rival), rival.needs) for rival in self.rivals},
            **self.more(),
            RESTORE: Contender(self.lifeboat.restore),
            **{rival.load_name: Contender(partial(self._load, rival), rival.needs) for rival in loading},
            VERIFY: Contender(self.lifeboat.verify),
        }

    def more(self) -> dict[str, Contender]:
        """Return who else is measured, between the backups and the restores."""
        return {}

    def compared(self, backup: float | None, restore: float | None, verify: float | None = None) -> list[Comparison]:
        """Return the comparisons with the first of the rivals, held to these targets."""
        first = self.rivals[0]
        return [
            Comparison("backup", BACK_UP, first.name, backup),
            Comparison("restore", RESTORE_ALONE, first.load_name, restore),
            Comparison("restore with its proof", RESTORE, first.load_name),
            Comparison("full verification: restore and proof", VERIFY, first.load_name, verify),
        ]

    def limits(self) -> list[Limit]:
        return [Limit("backup", BACK_UP), Limit("restore", RESTORE), Limit("verification", VERIFY)]

    def versions(self) -> list[str]:
        return [self.place.version()]

    def clear(self) -> None:
        self.lifeboat.clear()
        self.place.drop(self.loaded)

    def _written(self, rival: Rival) -> Path:
        return self.folder / f"{self.source}-{self.rivals.index(rival)}.dump"

    def _dump(self, rival: Rival) -> Run:
        out = self._written(rival)
        if out.is_dir():
            shutil.rmtree(out)
        out.unlink(missing_ok=True)
        run = rival.dump(self.source, out)
        return replace(run, stored=size_of(out))

    def _load(self, rival: Rival) -> Run:
        assert rival.load is not None  # noqa: S101 (only those that load are contenders)
        self.place.drop(self.loaded)
        return rival.load(self._written(rival), self.loaded)
