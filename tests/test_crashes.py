"""A process that dies at any storage operation of a verb: no backup is lost, none is made up, and the next run goes on."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from unittest.mock import patch

import pytest

from backups.exceptions import BackupsError
from backups.repository import Committed
from backups.repository.events import event_names
from backups.repository.runs import UNREADABLE, beat_names, beats
from backups.services.backup import BackedUp, create_backup
from backups.services.leftovers import sweep
from backups.services.listing import list_backups
from backups.services.restore import restore_backup
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import Effect, Point, World, every_crash, world  # noqa: F401 (a fixture)
from tests.yard import SMALL, details, execute, named, prove, query

ITEMS = "SELECT id, word FROM items ORDER BY id"


@pytest.fixture
def filled(world: World) -> World:  # noqa: F811
    """A world with a table that lies in pages, and two that share a chunk."""
    execute(
        world.engine,
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900))",
        "CREATE TABLE tags (id integer NOT NULL PRIMARY KEY, item integer REFERENCES items (id))",
        "CREATE TABLE readings (sensor integer, reading double precision)",
        *(f"INSERT INTO items VALUES ({number}, '{'x' * 300}')" for number in range(16)),
        "INSERT INTO tags VALUES (1, 2), (2, 3)",
        "INSERT INTO readings VALUES (1, 0.5), (1, 0.5)",
    )
    return world


def back_up(world: World) -> BackedUp:  # noqa: F811
    return create_backup(world.alias, limits=SMALL)


def change(world: World) -> None:  # noqa: F811
    execute(
        world.engine,
        "UPDATE items SET word = 'another' WHERE id = 7",
        "DELETE FROM tags WHERE id = 2",
        "INSERT INTO items VALUES (100, 'new')",
    )


def committed(world: World) -> list[Committed]:  # noqa: F811
    """Every backup that can be read, oldest first; one that cannot be is an error."""
    repository = world.repository
    return [repository.read_manifest(listed.name) for listed in repository.listing()]


def readable(world: World) -> set[str]:  # noqa: F811
    """The runs of the backups that can be read; half a manifest is none, and half a repository has none."""
    found = set()
    with suppress(BackupsError):
        repository = world.repository
        for listed in repository.listing():
            with suppress(BackupsError):
                found.add(repository.read_manifest(listed.name).manifest.run)
    return found


def shown(world: World) -> set[str]:  # noqa: F811
    """The backups that a list shows as complete; where no repository was begun, it says so."""
    try:
        lines, _ = list_backups(world.alias)
    except BackupsError as error:
        assert "There is no repository" in str(error) or "repository.json is damaged" in str(error)
        return set()
    return {line.id for line in lines if line.status == "complete"}


def whole(world: World, backups: list[Committed]) -> None:  # noqa: F811
    """See that backups restore, and are what was recorded."""
    for backup in backups:
        result = prove(world.engine, world.repository, backup)
        assert result.status == Status.PASSED, details(result.findings)


def nothing_left(world: World) -> None:  # noqa: F811
    """See that no beat of a dead run is there, and no throw-away database; half of a beat goes when it is old."""
    repository = world.repository
    for torn in [beat for beat in beats(repository) if beat.verb == UNREADABLE]:
        for name in beat_names(repository, torn.run):
            world.storage.age(f"{world.alias}/{name}", timedelta(hours=25))
        sweep(world.engine, repository)
    assert beats(world.repository) == []
    assert world.engine.leftovers() == []


def kept(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """See that every object but beats is as it was: what restored before restores now."""
    changed = [name for name, data in before.items() if after.get(name) != data and "/runs/" not in name]
    assert changed == []


def backup_check(world: World, before: list[Committed]) -> Callable[[Point], None]:  # noqa: F811
    """Return what must hold after a backup died: earlier ones are as they were; the next one is taken and restores."""
    tree = dict(world.storage.objects)

    def check(point: Point) -> None:
        kept(tree, world.storage.objects)
        assert shown(world) == readable(world)
        done = back_up(world)
        assert done.problems == (), done.problems
        found = committed(world)
        assert [backup.digest for backup in found][: len(before)] == [backup.digest for backup in before]
        assert found[-1] == done.committed and len(found) - len(before) in (1, 2)
        whole(world, found[len(before) :])
        assert verify_backup(world.alias, level=Level.STORED).result.status == Status.PASSED
        assert shown(world) == {backup.manifest.run for backup in found}
        nothing_left(world)

    return check


def test_a_first_backup(filled: World) -> None:
    points = every_crash(filled, lambda: back_up(filled), backup_check(filled, []))
    assert points > 60


def test_a_backup_with_a_parent(filled: World) -> None:
    first = back_up(filled).committed
    whole(filled, [first])
    change(filled)
    points = every_crash(filled, lambda: back_up(filled), backup_check(filled, [first]))
    assert points > 45


def recording_check(world: World, verb: Callable[[], object]) -> Callable[[Point], None]:  # noqa: F811
    """Return what must hold after a verb died that only records: every backup is as it was, and it can be done again."""
    tree, before = dict(world.storage.objects), committed(world)
    rows = query(world.engine, ITEMS)

    def check(point: Point) -> None:
        kept(tree, world.storage.objects)
        assert committed(world) == before and query(world.engine, ITEMS) == rows
        # Half an hour passes: until then a server may still be making the database that the dead process asked for.
        with patch("backups.services.leftovers.DEAD_AFTER", timedelta(0)):
            verb()
        assert event_names(world.repository, before[-1].manifest.run)
        lines, _ = list_backups(world.alias)
        assert [line.id for line in lines] == [backup.manifest.run for backup in reversed(before)]
        nothing_left(world)

    return check


def torn_event(point: Point) -> bool:
    """Say whether half of a record is there: every verification names it, and says that it can be deleted."""
    return point.effect == Effect.CRASH_MIDDLE and "/events/" in point.operation.name


def test_a_verification(filled: World) -> None:
    back_up(filled)
    wrong: set[str] = set()

    def verb() -> None:
        result = verify_backup(filled.alias).result
        assert named(result.findings) == wrong, details(result.findings)

    check = recording_check(filled, verb)

    def check_or_name(point: Point) -> None:
        wrong.update({"events"} if torn_event(point) else ())
        check(point)
        wrong.clear()

    points = every_crash(filled, verb, check_or_name)
    assert points > 30


def test_a_restore(filled: World) -> None:
    back_up(filled)
    rows = query(filled.engine, ITEMS)

    def verb() -> None:
        target = filled.engine.at(filled.engine.resolve("restored"))
        # What has the name is whole and proven, even where its restore died before it could say so.
        again = target.exists()
        restore_backup(filled.alias, to="again" if again else "restored")
        assert query(target, ITEMS) == rows

    points = every_crash(filled, verb, recording_check(filled, verb))
    assert points > 30
