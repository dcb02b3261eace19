"""A backup of a database that turns out to be damaged takes back what it had stored, and nothing that others rely on."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import SourceCorrupt, StorageUnavailable
from backups.models import Backup, RunStatus
from backups.repository import Repository, pulse
from backups.repository.runs import beats
from backups.repository.storage import LocalObjects
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.identities import age_identity
from tests.services.helpers import back_up
from tests.yard import add_orders, path_of


@pytest.fixture(autouse=True)
def many_checkpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stored is told of often, so that some of it is in checkpoints and the rest is not."""
    monkeypatch.setattr(pulse, "ITEMS", 3)


@pytest.fixture(params=["plain", "encrypted"])
def backed_up(request: pytest.FixtureRequest, yard: Engine, settings: Any, tmp_path: Path) -> Engine:
    """A yard with one backup, and rows that are in none."""
    if request.param == "encrypted":
        recipients = [age_identity(tmp_path).public]
        settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": recipients}
    back_up(yard)
    add_orders(yard.alias, range(200, 600))
    return yard


def files(engine: Engine) -> dict[str, bytes]:
    """Return everything in the repository."""
    folder = Path(Repository.open(engine.alias).where)
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def spoil(engine: Engine) -> Callable[[], None]:
    """Spoil an index, so that all rows can be read and damage is found at the end; return a function that mends it."""
    path = Path(engine.name)
    with closing(sqlite3.connect(path)) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE type = 'index' AND tbl_name = 'shop_order' AND sql > ''"
        ((page,), *_) = connection.execute(sql)
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    before = path.read_bytes()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"spoilt" * 50)

    def mend() -> None:
        path.write_bytes(before)

    return mend


def fail(engine: Engine) -> None:
    with pytest.raises(SourceCorrupt, match="is damaged") as raised:
        back_up(engine)
    assert raised.value.hint.startswith("Nothing was stored.")
    assert Backup.objects.latest("started").status == RunStatus.FAILED


def test_nothing_of_it_is_left(backed_up: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    before, put = files(backed_up), []
    mend = spoil(backed_up)
    plain = pulse.Pulse.stored
    monkeypatch.setattr(pulse.Pulse, "stored", lambda self, *what: (put.append(what), plain(self, *what)))
    fail(backed_up)
    assert len(put) > 6 and files(backed_up) == before
    assert beats(Repository.open(backed_up.alias)) == []
    mend()
    assert back_up(backed_up).notes == ()
    assert verify_backup(backed_up.alias, level=Level.STORED).result.status == Status.PASSED


def test_what_may_heal_an_earlier_backup_stays(yard: Engine) -> None:
    add_orders(yard.alias, range(200, 600))
    manifest, repository = back_up(yard).committed.manifest, Repository.open(yard.alias)
    (entry,) = (entry for entry in manifest.tables if entry.table.name == "shop_order")
    chunk = next(iter(Contents(repository, manifest).entries(entry)))
    path_of(repository, chunk.name).unlink()
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.FAILED
    mend = spoil(yard)
    fail(yard)
    mend()
    (found,) = path_of(repository, chunk.name).parent.glob(f"{chunk.id}.*")
    assert found != path_of(repository, chunk.name)
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


@pytest.mark.parametrize("after", range(0, 12, 2))
def test_where_not_all_of_it_can_be_taken_back_the_next_backup_names_nothing_that_is_gone(
    backed_up: Engine, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    mend, delete, deleted = spoil(backed_up), LocalObjects.delete, []

    def breaking(self: LocalObjects, name: str) -> None:
        if name.startswith(("chunks/", "pages/", "parts/")) or deleted:
            deleted.append(name)
            if len(deleted) > after:
                raise StorageUnavailable("It went away.")
        delete(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(LocalObjects, "delete", breaking)
        fail(backed_up)
    assert len(deleted) > after
    mend()
    back_up(backed_up)
    assert verify_backup(backed_up.alias, level=Level.STORED).result.status == Status.PASSED
