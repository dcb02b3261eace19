"""Fixtures of the services: a yard to back up, and a catalogue that lies in another database."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.engines.base import Engine
from tests.catalogue import catalogue  # noqa: F401 (a fixture)
from tests.databases import Server, database
from tests.yard import build_yard


@pytest.fixture(params=["sqlite", "postgresql_18", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    """One server of each vendor in turn."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def yard(sqlite: Server, catalogue: Path) -> Iterator[Engine]:  # noqa: F811
    """A small database in SQLite that was never backed up; the catalogue is in the default database."""
    with database(sqlite) as engine:
        build_yard(engine)
        yield engine


@pytest.fixture
def any_yard(engine: Engine, catalogue: Path) -> Engine:  # noqa: F811
    """The same on each server."""
    build_yard(engine)
    return engine
