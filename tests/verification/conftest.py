"""Fixtures of the proof's tests: the yard and one backup of it, on each server."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.repository import Committed, Repository
from tests.conftest import SERVERS
from tests.databases import SQLiteServer, database, registered
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


@pytest.fixture(scope="session")
def _yard_in_a_file(sqlite: SQLiteServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path, str]:
    """Make a yard in a file and a backup of it, to be copied: the database, the storage, the backup's name."""
    name, folder = sqlite.new_name("yard"), tmp_path_factory.mktemp("repository")
    sqlite.create(name)
    with registered(sqlite.settings(name)) as alias:
        build_yard(engine_for(alias))
        return name, folder, back_up(engine_for(alias), new_repository(folder)).manifest.name


@pytest.fixture
def file_yard(sqlite: SQLiteServer, _yard_in_a_file: tuple[str, Path, str], tmp_path: Path) -> Iterator[Yard]:
    """A yard in a file, which a test may damage as it likes, and its repository too."""
    source, folder, manifest = _yard_in_a_file
    name = sqlite.new_name()
    sqlite.clone(name, source)
    repository = new_repository(Path(shutil.copytree(folder, tmp_path / "storage")))
    try:
        with registered(sqlite.settings(name)) as alias:
            yield Yard(engine_for(alias), repository, repository.read_manifest(manifest))
    finally:
        sqlite.drop(name)
