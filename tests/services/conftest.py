"""Fixtures of the services: a yard to back up, and a catalogue that lies in another database."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from backups.engines.base import Engine
from tests.catalogue import catalogue  # noqa: F401 (a fixture)
from tests.databases import Server, database, registered
from tests.faults import world  # noqa: F401 (a fixture)
from tests.services.pruning import site  # noqa: F401 (a fixture)
from tests.yard import build_yard

FILES = "django.core.files.storage.FileSystemStorage"


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


@pytest.fixture
def offsite(yard: Engine, settings: Any, tmp_path: Path) -> Path:
    """The folder of the copy of the yard's backups."""
    entry = {"BACKEND": FILES, "OPTIONS": {"location": str(tmp_path / "offsite")}}
    settings.STORAGES = {**settings.STORAGES, "offsite": entry}
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {}}}
    return tmp_path / "offsite"


class LedgerRouter:
    """Sends the catalogue to the database that a test names."""

    alias = ""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return self.alias if model._meta.app_label == "backups" else None

    db_for_write = db_for_read


@pytest.fixture
def ledger(settings: Any, sqlite: Server) -> Iterator[str]:
    """An alias whose database holds the catalogue and nothing else."""
    name = sqlite.new_name("ledger")
    sqlite.create(name)
    with registered(sqlite.settings(name)) as alias:
        call_command("migrate", "backups", database=alias, verbosity=0)
        settings.DATABASE_ROUTERS = ["tests.services.conftest.LedgerRouter"]
        LedgerRouter.alias = alias
        yield alias
        settings.DATABASE_ROUTERS = []
    sqlite.drop(name)
