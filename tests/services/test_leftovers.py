"""What killed runs left is cleared away by the next run of any verb, and nothing that somebody may be working on."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from backups.engines.base import Engine
from backups.repository import Repository
from backups.repository.names import new_run
from backups.repository.runs import beats
from backups.services.leftovers import sweep
from backups.services.restore import restore_backup
from backups.services.verify import verify_backup
from tests.services.helpers import back_up, leave_beat


def scratch(engine: Engine, run: str, beside: Engine | None = None) -> Engine:
    """Leave a throw-away database of a run, beside the database itself or another."""
    made = (beside or engine).at(engine.scratch_name(run))
    with engine.snapshot() as snapshot:
        made.create(snapshot.facts())
    return made


def test_the_database_of_a_killed_run_is_dropped_and_the_run_forgotten(any_yard: Engine) -> None:
    back_up(any_yard)
    repository, run = Repository.open(any_yard.alias), new_run()
    left = scratch(any_yard, run)
    try:
        leave_beat(repository, run, "verification")
        assert sweep(any_yard, repository) == []
        assert not left.exists() and any_yard.exists()
        assert beats(repository) == [] and repository.objects.folders("runs") == []
    finally:
        left.drop()


def test_a_run_is_not_forgotten_while_its_server_may_still_be_making_its_database(any_yard: Engine) -> None:
    back_up(any_yard)
    repository, run, now = Repository.open(any_yard.alias), new_run(), datetime.now(UTC).isoformat()
    leave_beat(repository, run, "verification", beat=now)
    sweep(any_yard, repository)
    left = scratch(any_yard, run)
    try:
        sweep(any_yard, repository)
        assert not left.exists() and [beat.run for beat in beats(repository)] == [run]
    finally:
        left.drop()


def test_what_may_be_somebody_elses_is_left_alone(any_yard: Engine) -> None:
    back_up(any_yard)
    repository = Repository.open(any_yard.alias)
    now = datetime.now(UTC).isoformat()
    runs = {name: new_run() for name in ("unknown", "living", "living and silent", "elsewhere", "forged")}
    left = {name: scratch(any_yard, run) for name, run in runs.items()}
    try:
        leave_beat(repository, runs["living"], "verification", pid=os.getpid(), beat=now)
        leave_beat(repository, runs["living and silent"], "verification", pid=os.getpid())
        leave_beat(repository, runs["elsewhere"], "restore", host="elsewhere", beat=now)
        forged = leave_beat(repository, runs["forged"], "verification")
        beat = Path(repository.objects.place(), "runs", forged.run, "0")
        beat.write_bytes(beat.read_bytes().replace(b'"verification"', b'"restoration!"'))
        assert sweep(any_yard, repository) == []
        assert [name for name, database in left.items() if not database.exists()] == []
        assert len(repository.objects.folders("runs")) == 4
    finally:
        for database in left.values():
            database.drop()


def test_a_run_elsewhere_is_dead_after_half_an_hour_without_a_beat(yard: Engine) -> None:
    back_up(yard)
    repository, run = Repository.open(yard.alias), new_run()
    left = scratch(yard, run)
    leave_beat(repository, run, "verification", host="elsewhere")
    sweep(yard, repository)
    assert not left.exists()


def test_a_killed_restore_is_looked_for_beside_the_name_that_it_was_to_make(yard: Engine, tmp_path: Path) -> None:
    back_up(yard)
    repository, run = Repository.open(yard.alias), new_run()
    (tmp_path / "other").mkdir()
    target = yard.at(str(tmp_path / "other" / "restored.sqlite3"))
    left = scratch(yard, run, beside=target)
    leave_beat(repository, run, "restore", target=target.name)
    sweep(yard, repository)
    assert list((tmp_path / "other").iterdir()) == [] and not left.exists()


def test_a_restore_that_was_killed_between_its_two_names_keeps_the_one_that_was_asked_for(yard: Engine) -> None:
    back_up(yard)
    repository, run = Repository.open(yard.alias), new_run()
    target = Path(yard.name).with_name("restored.sqlite3")
    target.write_bytes(Path(yard.name).read_bytes())
    left = target.with_name(yard.scratch_name(run))
    os.link(target, left)
    leave_beat(repository, run, "restore", target=str(target))
    try:
        sweep(yard, repository)
        assert not left.exists() and target.read_bytes() == Path(yard.name).read_bytes()
    finally:
        target.unlink()


def prove(engine: Engine) -> object:
    return verify_backup(engine.alias)


def restore(engine: Engine) -> object:
    copy = restore_backup(engine.alias, to="swept")
    copy.target.drop()
    return copy


@pytest.mark.parametrize("verb", [back_up, prove, restore])
def test_every_verb_sweeps(yard: Engine, verb: Callable[[Engine], object]) -> None:
    back_up(yard)
    repository, run = Repository.open(yard.alias), new_run()
    left = scratch(yard, run)
    leave_beat(repository, run, "drill")
    verb(yard)
    assert not left.exists() and beats(repository) == []


def test_what_cannot_be_cleared_away_is_told_and_tried_again(yard: Engine) -> None:
    back_up(yard)
    repository, run = Repository.open(yard.alias), new_run()
    nowhere = "/nowhere/restored.sqlite3"
    leave_beat(repository, run, "restore", target="nowhere/")
    (note,) = verify_backup(yard.alias).notes
    assert run in note and "could not be cleared away" in note
    assert len(beats(repository)) == 1
    leave_beat(repository, second := new_run(), "restore", target=nowhere)
    assert sweep(yard, repository) == [note] and [beat.run for beat in beats(repository)] == [run] and second != run


def test_temporary_files_and_empty_folders_go_when_they_are_old(yard: Engine) -> None:
    back_up(yard)
    repository = Repository.open(yard.alias)
    place = Path(repository.objects.place())
    old, new = place / "tmp" / "old", place / "tmp" / "new"
    folders = [place / "runs" / new_run() for _ in range(2)]
    for path in (old, new):
        path.write_bytes(b"half an object")
    for folder in folders:
        folder.mkdir()
    for path in (old, folders[0]):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    sweep(yard, repository)
    assert [path.exists() for path in (old, new, *folders)] == [False, True, False, True]


def test_beats_that_cannot_be_read_go_when_they_are_old_and_nothing_else_goes_with_them(yard: Engine) -> None:
    back_up(yard)
    repository = Repository.open(yard.alias)
    place = Path(repository.objects.place(), "runs")
    old, within_grace, promoting = (new_run() for _ in range(3))
    left = scratch(yard, old)
    for run, hours in ((old, 25), (within_grace, 2), (promoting, 25)):
        leave_beat(repository, run, "backup")
        (place / run / "0").write_bytes(b"half")
        os.utime(place / run / "0", (time.time() - hours * 3600,) * 2)
    (place / promoting / "promotion").write_bytes(b"half")
    try:
        assert sweep(yard, repository) == []
        assert {path.name for path in place.iterdir()} == {within_grace, promoting}
        # Whose database it is, only a signed beat says.
        assert left.exists()
    finally:
        left.drop()
