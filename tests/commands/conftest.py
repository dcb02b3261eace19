"""Fixtures of the commands: a site whose shop has customers, and one that has been backed up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.forks import Forks
from tests.commands.site import ROOT, Site


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Where processes are forked from."""
    made = Forks(ROOT)
    yield made
    made.close()


@pytest.fixture(scope="session")
def _site(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Site:
    made = Site(tmp_path_factory.mktemp("site"), forks)
    made.manage("migrate", "--verbosity=0").fine()
    made.manage("seed_shop", "--customers=300", "--orders=1000", "--verbosity=0").fine()
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
