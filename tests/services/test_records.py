"""The catalogue is optional: what cannot be written there is said, never stops a verb, and is rebuilt from storage."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, StorageUnavailable, UnknownBackup
from backups.models import Backup, Check, Restore, RunStatus, Verification, VerificationStatus
from backups.repository import Repository
from backups.repository.names import new_run
from backups.repository.processes import mark_of
from backups.services.catalog import Asked
from backups.services.listing import find, list_backups
from backups.services.restore import restore_backup
from backups.services.sync import sync_backups
from backups.services.verify import level_of, verify_all, verify_backup
from backups.verification import Level, Status
from tests.databases import Server, registered
from tests.services.conftest import LedgerRouter
from tests.services.helpers import back_up, gone_process, leave_beat, manifest_path
from tests.yard import flip, path_of


def test_it_may_lie_in_another_database_than_the_one_that_is_backed_up(yard: Engine, ledger: str) -> None:
    run = back_up(yard).committed.manifest.run
    verify_backup(yard.alias)
    assert Backup.objects.using(ledger).get().pk == run and Verification.objects.using(ledger).get().backup_id == run
    assert not Backup.objects.using("default").exists()
    yard.drop()
    lines, note = list_backups(yard.alias)
    assert ([line.id for line in lines], note) == ([run], "")


@pytest.fixture(params=["read-only", "without tables", "gone"])
def broken(request: pytest.FixtureRequest, settings: Any, sqlite: Server) -> Iterator[str]:
    """A catalogue that nothing can be written to."""
    name = sqlite.new_name("broken")
    entry = sqlite.settings(name)
    file = Path(entry["NAME"])
    if request.param != "gone":
        sqlite.create(name)
    if request.param == "read-only":
        with registered(entry) as alias:
            call_command("migrate", "backups", database=alias, verbosity=0)
        entry = {**entry, "NAME": f"file:{file}?mode=ro", "OPTIONS": {"uri": True}}
    with registered(entry) as alias:
        settings.DATABASE_ROUTERS = ["tests.services.conftest.LedgerRouter"]
        LedgerRouter.alias = alias
        yield alias
        settings.DATABASE_ROUTERS = []
    assert file.exists() is (request.param != "gone")
    sqlite.drop(name)


def test_what_cannot_be_recorded_is_said_and_stops_nothing(yard: Engine, broken: str) -> None:
    done = back_up(yard)
    proof = verify_backup(yard.alias)
    copy = restore_backup(yard.alias, to="unrecorded")
    copy.target.drop()
    lines, told = list_backups(yard.alias)
    for note in (*done.notes, *proof.notes, *copy.notes, told):
        assert "catalogue" in note and (broken in note or "is not there" in note), note
    assert [len(notes) for notes in (done.notes, proof.notes, copy.notes)] == [1, 1, 1]
    assert (done.problems, proof.result.status, copy.result.status) == ((), Status.PASSED, Status.PASSED)
    assert [line.id for line in lines] == [done.committed.manifest.run] and lines[0].verification
    with pytest.raises(ConfigurationError, match="catalogue"):
        sync_backups(yard.alias)


class TestDead:
    """Runs whose process is gone are interrupted, not running."""

    @pytest.mark.parametrize("verb", ["back up", "verify", "restore", "list", "sync"])
    def test_the_next_run_of_any_verb_tells(self, yard: Engine, verb: str) -> None:
        committed = back_up(yard).committed
        where = {"started": committed.manifest.created, "database": yard.alias, "pid": gone_process()}
        here = {**where, "host": Backup.objects.get().host}
        backup = Backup.objects.create(id=new_run(), status=RunStatus.RUNNING, **here)
        proof = Verification.objects.create(
            id=new_run(), backup_id=committed.manifest.run, level="restore", status=RunStatus.RUNNING, **here
        )
        elsewhere = Backup.objects.create(id=new_run(), status=RunStatus.RUNNING, **where, host="elsewhere")
        {
            "back up": lambda: back_up(yard),
            "verify": lambda: verify_backup(yard.alias, level=Level.SIGNATURE),
            "restore": lambda: restore_backup(yard.alias, to="told").target.drop(),
            "list": lambda: list_backups(yard.alias),
            "sync": lambda: sync_backups(yard.alias),
        }[verb]()
        for row in (backup, proof, elsewhere):
            row.refresh_from_db()
        assert (backup.status, proof.status) == (RunStatus.INTERRUPTED, VerificationStatus.INTERRUPTED)
        assert "process is gone" in backup.error and elsewhere.status == RunStatus.RUNNING

    def test_one_whose_process_id_was_given_out_again_is_told_apart(self, yard: Engine) -> None:
        back_up(yard)
        done = Backup.objects.get()
        here = {"host": done.host, "pid": done.pid, "database": yard.alias, "status": RunStatus.RUNNING}
        here["started"] = datetime.now(UTC) - timedelta(hours=1)
        assert done.process == mark_of(os.getpid()) != ""
        boot, place, ticks = done.process.split(" ")
        marks = (done.process, "", f"{boot} {place} {ticks}0", f"another {place} {ticks}")
        same, untold, later, elsewhere = (Backup.objects.create(id=new_run(), process=mark, **here) for mark in marks)
        told = {line.id: line for line in list_backups(yard.alias)[0]}
        assert [told[row.pk].status for row in (same, untold)] == ["running"] * 2
        assert told[later.pk].status == "interrupted" and "process is gone" in told[later.pk].problem
        # A container of the same host name: its processes are not ours to see, so storage is asked.
        assert told[elsewhere.pk].status == "interrupted" and "no sign of life" in told[elsewhere.pk].problem

    def test_a_run_elsewhere_is_dead_once_its_beat_is_old(self, yard: Engine) -> None:
        back_up(yard)
        hour = datetime.now(UTC) - timedelta(hours=1)
        said = {"database": yard.alias, "status": RunStatus.RUNNING, "host": "elsewhere", "pid": 1, "started": hour}
        beating, silent, without, young = (Backup.objects.create(id=new_run(), **said) for _ in range(4))
        Backup.objects.filter(pk=young.pk).update(started=datetime.now(UTC))
        repository = Repository.open(yard.alias)
        leave_beat(repository, beating.pk, "backup", host="elsewhere", beat=datetime.now(UTC).isoformat())
        leave_beat(repository, silent.pk, "backup", host="elsewhere", beat=hour.isoformat())
        told = {line.id: line for line in list_backups(yard.alias)[0]}
        assert [told[row.pk].status for row in (beating, young)] == ["running"] * 2
        assert [told[row.pk].status for row in (silent, without)] == ["interrupted"] * 2
        assert "elsewhere has given no sign of life" in told[silent.pk].problem

    def test_where_storage_does_not_tell_a_run_elsewhere_is_not_dead(self, yard: Engine, monkeypatch: Any) -> None:
        back_up(yard)
        hour = datetime.now(UTC) - timedelta(hours=1)
        row = Backup.objects.create(
            id=new_run(), database=yard.alias, status=RunStatus.RUNNING, host="elsewhere", pid=1, started=hour
        )
        monkeypatch.setattr("backups.services.catalog.living", lambda *_: _refuse())
        lines, _ = list_backups(yard.alias)
        assert {line.id: line.status for line in lines}[row.pk] == "running"


def _refuse() -> None:
    raise StorageUnavailable("The storage is away.")


class TestVerify:
    """A verification is recorded in both places, and its backup's row is made where there is none."""

    def test_the_run_that_was_given_is_its_id(self, yard: Engine) -> None:
        back_up(yard)
        run = new_run()
        proof = verify_backup(yard.alias, run=run, asked=Asked("ada", "task"))
        row = Verification.objects.get()
        assert (proof.run, row.pk, row.status, row.requested_by) == (run, run, "passed", "ada")
        kept = [(check.name, check.table, check.status) for check in Check.objects.order_by("position")]
        assert kept == [(f.name, f.table, f.status.value) for f in proof.result.findings]

    def test_a_backup_that_the_catalogue_does_not_know_is_recorded_with_it(self, yard: Engine) -> None:
        run = back_up(yard).committed.manifest.run
        Backup.objects.all().delete()
        verify_backup(yard.alias, level=Level.STORED)
        assert Verification.objects.get().backup_id == Backup.objects.get().pk == run

    def test_of_a_manifest_that_cannot_be_read_the_result_is_recorded(self, yard: Engine) -> None:
        done = back_up(yard)
        flip(manifest_path(yard, done))
        proof = verify_backup(yard.alias)
        assert proof.result.status == Status.FAILED and proof.notes == ()
        assert Verification.objects.get().status == "failed"
        Backup.objects.all().delete()
        assert verify_backup(yard.alias).result.status == Status.FAILED and not Verification.objects.exists()

    def test_all_goes_on_where_one_is_damaged(self, yard: Engine) -> None:
        first = back_up(yard)
        second = back_up(yard)
        flip(manifest_path(yard, first))
        found = {proof.result.backup: proof for proof in verify_all(yard.alias, level=Level.STORED)}
        assert set(found) == {first.committed.manifest.run, second.committed.manifest.run}
        failed = {f.name for f in found[second.committed.manifest.run].result.findings if f.status == Status.FAILED}
        assert failed == {"chain"}

    def test_a_level_that_is_none_is_refused(self) -> None:
        assert level_of("stored") is Level.STORED
        with pytest.raises(ConfigurationError, match="no level 'thorough'"):
            level_of("thorough")


class TestFind:
    """Which backup is meant by ``latest-verified``."""

    def test_the_newest_whose_last_proof_by_restore_passed(self, yard: Engine) -> None:
        first = back_up(yard).committed
        verify_backup(yard.alias)
        back_up(yard)
        verify_backup(yard.alias, level=Level.STORED)
        repository = Repository.open(yard.alias)
        assert find(repository, "latest-verified").run == first.manifest.run
        flip(path_of(repository, first.manifest.parts["schema"].name))
        assert verify_backup(yard.alias, first.manifest.run).result.status == Status.FAILED
        with pytest.raises(UnknownBackup):
            find(repository, "latest-verified")

    def test_one_that_cannot_be_read_proves_nothing_and_stops_nothing(self, yard: Engine) -> None:
        first = back_up(yard).committed
        verify_backup(yard.alias)
        second = back_up(yard)
        verify_backup(yard.alias)
        flip(manifest_path(yard, second))
        assert find(Repository.open(yard.alias), "latest-verified").run == first.manifest.run


class TestSync:
    """Rebuilding changes nothing where nothing is missing."""

    def test_a_second_time_changes_nothing(self, yard: Engine) -> None:
        back_up(yard)
        verify_backup(yard.alias, level=Level.SIGNATURE)
        restore_backup(yard.alias, to="synced").target.drop()
        before = [list(model.objects.order_by("pk").values()) for model in (Backup, Verification, Restore)]
        for _ in range(2):
            synced = sync_backups(yard.alias)
            assert (synced.backups, synced.verifications, synced.restores, synced.problems) == (1, 2, 1, [])
            kept = [list(model.objects.order_by("pk").values()) for model in (Backup, Verification, Restore)]
            for rows in (*before, *kept):
                for row in rows:
                    row.pop("started", None)
            assert kept == before
