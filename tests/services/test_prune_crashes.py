"""A process that dies at any storage operation of a prune or an undelete: no backup is lost, and the next run goes on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from backups.exceptions import LockHeld
from backups.repository import Committed, trash
from backups.repository.runs import UNREADABLE, beat_names, living
from backups.services import catalog
from backups.services.keeping import pin_backup
from backups.services.listing import list_backups
from backups.services.prune import prune_backups
from backups.services.undelete import undelete_backup
from backups.verification import Level
from tests.faults import EVERYTHING, Effect, Point, World, every_crash
from tests.services.pruning import all_is_well, back_up, live, needed, objects
from tests.yard import details, execute, named, prove

WRITES = ("save", "delete")
# Of what only reads the storage is the same before and after: the write beside it was tried.
RESTORED = 1 if EVERYTHING else 20
"""At how many points one is taken to restore every backup; the others compare every stored byte."""


@pytest.fixture
def site(world: World, settings: Any) -> World:
    """One backup that was swept and whose gap is told, one that is ready to be swept, one to remove, two to keep."""
    settings.BACKUPS = {"RETENTION": {"last": 2}, "GRACE": timedelta(0)}
    execute(
        world.engine,
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900))",
        "CREATE TABLE tags (id integer NOT NULL PRIMARY KEY, word varchar(90))",
        *(f"INSERT INTO items VALUES ({number}, '{'x' * 400}{number}')" for number in range(24)),
        "INSERT INTO tags VALUES (1, 'a'), (2, 'b')",
    )
    back_up(world, 3)
    prune_backups(world.alias)
    prune_backups(world.alias)
    back_up(world)
    bury(world, live(world)[0])
    back_up(world)
    assert live(world) == [3, 4, 5] and [entry.sequence for entry in trash.buried(world.repository)] == [1, 2]
    return world


def bury(world: World, number: int) -> None:
    """Move a backup to the trash."""
    listed = next(listed for listed in world.repository.listing() if listed.sequence == number)
    catalog.mark_pruned(catalog.open_catalogue(), world.repository, {listed.run})
    trash.bury(world.repository, listed.name)


def committed(world: World) -> list[Committed]:
    return [world.repository.read_manifest(listed.name) for listed in world.repository.listing()]


def every_write(world: World, verb: Callable[[], object], check: Callable[[Point], None]) -> int:
    """Die before, after and in the middle of each write of a verb, or at each operation; return the number of points."""
    return every_crash(world, verb, check, lambda point: EVERYTHING or point.operation.verb in WRITES)


def nothing_is_lost(world: World, kept: set[int], point: Point) -> None:
    """What is live is whole, what is listed is live, and what must stay is there."""
    found = committed(world)
    assert kept <= {backup.manifest.sequence for backup in found}
    level = Level.RESTORE if point.number % RESTORED == 0 else Level.STORED
    for backup in found:
        result = prove(world.engine, world.repository, backup, level)
        # Half of a record may be there: a verification names it, and the backup itself is whole.
        torn = {"events"} if point.effect == Effect.CRASH_MIDDLE and "/events/" in point.operation.name else set()
        assert named(result.findings) <= torn, details(result.findings)
    lines, _ = list_backups(world.alias)
    assert {line.id for line in lines} <= {backup.manifest.run for backup in found}


def half_an_hour_passes(world: World) -> None:
    """Half of the dead run's own beat may be that of another prune, so until then none begins."""
    for torn in [beat for beat in living(world.repository) if beat.verb == UNREADABLE]:
        with pytest.raises(LockHeld, match=f"runs/{torn.run}.*cannot be read"):
            prune_backups(world.alias)
        for name in beat_names(world.repository, torn.run):
            world.storage.age(f"{world.alias}/{name}", timedelta(minutes=31))


def test_a_prune(site: World) -> None:
    def check(point: Point) -> None:
        nothing_is_lost(site, {4, 5}, point)
        half_an_hour_passes(site)
        for _ in range(3):
            assert prune_backups(site.alias).problems == []
        assert live(site) == [4, 5]
        assert objects(site).keys() == needed(site.repository)
        lines, _ = list_backups(site.alias)
        assert [line.status for line in lines] == ["complete"] * 2
        nothing_is_lost(site, {4, 5}, point)

    points = every_write(site, lambda: prune_backups(site.alias), check)
    assert points >= 25
    prune_backups(site.alias)
    all_is_well(site)


def test_an_undelete(site: World) -> None:
    def verb() -> None:
        run = trash.tombstones(site.repository)[1].run
        undelete_backup(site.alias, run)

    def check(point: Point) -> None:
        # A storage that does not store at once may hold half of the manifest: its whole is in the tombstone still.
        if point.effect != Effect.CRASH_MIDDLE or "/backups/" not in point.operation.name:
            nothing_is_lost(site, {3, 4, 5}, point)
        half_an_hour_passes(site)
        if len(trash.tombstones(site.repository)) == 2:
            verb()
        nothing_is_lost(site, {2, 3, 4, 5}, point)
        assert live(site) == [2, 3, 4, 5]
        prune_backups(site.alias)
        assert live(site) == [2, 4, 5]
        lines, _ = list_backups(site.alias)
        assert len(lines) == 3

    assert every_write(site, verb, check) > 10


def test_a_pin(site: World) -> None:
    def check(point: Point) -> None:
        nothing_is_lost(site, {3, 4, 5}, point)
        pin_backup(site.alias, "latest")
        assert live(site) == [3, 4, 5]

    assert every_write(site, lambda: pin_backup(site.alias, "latest"), check) >= 3
