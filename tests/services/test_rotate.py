"""Rotating recipients: who can open what, before and after, and whenever it is killed on the way."""

import shutil
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.exceptions import CannotOpen, ConfigurationError, StorageUnavailable
from backups.repository import Repository
from backups.repository.storage import LocalObjects
from backups.services.rotate import rotate_recipients
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.identities import Identity, age_identity
from tests.services.helpers import back_up
from tests.yard import all_objects, details, execute, flip, path_of


@pytest.fixture
def people(settings: Any, tmp_path: Path) -> dict[str, Identity]:
    """Ada, who can open backups, and Bob, who is to."""
    made = {name: age_identity(tmp_path, name) for name in ("ada", "bob")}
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": [made["ada"].public]}
    return made


@pytest.fixture
def runs(yard: Engine, people: dict[str, Identity]) -> list[str]:
    """Three encrypted backups, which share chunks."""
    made = []
    for n in range(3):
        execute(yard, f"UPDATE shop_order SET quantity = {100 + n} WHERE id = {20 * n + 10}")
        made.append(back_up(yard).committed.manifest.run)
    return made


def objects(engine: Engine) -> dict[str, bytes]:
    repository = Repository.open(engine.alias)
    return {name: path_of(repository, name).read_bytes() for name in all_objects(repository)}


def opens(engine: Engine, runs: list[str]) -> bool:
    """Whether the identity in the settings opens these backups whole."""
    try:
        results = [verify_backup(engine.alias, run).result for run in runs]
    except CannotOpen:
        return False
    assert {result.status for result in results} == {Status.PASSED}, [details(result.findings) for result in results]
    return True


def test_a_new_recipient_opens_earlier_backups_and_no_chunk_is_touched(yard, people, runs, settings):
    ada, bob = people["ada"], people["bob"]
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [bob.public], "IDENTITY_FILE": bob.path}
    assert not opens(yard, runs)
    problems = rotate_recipients(yard.alias).problems
    assert len(problems) == len(runs) and all("could not be wrapped: " in problem for problem in problems)
    before = objects(yard)
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": ada.path}
    done = rotate_recipients(yard.alias)
    assert (done.wrapped, done.already, done.removed, done.problems) == (len(runs), 1, [ada.public], [])
    after = objects(yard)
    assert before.items() <= after.items()
    added = after.keys() - before.keys()
    assert {name.partition("/")[0] for name in added} == {"keys"}
    again = rotate_recipients(yard.alias)
    assert (again.wrapped, again.already) == (0, len(runs) + 1) and objects(yard) == after
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": bob.path}
    assert opens(yard, runs[-1:])
    # Who was removed still opens what there was, and nothing that is new.
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": ada.path}
    repository = Repository.open(yard.alias)
    assert repository.keys.data_key(runs[0])
    execute(yard, "UPDATE shop_order SET quantity = 9 WHERE id = 70")
    later = back_up(yard).committed.manifest.run
    with pytest.raises(CannotOpen, match="other recipients"):
        Repository.open(yard.alias).keys.data_key(later)


class Killed(BaseException):
    """What ends a process."""


def dying(step: int, *, after: bool) -> Any:
    """Return a put that kills before or after the key object of that number."""
    put, counted = LocalObjects.put, 0

    def falter(self: LocalObjects, name: str, *more: Any) -> None:
        nonlocal counted
        counted += name.startswith("keys/")
        if name.startswith("keys/") and counted == step:
            if after:
                put(self, name, *more)
            raise Killed
        put(self, name, *more)

    return falter


def rotated_until(monkeypatch: pytest.MonkeyPatch, engine: Engine, step: int, *, after: bool) -> bool:
    """Rotate and be killed there; return whether it came that far."""
    with monkeypatch.context() as patch:
        patch.setattr(LocalObjects, "put", dying(step, after=after))
        try:
            rotate_recipients(engine.alias)
        except Killed:
            return True
    return False


def test_killed_at_any_step_it_leaves_everything_readable_and_goes_on(
    yard, people, runs, settings, monkeypatch, tmp_path
):
    ada, bob = people["ada"], people["bob"]
    place = path_of(Repository.open(yard.alias), "")
    shutil.copytree(place, tmp_path / "whole")
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [bob.public, ada.public]}
    as_ada, as_bob = ({**settings.BACKUPS, "IDENTITY_FILE": person.path} for person in (ada, bob))
    points = 0
    for after, step in product((False, True), range(1, 2 * len(runs) + 3)):
        shutil.rmtree(place)
        shutil.copytree(tmp_path / "whole", place)
        before = objects(yard)
        settings.BACKUPS = as_ada
        assert rotated_until(monkeypatch, yard, step, after=after)
        points += 1
        repository = Repository.open(yard.alias)
        assert before.items() <= objects(yard).items()
        assert [len(repository.keys.data_key(run)) for run in runs] == [32] * len(runs)
        done = rotate_recipients(yard.alias)
        assert (done.wrapped + done.already, done.problems) == (len(runs) + 1, [])
        settings.BACKUPS = as_bob
        repository = Repository.open(yard.alias)
        assert [len(repository.keys.data_key(run)) for run in runs] == [32] * len(runs)
    assert not rotated_until(monkeypatch, yard, 1, after=False)
    print(f"{points} crash points of a rotation of {len(runs)} runs, and no key lost")
    assert opens(yard, runs[-1:])


def test_a_damaged_copy_is_made_up_for(yard, people, runs, settings):
    repository = Repository.open(yard.alias)
    for name in (f"keys/{runs[0]}/0", "keys/id/1"):
        flip(path_of(repository, name))
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": people["ada"].path}
    done = rotate_recipients(yard.alias)
    assert (done.wrapped, done.already, done.problems) == (2, 2, [])
    for name in (f"keys/{runs[0]}/0", "keys/id/1"):
        path_of(repository, name).unlink()
    assert opens(yard, runs[:1])


def test_the_signing_key_is_rotated_with_it(yard, people, runs, settings):
    settings.BACKUPS = {
        **settings.BACKUPS, "SIGNING_KEY": "two", "SIGNING_KEY_FALLBACKS": ["one"], "IDENTITY_FILE": people["ada"].path,
    }  # fmt: skip
    newest = back_up(yard).committed.manifest
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY_FALLBACKS": []}
    result = verify_backup(yard.alias, newest.run, level=Level.STORED).result
    assert "is signed with another key" in details(result.findings, "keys")
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY_FALLBACKS": ["one"]}
    assert rotate_recipients(yard.alias).wrapped == len(runs)
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY_FALLBACKS": []}
    findings = verify_backup(yard.alias, newest.run, level=Level.STORED).result.findings
    assert details(findings, "keys") == ""


def test_what_cannot_be_done_is_said_before_anything_is(yard, people, runs, settings):
    before, good = objects(yard), settings.BACKUPS
    with pytest.raises(CannotOpen, match="names no identity"):
        rotate_recipients(yard.alias)
    settings.BACKUPS = {**good, "RECIPIENTS": []}
    with pytest.raises(ConfigurationError, match="nobody to wrap keys to"):
        rotate_recipients(yard.alias)
    assert objects(yard) == before


def test_where_nothing_is_encrypted_there_is_nothing_to_wrap(yard, people, settings):
    encrypted, settings.BACKUPS = settings.BACKUPS, {"SIGNING_KEY": "one"}
    back_up(yard)
    settings.BACKUPS = {**encrypted, "IDENTITY_FILE": people["ada"].path}
    with pytest.raises(ConfigurationError, match=r"is encrypted\. Nothing was changed"):
        rotate_recipients(yard.alias)


def test_a_key_that_is_lost_does_not_stop_the_others(yard, people, runs, settings):
    repository = Repository.open(yard.alias)
    for n in (0, 1):
        path_of(repository, f"keys/{runs[1]}/{n}").write_bytes(b"rot")
    both = [person.public for person in people.values()]
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": both, "IDENTITY_FILE": people["ada"].path}
    done = rotate_recipients(yard.alias)
    assert done.wrapped == len(runs) and len(done.problems) == 1 and runs[1] in done.problems[0]


def test_a_storage_that_nothing_can_be_written_to_is_named(yard, people, runs, settings, monkeypatch):
    both = [person.public for person in people.values()]
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": both, "IDENTITY_FILE": people["ada"].path}

    def refuse(self, name, data):
        raise StorageUnavailable("No space left.")

    monkeypatch.setattr(LocalObjects, "put", refuse)
    with pytest.raises(StorageUnavailable, match="No space left"):
        rotate_recipients(yard.alias)
