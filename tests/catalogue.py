"""A catalogue to work on: the default database with a few customers, a storage of its own, and nothing left behind."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from backups import tasks
from backups.engines import engine_for
from backups.models import UNFINISHED, Backup, Copy, Restore, Verification
from backups.repository import Repository
from shop.models import Customer
from tests.yard import FIRST

PATIENCE = 30  # seconds for a run to end


def put_storage(settings: Any, folder: Path) -> None:
    """Let the repositories lie in a folder."""
    entry = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder)}}
    settings.STORAGES = {**settings.STORAGES, "backups": entry}


@pytest.fixture
def catalogue(settings: Any, tmp_path: Path) -> Iterator[Path]:
    """An empty catalogue beside three customers; yields the folder of the storage."""
    put_storage(settings, tmp_path / "storage")
    _clear()
    Customer.objects.bulk_create(
        Customer(email=f"{name}@example.org", name=name, joined=FIRST) for name in ("ada", "bob", "cyd")
    )
    yield tmp_path / "storage"
    settle()
    _clear()


def settle() -> None:
    """Wait until this process has done every run that was asked for."""
    for lane in list(tasks._LANES.values()):
        lane.submit(lambda: None).result(PATIENCE)


def finished(kind: type[Any], run: str, patience: float = PATIENCE) -> Any:
    """Wait until a run has ended, and return its row."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        row = kind.objects.filter(pk=run).first()
        if row is not None and row.status not in UNFINISHED:
            return row
        time.sleep(0.05)
    raise AssertionError(f"{run} did not end within {patience} s: {kind.objects.filter(pk=run).values()}")


def listed(database: str = "default") -> list[str]:
    """The backups that lie in storage, oldest first."""
    return [entry.run for entry in Repository.open(database).listing()]


def fresh(name: str) -> Path:
    """The file that a restore of the default database under a name makes."""
    return Path(engine_for("default").resolve(name))


def _clear() -> None:
    for model in (Restore, Verification, Backup, Copy, Customer, Session, User):
        model.objects.all().delete()
