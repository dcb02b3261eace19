"""The server of these tests: the one that the environment names, or a private MariaDB."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

from backups.engines.base import Engine
from tests.databases import Server

# Without the driver the engine cannot even be imported; the contract's tests then say that it was not tested.
collect_ignore_glob = [] if find_spec("MySQLdb") else ["test_[!c]*.py"]


@pytest.fixture
def server(mysql: Server) -> Server:
    """The server."""
    return mysql


@pytest.fixture
def target(engine: Engine, server: Server) -> Iterator[Engine]:
    """A database that is not there yet; dropped at the end."""
    target = engine.at(server.new_name("restored"))
    yield target
    target.drop()
