"""What a place offers: databases to be made, filled and dropped, and the engine's own tools as rivals."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmarks.measure import Run


@dataclass(frozen=True, slots=True)
class Rival:
    """Another tool: one way to dump, and perhaps one to load what it dumped.

    ``needs`` names the programs that must be installed. ``dump`` takes a database and where to write, ``load`` what was
    written and a database that is not there yet.
    """

    name: str
    needs: tuple[str, ...]
    dump: Callable[[str, Path], Run]
    load: Callable[[Path, str], Run] | None = None
    load_name: str = ""


PREFIX = os.environ.get("BENCH_NAME", "lifeboat_bench")
"""What the names of all databases that are made begin with; those who measure on one server at once need different ones."""


class Place(ABC):
    """One server, or one folder of files. Names of databases are the scenarios' own."""

    vendor: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @abstractmethod
    def url(self, database: str) -> str:
        """Return what the demonstration project calls a database."""

    def target(self, database: str) -> str:
        """Return what ``restore_db --to`` calls a database."""
        return database

    @abstractmethod
    def recreate(self, database: str) -> None:
        """Make a database, empty, in place of the one that was there."""

    @abstractmethod
    def drop(self, database: str) -> None:
        """Remove a database; nothing where there is none."""

    @abstractmethod
    def run(self, database: str, statements: Sequence[str]) -> None:
        """Run statements, each by itself."""

    @abstractmethod
    def version(self) -> str:
        """Return the version of the server or the library."""

    @abstractmethod
    def settle(self, database: str) -> None:
        """Bring a database that was just filled into the state that it would be in some time later."""

    @abstractmethod
    def rivals(self) -> list[Rival]:
        """Return the engine's own tools."""

    @abstractmethod
    def numbers(self, count: int) -> str:
        """Return a FROM clause that gives the integers from 1 as ``n``."""
