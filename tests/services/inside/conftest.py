"""Fixtures of replacing inside a database: a tenant on the newest server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.engines.base import Engine
from tests.databases import PostgreSQLServer, Server
from tests.services.inside.tenants import MORE, tenancy
from tests.yard import build_yard, execute


@pytest.fixture(params=["postgresql_18"])
def server(request: pytest.FixtureRequest) -> Server:
    """The newest server; BOTH asks for the other too."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def tenant(server: PostgreSQLServer, catalogue: Path) -> Iterator[Engine]:
    """A yard of two schemas, owned by a role that may not make databases."""
    with tenancy(server) as engine:
        build_yard(engine)
        execute(engine, *MORE)
        yield engine
