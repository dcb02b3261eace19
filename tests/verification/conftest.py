"""Fixtures of the proof's tests: the yard and one backup of it, on each server."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from backups.engines.base import Engine
from backups.repository import Committed, Repository
from tests.conftest import SERVERS
from tests.databases import database
from tests.yard import back_up, build_yard, new_repository


@dataclass(frozen=True)
class Yard:
    """A yard that nobody changes, its repository, and a backup of it that nobody changes either."""

    engine: Engine
    repository: Repository
    committed: Committed


@pytest.fixture(scope="module", params=SERVERS)
def yard(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Yard]:
    """A yard on each server in turn."""
    with database(request.getfixturevalue(request.param)) as engine:
        build_yard(engine)
        repository = new_repository(tmp_path_factory.mktemp("repository"))
        yield Yard(engine, repository, back_up(engine, repository))


@pytest.fixture
def file_yard(sqlite, tmp_path) -> Iterator[Yard]:
    """A yard in a file, whose repository a test may damage as it likes."""
    with database(sqlite) as engine:
        build_yard(engine)
        repository = new_repository(tmp_path)
        yield Yard(engine, repository, back_up(engine, repository))
