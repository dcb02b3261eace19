"""Fixtures of all tests: real servers, fresh databases of each, and the catalogue."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn

import pytest
from django.apps import apps
from django.core.management import call_command
from hypothesis import HealthCheck, settings

from backups.engines.base import Engine
from tests.databases import MariaDBServer, PostgreSQLServer, Server, SQLiteServer, database
from tests.servers import NoServer, postgresql_from_wheel, private_mariadb, private_redis

# Real servers answer when they answer: no example fails for its time. In CI each run tries the same examples.
settings.register_profile(
    "suite", deadline=None, derandomize="CI" in os.environ, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

SERVERS = ["sqlite", "postgresql_18", "postgresql", "mysql"]


def pytest_configure(config: pytest.Config) -> None:
    """Name the marks."""
    config.addinivalue_line("markers", "slow: takes seconds rather than moments; leave out with -m 'not slow'")


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: Any) -> Iterator[None]:
    """Migrate the catalogue once, in the temporary file that the settings name, and leave databases open to all.

    Lifeboat has connections of its own, which a transaction around each test would not hold back.
    """
    with django_db_blocker.unblock():
        for app in apps.get_app_configs():
            if not app.name.startswith("tests.") and Path(app.path, "migrations").is_dir():
                call_command("migrate", app.label, verbosity=0)
        yield


@pytest.fixture(scope="session", autouse=True)
def _databases_are_open(django_db_setup: None) -> None:
    """Have databases in every test."""


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Server:
    """A folder for SQLite's files."""
    return SQLiteServer(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql_18() -> Iterator[Server]:
    """PostgreSQL 18, from the wheel."""
    with ExitStack() as stack:
        yield PostgreSQLServer(_started(postgresql_from_wheel, stack))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """The PostgreSQL that the environment names."""
    url = os.environ.get("TEST_POSTGRES_URL")
    server = PostgreSQLServer(url or _missing("PostgreSQL: set TEST_POSTGRES_URL to have the tests use another server"))
    with closing(server):
        yield server


@pytest.fixture(scope="session")
def mysql() -> Iterator[Server]:
    """MariaDB or MySQL: the one that the environment names, else a private MariaDB."""
    if find_spec("MySQLdb") is None:
        _missing("MariaDB: its driver is not installed; pip install mysqlclient")
    with ExitStack() as stack:
        url = os.environ.get("TEST_MARIADB_URL") or _started(private_mariadb, stack)
        yield stack.enter_context(closing(MariaDBServer(url)))


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a Redis: the one that the environment names, else a private one."""
    with ExitStack() as stack:
        yield os.environ.get("TEST_REDIS_URL") or _started(private_redis, stack)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn."""
    found: Server = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def engine(server: Server) -> Iterator[Engine]:
    """The engine of a fresh, empty database, which has an alias for as long as the test runs."""
    with database(server) as made:
        yield made


@pytest.fixture
def zoo_database(server: Server) -> Iterator[Engine]:
    """The engine of a copy of the zoo, which has an alias for as long as the test runs."""
    with database(server, zoo=True) as made:
        yield made


def _started(start: Callable[[], AbstractContextManager[str]], stack: ExitStack) -> str:
    """Return the URL of a private server that runs until the stack is left."""
    try:
        return stack.enter_context(start())
    except NoServer as error:
        _missing(str(error))


def _missing(reason: str) -> NoReturn:
    """Skip, and say so in the summary; fail where every server has to be there."""
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(f"REQUIRE_SERVERS=1, and there is no {reason}")
    pytest.skip(f"NOT TESTED, no {reason}")
