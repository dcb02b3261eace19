"""What a scenario says: its data, who is measured on it, and which of what was measured is compared."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from benchmarks.measure import Failed, Run

MEMORY_LIMIT = 150_000_000
"""Bytes that a process of ours may take."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is made; the defaults are those of the published numbers."""

    customers: int = 200_000
    orders: int = 1_000_000
    fixture_orders: int = 100_000
    tables: int = 1_500
    wide_megabytes: int = 256
    hours: int = 24
    memory_rows: int = 5_000_000
    backups: int = 10_000


@dataclass(frozen=True, slots=True)
class Contender:
    """Somebody who is measured: what to run (its runs by name, where one command gives several), and what it needs."""

    measure: Callable[[], Run | Mapping[str, Run]]
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours against theirs; ``target`` is what the ratio should not exceed, None where none was set.

    ``measure`` names what of a run is compared: seconds, stored, largest.
    """

    title: str
    ours: str
    theirs: str
    target: float | None = None
    measure: str = "seconds"


@dataclass(frozen=True, slots=True)
class Limit:
    """What a contender should not exceed: the bytes of its largest process, or the median of its seconds."""

    title: str
    ours: str
    most: float = MEMORY_LIMIT
    measure: str = "largest"


@dataclass(slots=True)
class Measured:
    """What came of a scenario: by contender, the runs of each round; who could not be measured, and why."""

    runs: dict[str, list[Run]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


class Scenario(ABC):
    """One kind of data. A contender that is missing or fails is said, and left out of all rounds."""

    name: ClassVar[str]
    title: ClassVar[str]
    once: ClassVar[bool] = False
    """Whether one round is enough: what is compared does not vary."""

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        self.sizes = sizes
        self.folder = folder
        self.measured = Measured()

    @abstractmethod
    def prepare(self) -> None:
        """Make the data."""

    @abstractmethod
    def contenders(self) -> dict[str, Contender]:
        """Return who is measured, in turn; the order is kept, since some need what one before them made."""

    @abstractmethod
    def comparisons(self) -> list[Comparison]:
        """Return what is compared."""

    def limits(self) -> list[Limit]:
        """Return what is held to a limit of memory."""
        return []

    @abstractmethod
    def versions(self) -> list[str]:
        """Return the versions of what is measured."""

    @abstractmethod
    def clear(self) -> None:
        """Drop what was made, as far as it was."""

    def round(self, say: Callable[[str, Run], None]) -> None:
        """Measure every contender once."""
        for name, contender in self.contenders().items():
            if name in self.measured.missing:
                continue
            if absent := [program for program in contender.needs if shutil.which(program) is None]:
                self.measured.missing[name] = f"{', '.join(absent)} is not installed"
                continue
            try:
                found = contender.measure()
            except Failed as failure:
                self.measured.missing[name] = str(failure)
                continue
            for key, run in ({name: found} if isinstance(found, Run) else found).items():
                self.measured.runs.setdefault(key, []).append(run)
                say(key, run)
