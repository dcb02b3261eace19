"""A process that dies at any operation on keys, or at its commit: keys are whole or made anew, and nobody is locked out."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from backups.services.backup import BackedUp, create_backup
from backups.services.leftovers import sweep
from backups.services.rotate import rotate_recipients
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import Point, World, crash_points, die, every_crash, world  # noqa: F401 (a fixture)
from tests.identities import age_identity
from tests.test_crashes import committed, filled, kept, nothing_left, whole  # noqa: F401 (a fixture)
from tests.yard import SMALL, details, execute


@pytest.fixture(autouse=True)
def _recipient(settings: Any, tmp_path_factory: pytest.TempPathFactory) -> None:
    """One recipient, whose identity is here: what is left must open."""
    made = age_identity(Path(tmp_path_factory.mktemp("keys")))
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [made.public], "IDENTITY_FILE": made.path}


def back_up(world: World) -> BackedUp:  # noqa: F811
    return create_backup(world.alias, limits=SMALL)


def matters(point: Point) -> bool:
    """Say whether the point is one that encryption adds: on keys, or the sealed manifest."""
    return "/keys/" in point.operation.name or "/backups/" in point.operation.name


@pytest.mark.parametrize("number", [1, 2], ids=["first", "second"])
def test_a_backup_that_dies_over_its_keys(filled: World, number: int) -> None:  # noqa: F811
    before = [back_up(filled).committed for _ in range(number - 1)]
    execute(filled.engine, "UPDATE items SET word = 'another' WHERE id = 7")
    tree = dict(filled.storage.objects)
    points = [point for point in crash_points(filled, lambda: back_up(filled)) if matters(point)]
    for point in points:
        die(filled, lambda: back_up(filled), point)
        kept(tree, filled.storage.objects)
        done = back_up(filled)
        assert done.problems == () and done.committed.manifest.encryption, point
        found = committed(filled)
        assert [backup.digest for backup in found][: len(before)] == [backup.digest for backup in before], point
        whole(filled, found[-1:])
        result = verify_backup(filled.alias, level=Level.STORED).result
        assert result.status == Status.PASSED, (str(point), details(result.findings))
        nothing_left(filled)
        filled.reset()
    print(f"{len(points)} crash points of an encrypted backup")
    assert len(points) > 30


def test_a_rotation_of_recipients_that_dies(filled: World, settings: Any, tmp_path_factory: Any) -> None:  # noqa: F811
    before = [back_up(filled).committed for _ in range(2)]
    added, ours = age_identity(Path(tmp_path_factory.mktemp("added"))), settings.BACKUPS
    rotated = {**ours, "RECIPIENTS": [*ours["RECIPIENTS"], added.public]}
    tree = dict(filled.storage.objects)

    def verb() -> None:
        assert rotate_recipients(filled.alias).problems == []

    def opens_all(identity: Path) -> None:
        settings.BACKUPS = {**rotated, "IDENTITY_FILE": identity}
        repository = filled.repository
        assert repository.keys.id_key()
        assert {len(repository.keys.data_key(backup.manifest.run)) for backup in before} == {32}
        settings.BACKUPS = rotated

    def check(point: Point) -> None:
        kept(tree, filled.storage.objects)
        opens_all(ours["IDENTITY_FILE"])
        verb()
        opens_all(added.path)
        assert committed(filled) == before
        for backup in before:
            result = verify_backup(filled.alias, backup.manifest.run, level=Level.STORED).result
            assert result.status == Status.PASSED, details(result.findings)
        # Half an hour passes, and the next run of any verb clears away what the dead one left.
        with patch("backups.services.leftovers.DEAD_AFTER", timedelta(0)):
            sweep(filled.engine, filled.repository)
        nothing_left(filled)

    settings.BACKUPS = rotated
    assert every_crash(filled, verb, check) > 20
