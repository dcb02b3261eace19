"""Fixtures of the commands: a site whose shop has customers, and one that has been backed up."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.commands.forks import Forks
from tests.commands.site import ROOT, Site
from tests.databases import Server


def seed(site: Site) -> None:
    """Make the tables, and the rows of the shop."""
    site.manage("migrate", "--verbosity=0").fine()
    site.manage("seed_shop", "--customers=300", "--orders=1000", "--verbosity=0").fine()


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Where processes are forked from."""
    made = Forks(ROOT)
    yield made
    made.close()


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Site:
    made = Site(tmp_path_factory.mktemp("site"), forks)
    seed(made)
    return made


@pytest.fixture(scope="session")
def _backed_up(_site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    made = _site.copy(tmp_path_factory.mktemp("backed_up"))
    made.manage("backup_db", "--verify=restore").fine()
    return made


@pytest.fixture
def site(_site: Site, tmp_path: Path) -> Site:
    """A site whose shop has 300 customers and 1,000 orders, and that was never backed up."""
    return _site.copy(tmp_path / "site")


@pytest.fixture
def backed_up(_backed_up: Site, tmp_path: Path) -> Site:
    """The same with one backup, which has passed at level restore."""
    return _backed_up.copy(tmp_path / "site")


@pytest.fixture(params=["sqlite", "postgresql_18", "mysql"])
def server(request: pytest.FixtureRequest) -> Server:
    """One server of each vendor in turn."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture(scope="session")
def _seeded() -> Iterator[dict[Server, str]]:
    """The name of a shop's database on each server where one was asked for."""
    made: dict[Server, str] = {}
    yield made
    for server, name in made.items():
        # A private server was ended before, and its databases with it.
        with suppress(Exception):
            server.drop(name)


@pytest.fixture
def on_server(server: Server, _seeded: dict[Server, str], forks: Forks, tmp_path: Path) -> Iterator[Site]:
    """The same shop on each server in turn, never backed up."""
    made = Site(tmp_path / "site", forks)
    made.folder.mkdir()
    if server not in _seeded:
        _seeded[server] = server.new_name("shop")
        server.create(_seeded[server])
        made.settings["DATABASES"]["default"] = server.settings(_seeded[server])
        seed(made)
    name = server.new_name("site")
    server.clone(name, _seeded[server])
    made.settings["DATABASES"]["default"] = server.settings(name)
    yield made
    server.drop(name)
