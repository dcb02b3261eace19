"""The engine for SQLite."""

import pytest

from tests.databases import Server
from tests.engines.contract import EngineContract


class TestContract(EngineContract):
    """SQLite keeps the contract."""

    truncate = "DELETE FROM account"
    unchecked = (("PRAGMA foreign_keys = OFF",), ("PRAGMA foreign_keys = ON",))
    trigger = ("CREATE TRIGGER noted AFTER INSERT ON parent BEGIN INSERT INTO journal VALUES (new.id); END",)

    @pytest.fixture
    def server(self, sqlite: Server) -> Server:
        """The folder."""
        return sqlite
