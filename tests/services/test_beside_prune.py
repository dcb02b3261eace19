"""A prune beside a backup or a restore, one held at each of its steps while the other runs: nothing that counts is lost."""

import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.exceptions import BackupsError, HeartbeatLost
from backups.repository import Repository, pulse
from backups.services.prune import prune_backups
from backups.services.restore import restore_backup
from backups.services.verify import verify_all
from backups.verification import Level, Status
from tests.services.helpers import at_step, back_up, contents
from tests.yard import execute, path_of

pytestmark = pytest.mark.slow
STEP = int(os.environ.get("LIFEBOAT_HOLD_EVERY", "7"))
"""One in so many steps is held at: 1 tries them all, and takes minutes."""
DAYS = timedelta(days=2).total_seconds()


@pytest.fixture
def pruned(yard: Engine, settings: Any, monkeypatch: Any) -> Engine:
    """A database of which one backup is kept, without grace, and that two hosts can back up at once."""
    settings.BACKUPS = {**settings.BACKUPS, "RETENTION": {"last": 1}, "GRACE": timedelta(0)}
    monkeypatch.setattr(type(yard), "lock", lambda *_: nullcontext())
    change(yard, 1)
    back_up(yard)
    return yard


def change(engine: Engine, number: int) -> None:
    execute(engine, f"UPDATE shop_order SET quantity = {number}")


def whole(engine: Engine, number: int) -> None:
    """See that every backup that is listed is whole, and that none is missed."""
    found = {p.result.backup: p.result.status for p in verify_all(engine.alias, level=Level.STORED)}
    assert set(found.values()) == {Status.PASSED}, (number, found)


def overtake(engine: Engine) -> Callable[[], None]:
    """Return what makes a backup old: another is taken, and all but that one is pruned and swept where it may be."""

    def act() -> None:
        change(engine, 500)
        back_up(engine)
        for _ in range(2):
            prune_backups(engine.alias)

    return act


def test_a_backup_that_a_prune_overtakes_is_whole(pruned: Engine) -> None:
    for number in count(1, STEP):
        change(pruned, 100 + number)
        with at_step(number, overtake(pruned)) as done:
            back_up(pruned)
        if len(done) < number:
            break
        whole(pruned, number)
        prune_backups(pruned.alias)
        back_up(pruned)
        whole(pruned, number)
    assert number > 12


def test_a_parent_that_is_pruned_between_listing_and_reading_it_is_not_missed(pruned: Engine, monkeypatch: Any) -> None:
    acts, read = [overtake(pruned)], Repository.read_manifest

    def late(self: Repository, name: str) -> Any:
        if acts:
            acts.pop()()
        return read(self, name)

    monkeypatch.setattr(Repository, "read_manifest", late)
    change(pruned, 7)
    done = back_up(pruned)
    assert not acts and done.problems == ()
    assert [listed.sequence for listed in Repository.open(pruned.alias).listing()] == [2, 3]
    whole(pruned, 1)


def test_a_backup_that_wakes_up_two_days_later_is_not_committed(pruned: Engine, monkeypatch: Any) -> None:
    """Others took it for dead: its beats are gone, what it follows is swept, and so is what it had stored."""
    ahead, moment = [0.0], pulse._moment
    monkeypatch.setattr(pulse, "_moment", lambda: tuple(a + ahead[0] for a in moment()))
    repository = Repository.open(pruned.alias)
    for number in count(1, STEP):
        change(pruned, 100 + number)

        def two_days() -> None:
            for path in path_of(repository, "runs").glob("*/*"):
                path.unlink()
            ahead[0] += DAYS
            overtake(pruned)()

        listed: list[str] = []
        with at_step(number, two_days) as done:
            try:
                back_up(pruned)
            except HeartbeatLost as error:
                listed = [entry.run for entry in repository.listing()]
                assert "without a sign of life" in str(error) or "taken for dead" in str(error)
        if len(done) < number:
            break
        assert len(listed) == 1, number
        whole(pruned, number)
        assert repository.objects.folders("runs") == []
    assert number > 12


def test_a_backup_in_the_middle_of_a_prune_is_whole(pruned: Engine) -> None:
    for verb in ("put", "delete"):
        for number in count(1, STEP):
            for quantity in (300, 301):
                change(pruned, quantity + number)
                back_up(pruned)
            with at_step(number, lambda: back_up(pruned), verb=verb) as done:
                prune_backups(pruned.alias)
            whole(pruned, number)
            if len(done) < number:
                break
        assert number > STEP


def test_a_restore_that_a_prune_overtakes_is_what_its_backup_recorded(pruned: Engine) -> None:
    for number in range(1, 26, STEP):
        change(pruned, 100 + number)
        run = back_up(pruned).committed.manifest.run
        then = contents(pruned)
        with at_step(number, overtake(pruned), verb="get") as done:
            try:
                copy = restore_backup(pruned.alias, run, to=f"beside_{number}")
            except BackupsError as error:
                # It had not begun yet: it could not be seen, and made nothing.
                assert "removed in this moment" in str(error) or "missing" in str(error) or "no backup" in str(error), (
                    number
                )
                assert not pruned.at(f"beside_{number}").exists()
                continue
        assert len(done) > number
        try:
            assert contents(copy.target) == then, number
        finally:
            copy.target.drop()
