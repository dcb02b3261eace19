"""The engine for MariaDB and MySQL keeps the contract of all engines."""

import pytest

from tests.databases import Server
from tests.engines.contract import EngineContract


class TestMySql(EngineContract):
    """The contract, on the server that the environment names or on a private MariaDB."""

    unchecked = (("SET SESSION foreign_key_checks = 0",), ("SET SESSION foreign_key_checks = 1",))
    trigger = ("CREATE TRIGGER noted AFTER INSERT ON parent FOR EACH ROW INSERT INTO journal VALUES (NEW.id)",)

    @pytest.fixture
    def server(self, mysql: Server) -> Server:
        """The server."""
        return mysql
