"""A world that is pruned: backups with a change before each, time that passes in its storage, runs of other hosts."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from backups.manifest import decode_entries
from backups.models import Backup
from backups.repository import Committed, Repository
from backups.repository.names import new_run
from backups.repository.runs import Beat, put_beat
from backups.services.backup import create_backup
from backups.services.listing import list_backups
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import World
from tests.yard import SMALL, details, execute, prove

DAY = timedelta(days=1)


@pytest.fixture
def site(world: World, settings: Any) -> World:
    """A world with a table that lies in pages and one in a shared chunk; two backups are kept, for a day in the trash."""
    settings.BACKUPS = {"RETENTION": {"last": 2}}
    Backup.objects.all().delete()  # of whoever was here before
    execute(
        world.engine,
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900))",
        "CREATE TABLE tags (id integer NOT NULL PRIMARY KEY, word varchar(90))",
        *(f"INSERT INTO items VALUES ({number}, '{'x' * 300}{number}')" for number in range(24)),
        "INSERT INTO tags VALUES (1, 'a'), (2, 'b')",
    )
    return world


def back_up(world: World, count: int = 1) -> list[Committed]:
    """Take so many backups, with a change before each; each is found to be good."""
    made = []
    for _ in range(count):
        number = Backup.objects.count()
        execute(
            world.engine,
            f"UPDATE items SET word = 'backup {number}' WHERE id = {number % 24}",
            f"INSERT INTO items VALUES ({100 + number}, 'new')",
            f"UPDATE tags SET word = '{number}' WHERE id = 1",
        )
        done = create_backup(world.alias, limits=SMALL)
        assert done.problems == ()
        made.append(done.committed)
    return made


def age(world: World, by: timedelta = 2 * DAY) -> None:
    """Let time pass in the storage: everything that lies there is older."""
    modified = world.storage._modified
    modified.update({name: moment - by for name, moment in modified.items()})


def objects(world: World, *folders: str) -> dict[str, int]:
    """Name and size of what lies in folders of the repository."""
    prefix = f"{world.alias}/"
    found = {name.removeprefix(prefix): len(data) for name, data in world.storage.objects.items()}
    return {
        name: size for name, size in found.items() if name.split("/")[0] in (folders or ("chunks", "pages", "parts"))
    }


def needed(repository: Repository) -> set[str]:
    """What the live backups name, found without any code of the sweep."""
    found = set()
    for listed in repository.listing():
        manifest = repository.read_manifest(listed.name).manifest
        found |= {stored.name for stored in manifest.objects()}
        for table in manifest.tables:
            for page in table.pages:
                found |= {entry.name for entry in decode_entries(page.name, repository.get("page", page))}
    return found


def live(world: World) -> list[int]:
    return [listed.sequence for listed in world.repository.listing()]


def all_is_well(world: World) -> None:
    """Every live backup restores, is listed, and the chain is whole."""
    for listed in world.repository.listing():
        result = prove(world.engine, world.repository, world.repository.read_manifest(listed.name))
        assert result.status == Status.PASSED, details(result.findings)
    result = verify_backup(world.alias, level=Level.SIGNATURE).result
    assert result.status == Status.PASSED, details(result.findings)
    lines, _ = list_backups(world.alias)
    assert {line.id for line in lines} == {listed.run for listed in world.repository.listing()}


def spoil(world: World, run: str, age: timedelta) -> None:
    """Let half of a run's beat be there, which the storage got so long ago."""
    name = f"{world.alias}/runs/{run}/0"
    world.storage.objects[name] = world.storage.objects[name][:20]
    world.storage._modified[name] = datetime.now(UTC) - age


def leave_beat(world: World, verb: str, began: timedelta = timedelta(0)) -> str:
    """Leave the beat of a run on another host that is alive."""
    run, now = new_run(), datetime.now(UTC)
    put_beat(
        world.repository, Beat(run, verb, world.alias, "elsewhere", 1, (now - began).isoformat(), now.isoformat()), 0
    )
    return run
