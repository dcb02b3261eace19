"""Whose heart still beats: by the process, told apart from a later one of its id, by time, and where a beat cannot be read."""

import os
import socket
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups.repository import Repository, processes
from backups.repository.names import new_run
from backups.repository.processes import mark_of
from backups.repository.pulse import beating
from backups.repository.runs import DEAD_AFTER, UNREADABLE, Beat, beats, dead, living, put_beat, read_beat
from tests.services.helpers import gone_process
from tests.yard import new_repository, path_of

NOW = datetime.now(UTC)
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no other kernel tells when a process began")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return new_repository(tmp_path / "store")


def beat(process: str, *, pid: int = 0, host: str = "", age: timedelta = timedelta(0)) -> Beat:
    moment = (NOW - age).isoformat()
    return Beat(
        new_run(), "backup", "yard", host or socket.gethostname(), pid or os.getpid(), moment, moment, process=process
    )


def fate(beat: Beat) -> tuple[bool, bool]:
    return beat.alive(NOW), beat.dead(NOW)


def other(place: int) -> str:
    """This process's mark, with another boot (0), namespace (1) or beginning (2)."""
    words = mark_of(os.getpid()).split(" ")
    words[place] = f"{words[place]}0"
    return " ".join(words)


@linux
def test_a_process_is_told_apart_from_a_later_one_of_its_id() -> None:
    assert fate(beat(mark_of(os.getpid()))) == (True, False)
    assert fate(beat(mark_of(os.getpid()), age=DEAD_AFTER)) == (False, False)
    assert fate(beat(other(2))) == (False, True)
    assert fate(beat(other(2), pid=gone_process())) == (False, True)
    assert mark_of(gone_process()) == "" and mark_of(os.getpid()) != mark_of(os.getppid())


@linux
@pytest.mark.parametrize("place", [0, 1], ids=["boot", "namespace"])
def test_where_a_host_of_that_name_is_another_only_time_tells(place: int) -> None:
    assert fate(beat(other(place))) == (True, False)
    assert fate(beat(other(place), age=DEAD_AFTER)) == (False, True)


def test_where_the_platform_does_not_tell_a_process_of_that_id_is_the_same(tmp_path, monkeypatch) -> None:
    there = mark_of(os.getpid())
    monkeypatch.setattr(processes, "_PROC", tmp_path)
    assert mark_of(os.getpid()) == ""
    for mark in ("", there, "another boot 1"):
        assert fate(beat(mark)) == (True, False)
        assert fate(beat(mark, age=DEAD_AFTER)) == (False, False)
        assert fate(beat(mark, pid=gone_process())) == (False, True)


def test_a_run_says_which_process_it_is(repository: Repository) -> None:
    with beating(repository, new_run(), "restore", "yard"):
        (found,) = living(repository)
        assert found.process == mark_of(os.getpid())


def unreadable(repository: Repository, age: timedelta, number: int = 0, run: str = "") -> str:
    """Leave half of a beat that the storage got so long ago."""
    run = run or new_run()
    path = path_of(repository, f"runs/{run}/{number}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"lifeboat beat 1 5f0c")
    then = time.time() - age.total_seconds()
    os.utime(path, (then, then))
    return run


def test_a_run_whose_beat_cannot_be_read_is_alive_while_it_is_young(repository: Repository) -> None:
    young = unreadable(repository, timedelta(minutes=29))
    old = unreadable(repository, timedelta(minutes=31))
    assert [(beat.run, beat.verb) for beat in living(repository)] == [(young, UNREADABLE)]
    assert [(beat.run, beat.verb) for beat in dead(repository)] == [(old, UNREADABLE)]


def test_it_began_when_its_name_says_unless_that_is_later(repository: Repository) -> None:
    early = "20261101T000000Z-3f9a2c"
    unreadable(repository, timedelta(0), run=early)
    late = unreadable(repository, timedelta(hours=1))
    found = {beat.run: beat for beat in beats(repository)}
    assert found[early].started[:10] == "2026-11-01"
    assert found[late].started == found[late].beat


def test_the_beat_before_one_that_cannot_be_read_tells(repository: Repository) -> None:
    there = beat("")
    put_beat(repository, there, 3)
    unreadable(repository, timedelta(0), 4, there.run)
    assert beats(repository) == [there] == [read_beat(repository, f"runs/{there.run}/3")]
