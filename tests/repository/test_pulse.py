"""A run's beats: what they tell of what was stored, when a run that was held up must stop, and what is adopted from it."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from backups.exceptions import HeartbeatLost, StorageUnavailable
from backups.manifest import Stored
from backups.repository import Repository, damage, pulse
from backups.repository.checkpoints import Checkpoints
from backups.repository.names import new_run, object_name
from backups.repository.pulse import Pulse, beating
from backups.repository.runs import Beat, beat_names, beats, dead, living, read_beat
from tests.yard import new_repository, path_of

DAY = timedelta(days=1)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return new_repository(tmp_path / "store")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that the clock on the wall, and the one that nobody sets, are ahead."""
    ahead, moment = [0.0, 0.0], pulse._moment
    monkeypatch.setattr(pulse, "_moment", lambda: tuple(a + b for a, b in zip(moment(), ahead, strict=True)))
    return ahead


def stored(run: str, number: int) -> Stored:
    ident = hashlib.sha256(b"%d" % number).hexdigest()
    return Stored(ident, object_name("chunk", ident, run), number, number, ident)


def fail(repository: Repository, run: str, objects: int, verb: str = "backup") -> None:
    """Have a run store some objects and fail."""
    with pytest.raises(ZeroDivisionError), beating(repository, run, verb, "yard") as beat:
        for number in range(objects):
            beat.stored("chunk", stored(run, number))
        raise ZeroDivisionError


def test_a_beat_goes_when_the_next_one_is_there_and_a_checkpoint_stays(repository, monkeypatch):
    monkeypatch.setattr(pulse, "ITEMS", 3)
    run = new_run()
    with beating(repository, run, "backup", "yard") as beat:
        beat.beat()
        assert beat_names(repository, run) == [f"runs/{run}/1"]
        for number in range(7):
            beat.stored("chunk", stored(run, number))
        beat.beat()
        beat.beat()
        counts = [len(read_beat(repository, name).stored) for name in beat_names(repository, run)]
        assert counts == [3, 3, 1, 0]
    assert repository.objects.folders("runs") == []


def test_what_a_run_was_about_to_do_goes_before_the_beats_that_tell_of_it(repository, monkeypatch):
    run, deleted = new_run(), []
    delete = repository.objects.delete
    monkeypatch.setattr(repository.objects, "delete", lambda name: (deleted.append(name), delete(name)))
    with beating(repository, run, "replace", "yard"):
        repository.objects.put(f"runs/{run}/promotion", b"")
    assert deleted == [f"runs/{run}/promotion", f"runs/{run}/0"] and repository.objects.folders("runs") == []


def test_much_stored_is_told_at_once(repository):
    run = new_run()
    with beating(repository, run, "backup", "yard") as beat:
        beat.stored("chunk", stored(run, pulse.BYTES - 1))
        assert len(beat_names(repository, run)) == 1
        beat.stored("chunk", stored(run, 1))
        assert len(beat_names(repository, run)) == 1 and len(read_beat(repository, f"runs/{run}/1").stored) == 2


def test_what_a_failed_backup_had_stored_is_adopted_by_its_id(repository, monkeypatch):
    monkeypatch.setattr(pulse, "ITEMS", 4)
    run, other = new_run(), new_run()
    fail(repository, run, 10)
    fail(repository, other, 0)
    assert [beat.run for beat in dead(repository)] == [run] and living(repository) == []
    left = Checkpoints.of_dead(repository, DAY)
    assert [left.adopt("chunk", stored(run, n).id) for n in range(10)] == [stored(run, n) for n in range(10)]
    assert (left.adopted, left.adopted_bytes) == (10, 45)
    assert left.adopt("chunk", stored(run, 10).id) is None and left.adopt("page", stored(run, 1).id) is None
    left.forget()
    assert repository.objects.folders("runs") == []


def test_only_what_is_signed_whole_recent_and_not_damaged_is_adopted(repository, monkeypatch):
    monkeypatch.setattr(pulse, "ITEMS", 4)
    run = new_run()
    fail(repository, run, 12)
    fail(repository, new_run(), 3, verb="verification")
    names = beat_names(repository, run)
    tampered = path_of(repository, names[1])
    tampered.write_bytes(tampered.read_bytes().replace(stored(run, 5).id.encode(), stored(run, 13).id.encode()))
    damage.note(repository, stored(run, 2).name, "gone", "chunk", stored(run, 2))
    left = Checkpoints.of_dead(repository, DAY)
    assert [n for n in range(14) if left.adopt("chunk", stored(run, n).id)] == [0, 1, 3, 8, 9, 10, 11]
    assert Checkpoints.of_dead(repository, timedelta(0)).runs == ()


@pytest.mark.parametrize("which", [0, 1])
def test_a_run_that_was_held_up_stops_whichever_clock_shows_it(repository, clock, which):
    run = new_run()
    with pytest.raises(HeartbeatLost, match="2880 minutes"), beating(repository, run, "backup", "yard") as beat:
        clock[which] = pulse.GIVE_UP.total_seconds() - 5
        beat.stored("chunk", stored(run, 1))
        clock[which] = DAY.total_seconds() * 2
        for _ in range(2):
            # Even its own beat does not make it seem to have lived all the time.
            with pytest.raises(HeartbeatLost):
                beat.beat()
        clock[which] = 0
        beat.stored("chunk", stored(run, 2))
    # What others may have swept meanwhile is not left to be adopted.
    assert repository.objects.folders("runs") == []


def test_a_run_that_was_held_up_in_the_middle_of_its_beat_is_told_too(repository, clock, monkeypatch):
    put = repository.objects.put

    def held_up(*arguments: object) -> None:
        clock[0] += DAY.total_seconds()
        put(*arguments)

    with pytest.raises(HeartbeatLost), beating(repository, new_run(), "backup", "yard") as beat:
        with monkeypatch.context() as patched:
            patched.setattr(repository.objects, "put", held_up)
            beat.beat()
        beat.confirm()


def test_a_storage_that_takes_no_beats_for_too_long_stops_it(repository, clock, monkeypatch):
    def refuse(*_: object) -> None:
        raise StorageUnavailable("The storage is full.")

    with pytest.raises(HeartbeatLost), beating(repository, new_run(), "backup", "yard") as beat:
        beat.confirm()
        with monkeypatch.context() as patched:
            patched.setattr(repository.objects, "put", refuse)
            for _ in range(2):
                clock[0] += pulse.GIVE_UP.total_seconds() / 2 + 1
                with pytest.raises((StorageUnavailable, HeartbeatLost)):
                    beat.beat()
        beat.confirm()


def test_a_run_whose_marker_somebody_removed_is_told(repository):
    run = new_run()
    with beating(repository, run, "backup", "yard") as beat:
        beat.confirm()
        path_of(repository, f"runs/{run}/0").unlink()
        with pytest.raises(HeartbeatLost, match="taken for dead by somebody"):
            beat.confirm()


def test_beats_come_by_themselves(repository, monkeypatch):
    monkeypatch.setattr(pulse, "EVERY", timedelta(milliseconds=5))
    with beating(repository, new_run(), "restore", "yard", target="copy"):
        deadline = datetime.now(UTC) + timedelta(seconds=20)
        while beats(repository)[0].beat == beats(repository)[0].started:
            assert datetime.now(UTC) < deadline
        (beat,) = living(repository)
        assert beat.target == "copy" and beat.stored == ()


def test_a_pulse_that_was_never_started_stops(repository):
    now = datetime.now(UTC).isoformat()
    Pulse(repository, Beat(new_run(), "drill", "yard", "here", 1, now, now)).stop()
    assert repository.objects.folders("runs") == []
