"""The engine for PostgreSQL keeps the contract of all engines, on PostgreSQL 18 and on the one the environment names."""

import pytest

from tests.databases import Server
from tests.engines.contract import EngineContract


class Contract(EngineContract):
    """What is PostgreSQL's own in it."""

    unchecked = (
        ("SET session_replication_role = replica",),
        ("SET session_replication_role = origin",),
    )
    trigger = (
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO public.journal VALUES (new.id); RETURN new; END $$",
        "CREATE TRIGGER noted AFTER INSERT ON parent FOR EACH ROW EXECUTE FUNCTION note()",
    )


class TestPostgreSQL18(Contract):
    """The contract, on the server of the wheel."""

    @pytest.fixture
    def server(self, postgresql_18: Server) -> Server:
        """The server."""
        return postgresql_18


class TestPostgreSQL(Contract):
    """The contract, on the server that the environment names."""

    @pytest.fixture
    def server(self, postgresql: Server) -> Server:
        """The server."""
        return postgresql
