"""A backup that comes to no end is gone on from; one that was held up stops; two at once, held at each of their steps."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from backups import chain
from backups.engines.base import Engine
from backups.exceptions import HeartbeatLost, StorageUnavailable, UnknownBackup
from backups.repository import Repository, pulse
from backups.repository.repository import Repository as Opened
from backups.repository.runs import beats
from backups.services import restore
from backups.services.restore import restore_backup
from backups.services.verify import verify_all, verify_backup
from backups.verification import Level, Status
from tests.identities import age_identity
from tests.services.helpers import at_step, back_up, contents
from tests.yard import execute, path_of


@pytest.fixture(autouse=True)
def _told_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "ITEMS", 2)


class Stop(Exception):
    """The k-th step failed."""


def stop() -> None:
    raise Stop


def ids(repository: Repository) -> Counter[str]:
    """How often each id was stored."""
    place = Path(repository.objects.place())
    return Counter(
        path.name.partition(".")[0] for kind in ("chunks", "pages", "parts") for path in place.glob(f"{kind}/*/*")
    )


def test_a_backup_that_fails_at_any_step_is_gone_on_from(yard: Engine) -> None:
    back_up(yard)
    repository, number = Repository.open(yard.alias), 0
    while number := number + 3:
        execute(yard, f"UPDATE shop_order SET quantity = {1000 + number}")
        before = ids(repository)
        with at_step(number, stop):
            try:
                done = back_up(yard)
            except Stop:
                pass
            else:
                assert number > 12 and done.problems == ()
                return
        again = back_up(yard)
        # Of what had been told of, nothing was stored twice; the last few it had not come to tell.
        assert all(count == 1 for count in (ids(repository) - before).values()), number
        new = [name for name in ids(repository) if name not in before]
        if number > 6:
            assert any("were not stored again" in note for note in again.notes)
            assert again.committed.manifest.totals.new_chunks < len(new)
        assert beats(repository) == []
        assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


def test_what_two_failed_backups_had_stored_is_gone_on_from(yard: Engine) -> None:
    back_up(yard)
    execute(yard, "UPDATE shop_order SET quantity = 7")
    for number in (6, 7):
        with at_step(number, stop), pytest.raises(Stop):
            back_up(yard)
        execute(yard, "UPDATE shop_order SET quantity = 8 WHERE id > 40")
    repository = Repository.open(yard.alias)
    runs = {beat.run for beat in beats(repository)}
    assert len(runs) == 2
    (said,) = (note for note in back_up(yard).notes if "were not stored again" in note)
    assert all(run in said for run in runs)
    assert set(ids(repository).values()) == {1} and beats(repository) == []
    assert verify_backup(yard.alias).result.status == Status.PASSED


def test_rows_that_changed_meanwhile_are_read_again(yard: Engine) -> None:
    with at_step(12, stop), pytest.raises(Stop):
        back_up(yard)
    execute(yard, "UPDATE shop_order SET quantity = 77 WHERE id = 5", "DELETE FROM shop_order WHERE id = 6")
    back_up(yard)
    copy = restore_backup(yard.alias, to="resumed")
    try:
        assert contents(copy.target) == contents(yard)
    finally:
        copy.target.drop()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("what", ["marker", "parent"])
def test_a_backup_that_others_took_for_dead_is_not_committed(
    yard: Engine, monkeypatch: Any, when: str, what: str
) -> None:
    first = back_up(yard).committed
    commit = Opened.commit

    def sweep(repository: Repository) -> None:
        if what == "parent":
            path_of(repository, first.manifest.name).unlink()
            return
        (beat,) = beats(repository)
        for path in path_of(repository, f"runs/{beat.run}").iterdir():
            path.unlink()

    def swept(repository: Repository, manifest: Any) -> Any:
        if when == "before":
            # Between the first look and the commit there is nothing to hold; so it is seen after it.
            sweep(repository)
            return commit(repository, manifest)
        committed = commit(repository, manifest)
        sweep(repository)
        return committed

    with monkeypatch.context() as patched:
        patched.setattr(Opened, "commit", swept)
        with pytest.raises(HeartbeatLost, match="taken for dead" if what == "marker" else "was removed meanwhile"):
            back_up(yard)
    listing = Repository.open(yard.alias).listing()
    assert [listed.run for listed in listing] == ([first.manifest.run] if what == "marker" else [])


def test_an_encrypted_backup_is_gone_on_from_by_a_server_that_can_read_nothing(
    yard: Engine, settings: Any, tmp_path: Path
) -> None:
    identity = age_identity(tmp_path)
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": [identity.public]}
    with at_step(14, stop), pytest.raises(Stop):
        back_up(yard)
    done = back_up(yard)
    assert any("were not stored again" in note for note in done.notes)
    assert set(ids(Repository.open(yard.alias)).values()) == {1}
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    assert verify_backup(yard.alias).result.status == Status.PASSED


def test_what_was_sealed_for_others_is_stored_again(yard: Engine, settings: Any, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    identities = [age_identity(tmp_path), age_identity(tmp_path / "new")]
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": [identities[0].public]}
    with at_step(14, stop), pytest.raises(Stop):
        back_up(yard)
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [identity.public for identity in identities]}
    assert not any("were not stored again" in note for note in back_up(yard).notes)
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identities[1].path}
    assert verify_backup(yard.alias).result.status == Status.PASSED


def test_a_backup_whose_storage_is_full_can_be_gone_on_from(yard: Engine) -> None:
    def full() -> None:
        raise StorageUnavailable("The storage failed while writing: No space left on device.")

    with at_step(10, full), pytest.raises(StorageUnavailable):
        back_up(yard)
    assert any("were not stored again" in note for note in back_up(yard).notes)


@pytest.mark.slow
def test_two_writers_without_a_common_lock_lose_nothing_whenever_they_meet(yard: Engine, monkeypatch: Any) -> None:
    """As two hosts with a database file each: the fork is seen, both are whole, and the next backup closes it."""
    monkeypatch.setattr(type(yard), "lock", lambda *_: nullcontext())
    back_up(yard)
    repository = Repository.open(yard.alias)
    for number in count(1, 4):
        execute(yard, f"UPDATE shop_order SET quantity = {number}")
        with at_step(number, lambda: back_up(yard, full=True)) as done:
            back_up(yard, full=True)
        if len(done) < number:
            break
        closing = back_up(yard).committed
        there = repository.listing()
        assert len(there) == 4 + 3 * (number // 4) and there[-1].run == closing.manifest.run
        links = [repository.read_manifest(listed.name).link() for listed in there]
        assert chain.heads_of(links) == (closing.head,), number
        assert list(chain.breaks(links, (), ())) == []
    assert number > 12
    assert {p.result.status for p in verify_all(yard.alias, level=Level.STORED)} == {Status.PASSED}


def test_a_restore_looks_again_once_it_can_be_seen(yard: Engine, monkeypatch: Any) -> None:
    name = back_up(yard).committed.manifest.name

    @contextmanager
    def late(repository: Repository, *arguments: Any) -> Iterator[Any]:
        path_of(repository, name).unlink()
        with pulse.beating(repository, *arguments) as beat:
            yield beat

    monkeypatch.setattr(restore, "beating", late)
    with pytest.raises(UnknownBackup, match="was removed in this moment"):
        restore_backup(yard.alias, to="too_late")
    assert not yard.at("too_late").exists()


@pytest.mark.slow
def test_a_restore_beside_a_writer_gives_what_its_backup_recorded(yard: Engine, monkeypatch: Any) -> None:
    monkeypatch.setattr(type(yard), "lock", lambda *_: nullcontext())
    first = back_up(yard).committed
    then = contents(yard)
    numbers = range(1, 22, 3)
    for number in numbers:

        def change_and_back_up(number: int = number) -> None:
            execute(yard, f"UPDATE shop_order SET quantity = {number}")
            back_up(yard)

        with at_step(number, change_and_back_up, verb="get"):
            copy = restore_backup(yard.alias, first.manifest.run, to="beside")
        try:
            assert contents(copy.target) == then
        finally:
            copy.target.drop()
    assert len(Repository.open(yard.alias).listing()) == 1 + len(numbers)
