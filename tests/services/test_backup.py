"""The verb *back up*: what it records, what it says is wrong with what was there, and what never stops it."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from backups import chain
from backups.chain import Head
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, HeartbeatLost, ObjectRemoved, SourceError, UnknownBackup
from backups.models import Backup, RunStatus
from backups.progress import Step
from backups.repository import Repository, pulse
from backups.repository.names import new_run
from backups.repository.runs import beats
from backups.repository.storage import LocalObjects
from backups.services.backup import BackedUp
from backups.services.catalog import Asked
from backups.services.sync import sync_backups
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.services.helpers import back_up, contents, manifest_path
from tests.yard import execute, flip


def test_it_is_recorded_with_who_asked_and_the_run_that_was_given(yard: Engine) -> None:
    run = new_run()
    done = back_up(yard, run=run, asked=Asked("ada", "admin"))
    manifest = done.committed.manifest
    assert (manifest.run, manifest.requested_by, manifest.requested_via) == (run, "ada", "admin")
    row = Backup.objects.get()
    assert (row.pk, row.database, row.status, row.sequence) == (run, yard.alias, RunStatus.COMPLETE, 1)
    assert (row.digest, row.repository) == (done.committed.digest, manifest.repository)
    assert row.contents["shop_order"] == 79 and (row.requested_by, row.requested_via) == ("ada", "admin")
    assert done.problems == () and done.notes == ()
    assert beats(Repository.open(yard.alias)) == []


def test_it_tells_how_far_it_has_come(yard: Engine) -> None:
    steps: list[Step] = []
    back_up(yard, progress=steps.append)
    orders = [step for step in steps if (step.stage, step.table) == ("rows", "shop_order")]
    assert (orders[-1].rows, orders[-1].total_rows) == (79, 79) and orders[-1].bytes > 0
    assert [step.rows for step in orders] == sorted(step.rows for step in orders)


def interrupt(step: Step) -> None:
    if step.stage == "rows":
        raise KeyboardInterrupt


def fail(step: Step) -> None:
    if step.stage == "rows":
        raise SourceError("It went away.", hint="Look for it.")


@pytest.mark.parametrize(
    ("progress", "raised", "status"),
    [(interrupt, KeyboardInterrupt, RunStatus.INTERRUPTED), (fail, SourceError, RunStatus.FAILED)],
)
def test_one_that_does_not_come_to_its_end_commits_nothing(
    yard: Engine, progress: Callable[[Step], None], raised: type[BaseException], status: RunStatus
) -> None:
    with pytest.raises(raised):
        back_up(yard, progress=progress)
    repository = Repository.open(yard.alias)
    assert repository.listing() == [] and beats(repository) == []
    row = Backup.objects.get()
    assert (row.status, row.sequence) == (status, None)
    assert (row.error, row.hint) == (
        ("It went away.", "Look for it.") if raised is SourceError else (raised.__name__, "")
    )
    assert back_up(yard).committed.manifest.sequence == 1


def test_of_a_database_that_is_not_there_nothing_is_begun(yard: Engine) -> None:
    yard.drop()
    with pytest.raises(SourceError):
        back_up(yard)
    with pytest.raises(UnknownBackup):
        Repository.open(yard.alias)
    assert not Backup.objects.exists()


def test_nothing_is_begun_where_encryption_is_asked_for(yard: Engine, settings: Any) -> None:
    settings.BACKUPS = {"RECIPIENTS": ["age1"]}
    with pytest.raises(ConfigurationError, match="RECIPIENTS"):
        back_up(yard)
    with pytest.raises(UnknownBackup):
        Repository.open(yard.alias)


class WriteOnly(FileSystemStorage):
    """A storage that nobody may delete from, such as a bucket whose objects are locked."""

    def delete(self, name: str) -> None:
        raise PermissionError("Objects here are kept.")


def test_a_storage_that_deletes_nothing_holds_up_no_backup(yard: Engine, settings: Any) -> None:
    kept = {**settings.STORAGES["backups"], "BACKEND": "tests.services.test_backup.WriteOnly"}
    settings.STORAGES = {**settings.STORAGES, "backups": kept}
    assert back_up(yard).problems == () and back_up(yard).problems == ()
    assert verify_backup(yard.alias).result.status == Status.PASSED
    assert Backup.objects.filter(status=RunStatus.COMPLETE).count() == 2


class TestNumbers:
    """No number that the catalogue or the storage has seen is given out again."""

    def test_they_count_up(self, yard: Engine) -> None:
        done = [back_up(yard).committed for _ in range(3)]
        assert [one.manifest.sequence for one in done] == [1, 2, 3]
        assert [one.manifest.heads for one in done] == [(), (done[0].head,), (done[1].head,)]

    def test_of_a_storage_that_was_rolled_back(self, yard: Engine) -> None:
        for number in range(3):
            done = back_up(yard)
            if number:
                manifest_path(yard, done).unlink()
        after = back_up(yard)
        assert after.committed.manifest.sequence == 4
        (problem,) = after.problems
        assert "The catalogue has seen backup number 3, and the newest in storage is 1" in problem
        assert back_up(yard).problems == ()
        proof = verify_backup(yard.alias, level=Level.SIGNATURE).result
        missed = " ".join(finding.detail for finding in proof.findings if finding.status == Status.FAILED)
        assert "Backups number 2 to 3 were removed" in missed

    def test_of_a_storage_that_was_emptied(self, yard: Engine) -> None:
        done = back_up(yard)
        shutil.rmtree(done.place)
        after = back_up(yard)
        assert after.committed.manifest.repository != done.committed.manifest.repository
        (problem,) = after.problems
        assert "the catalogue knows 1 in another repository" in problem and "not mounted" in problem
        assert back_up(yard).problems == ()

    def test_of_one_that_lies_in_the_trash(self, yard: Engine) -> None:
        path = manifest_path(yard, back_up(yard))
        trash = path.parents[1] / "trash"
        trash.mkdir()
        (trash / f"00000009-{new_run()}").write_bytes(b"")
        assert back_up(yard).committed.manifest.sequence == 10


class TestStrangers:
    """A newest backup that this catalogue has not seen."""

    def test_one_is_told_once_and_the_backup_is_taken(self, yard: Engine) -> None:
        back_up(yard)
        forgotten = back_up(yard)
        Backup.objects.filter(pk=forgotten.committed.manifest.run).delete()
        after = back_up(yard)
        (problem,) = after.problems
        assert "another process writes to this repository, or this database was rewound" in problem
        assert after.committed.manifest.heads == (forgotten.committed.head,)
        assert back_up(yard).problems == ()

    @pytest.mark.parametrize("cure", ["adopt", "sync"])
    def test_it_is_accepted_where_somebody_says_so(self, yard: Engine, cure: str) -> None:
        back_up(yard)
        Backup.objects.filter(pk=back_up(yard).committed.manifest.run).delete()
        if cure == "sync":
            sync_backups(yard.alias)
        assert back_up(yard, adopt=cure == "adopt").problems == ()

    def test_our_own_is_known_again_whose_process_was_killed_after_its_commit(self, yard: Engine) -> None:
        back_up(yard)
        killed = back_up(yard).committed
        Backup.objects.filter(pk=killed.manifest.run).update(
            status=RunStatus.RUNNING, sequence=None, digest="", repository="", host="elsewhere"
        )
        assert back_up(yard).problems == ()
        row = Backup.objects.get(pk=killed.manifest.run)
        assert (row.status, row.sequence, row.digest) == (RunStatus.COMPLETE, 2, killed.digest)

    def test_without_a_catalogue_nothing_is_strange(self, yard: Engine) -> None:
        back_up(yard)
        Backup.objects.all().delete()
        assert back_up(yard).problems == ()


def two_writers(yard: Engine) -> list[BackedUp]:
    """Have two writers, who did not see each other, take the same number."""
    back_up(yard)
    first = back_up(yard)
    path = manifest_path(yard, first)
    aside = path.rename(path.parents[1] / "aside")
    Backup.objects.filter(pk=first.committed.manifest.run).delete()
    execute(yard, "UPDATE shop_order SET quantity = 1000 WHERE id = 1")
    second = back_up(yard)
    aside.rename(path)
    sync_backups(yard.alias)
    return [first, second]


def test_a_fork_of_two_writers_is_closed_by_the_next_backup(yard: Engine) -> None:
    forks = two_writers(yard)
    assert [done.committed.manifest.sequence for done in forks] == [2, 2]
    repository = Repository.open(yard.alias)

    def heads() -> tuple[Head, ...]:
        return chain.heads_of([repository.read_manifest(listed.name).link() for listed in repository.listing()])

    assert set(heads()) == {done.committed.head for done in forks}
    closing = back_up(yard)
    assert (closing.committed.manifest.sequence, closing.problems) == (3, ())
    assert set(closing.committed.manifest.heads) == {done.committed.head for done in forks}
    assert heads() == (closing.committed.head,)
    for listed in repository.listing():
        assert verify_backup(yard.alias, listed.run).result.status == Status.PASSED


def test_a_damaged_newest_manifest_is_told_and_the_one_before_it_followed(yard: Engine) -> None:
    first = back_up(yard)
    flip(manifest_path(yard, back_up(yard)))
    after = back_up(yard)
    assert after.committed.manifest.sequence == 3
    assert after.committed.manifest.heads == (first.committed.head,)
    assert any("is damaged" in problem and "verify_backup tells what is lost" in problem for problem in after.problems)


def test_an_adopted_database_is_told_in_the_manifest(yard: Engine, tmp_path: Path) -> None:
    back_up(yard)
    before = contents(yard)
    done = back_up(yard, adopt=True, full=True)
    assert done.committed.manifest.options == {"full": True, "adopt": True}
    assert contents(yard) == before


@contextmanager
def removed_when_put(folder: str, also: Callable[[], None] = lambda: None) -> Iterator[list[str]]:
    """Remove the first object of a folder as soon as it was put, as a lifecycle rule would; yields its name."""
    gone: list[str] = []
    put = LocalObjects.put

    def putting(self: LocalObjects, name: str, data: bytes) -> None:
        put(self, name, data)
        if name.startswith(folder) and not gone:
            gone.append(name)
            self.delete(name)
            also()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalObjects, "put", putting)
        yield gone


@pytest.mark.parametrize("folder", ["chunks/", "parts/"])
def test_what_is_removed_as_soon_as_it_was_stored_is_named_and_nothing_is_committed(yard: Engine, folder: str) -> None:
    with removed_when_put(folder) as gone, pytest.raises(ObjectRemoved, match="had just stored") as raised:
        back_up(yard)
    assert gone[0] in str(raised.value) and Repository.open(yard.alias).where in str(raised.value)
    assert "Nothing was committed" in raised.value.hint and "lifecycle rule" in raised.value.hint
    assert Repository.open(yard.alias).listing() == [] and Backup.objects.get().error == str(raised.value)
    back_up(yard)
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


def test_one_that_was_held_up_for_too_long_says_that_it_may_have_been_taken_for_dead(
    yard: Engine, monkeypatch: Any
) -> None:
    ahead, moment = [0.0], pulse._moment
    monkeypatch.setattr(pulse, "_moment", lambda: tuple(a + ahead[0] for a in moment()))
    with (
        removed_when_put("chunks/", lambda: ahead.append(ahead.pop() + 3600)),
        pytest.raises(HeartbeatLost, match="taken it for dead"),
    ):
        back_up(yard)
    assert Repository.open(yard.alias).listing() == []
