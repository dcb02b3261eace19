"""The engine for SQLite keeps the contract of all engines, in both of SQLite's manners of writing."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from tests.databases import Server, database
from tests.engines.contract import EngineContract
from tests.engines.contract_reading import Reading
from tests.engines.dumps import execute


class OnSQLite:
    """What SQLite does in a way of its own."""

    truncate = "DELETE FROM account"
    unchecked = (("PRAGMA foreign_keys = OFF",), ("PRAGMA foreign_keys = ON",))
    trigger = ("CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO journal VALUES (new.id); END",)

    @pytest.fixture
    def server(self, sqlite: Server) -> Server:
        """The folder."""
        return sqlite


class TestContract(OnSQLite, EngineContract):
    """With a rollback journal: reads from a private copy."""


class TestReadingWithWriteAheadLog(OnSQLite, Reading):
    """With a write-ahead log: reads in a transaction."""

    @pytest.fixture
    def engine(self, server: Server) -> Iterator[Engine]:
        """A fresh database that keeps a log."""
        with database(server) as made:
            execute(made, "PRAGMA journal_mode = WAL")
            yield made
