"""Fixtures of the archiver's tests: a table of items on each server, and the chunks that backups make of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backups.chunks import Limits
from backups.contents import Contents
from backups.engines.base import Engine
from backups.manifest import Entry, TableEntry
from backups.repository import Committed, Repository
from tests.databases import SQLiteServer, database
from tests.verification.conftest import _yard_in_a_file, file_yard, yard  # noqa: F401 (fixtures)
from tests.yard import back_up, entry_of, execute, new_repository

TEN_ROWS = Limits(target=1000, largest=8000, small_table=300, page=4)
"""Cuts items every ten rows."""


@dataclass
class Items:
    """A table ``items`` of one database, and the repository of its backups."""

    engine: Engine
    repository: Repository
    limits: Limits = TEN_ROWS

    def run(self, *statements: str) -> None:
        """Run statements."""
        execute(self.engine, *statements)

    def insert(self, keys: Iterable[int], size: int = 48) -> None:
        """Insert rows; with 48 letters a line has 100 bytes or a few more."""
        rows = [f"({key}, '{'x' * size}')" for key in keys]
        self.run(f"INSERT INTO items VALUES {', '.join(rows)}")

    def back_up(self, **asked) -> Committed:
        """Take a backup."""
        return back_up(self.engine, self.repository, self.limits, **asked)

    def entry(self, committed: Committed) -> TableEntry:
        """Return the entry of the table."""
        return entry_of(committed, "items")

    def chunks(self, committed: Committed) -> list[Entry]:
        """Return its chunks."""
        return list(Contents(self.repository, committed.manifest).entries(self.entry(committed)))

    def lines(self, committed: Committed) -> list[bytes]:
        """Return its lines."""
        return list(Contents(self.repository, committed.manifest).lines(self.entry(committed)))

    def names(self, committed: Committed) -> list[str]:
        """Return the objects that hold its rows."""
        return [entry.name for entry in self.chunks(committed)]

    def rows(self, committed: Committed) -> list[int]:
        """Return how many rows each chunk holds."""
        return [entry.rows for entry in self.chunks(committed)]


def items_in(engine: Engine, folder: Path) -> Items:
    """Make the table, empty."""
    execute(engine, "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(9000))")
    return Items(engine, new_repository(folder))


@pytest.fixture
def items(engine: Engine, tmp_path: Path) -> Items:
    """Items on each server in turn."""
    return items_in(engine, tmp_path)


@pytest.fixture
def file_items(sqlite: SQLiteServer, tmp_path: Path) -> Iterator[Items]:
    """Items in a file."""
    with database(sqlite) as engine:
        yield items_in(engine, tmp_path)
