"""The tasks: what each returns, records and logs, called as plain functions."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backups import tasks
from backups.engines import engine_for
from backups.exceptions import ConfigurationError, LockHeld, SourceError, UnknownBackup
from backups.models import Backup, Restore, Verification
from backups.repository.names import new_run
from backups.services import queue
from backups.services.catalog import Asked
from tests.catalogue import catalogue, fresh, listed
from tests.databases import registered
from tests.yard import flip

__all__ = ["catalogue"]

pytestmark = pytest.mark.usefixtures("catalogue")


class TestBackUp:
    """backups.tasks.back_up."""

    def test_it_returns_the_ids_of_the_backups(self) -> None:
        runs = tasks.back_up("default", requested_by="ada")
        assert listed() == runs
        row = Backup.objects.get(pk=runs[0])
        assert (row.status, row.requested_by, row.requested_via) == ("complete", "ada", "task")

    def test_what_goes_in_and_comes_out_is_json(self) -> None:
        assert json.loads(json.dumps(tasks.back_up(database="all"))) == listed()

    def test_the_run_that_was_given(self) -> None:
        run = new_run()
        assert tasks.back_up("default", run=run) == [run] == listed()

    def test_one_that_fails_does_not_stop_the_others(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        gone = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "gone")}
        with registered(gone) as alias, pytest.raises(SourceError) as raised:
            tasks.back_up()
        assert len(listed("default")) == 1
        failed = Backup.objects.get(database=alias)
        assert (failed.status, failed.error) == ("failed", str(raised.value))
        assert str(raised.value) in caplog.text

    def test_a_failure_before_it_began_is_recorded(self) -> None:
        engine = engine_for("default")
        with engine.lock(new_run()), pytest.raises(LockHeld):
            tasks.back_up("default")
        row = Backup.objects.get()
        assert row.status == "failed"
        assert "Wait until it has finished" in row.hint

    def test_what_was_found_wrong_is_logged(self, caplog: pytest.LogCaptureFixture, catalogue: Path) -> None:
        tasks.back_up("default")
        tasks.back_up("default")
        newest = max((catalogue / "default" / "backups").iterdir())
        newest.write_bytes(b"damaged")
        tasks.back_up("default")
        assert "damaged" in caplog.text

    def test_one_run_is_of_one_database(self, tmp_path: Path) -> None:
        second = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "b")}
        with registered(second), pytest.raises(ConfigurationError, match="is of one database"):
            tasks.back_up("all", run=new_run())


class TestVerify:
    """backups.tasks.verify."""

    def test_it_returns_the_ids_of_the_verifications(self) -> None:
        (backup,) = tasks.back_up("default")
        (run,) = tasks.verify(database="default")
        row = Verification.objects.get(pk=run)
        assert (row.status, row.level, row.backup_id) == ("passed", "restore", backup)
        assert row.checks.filter(status="passed").count() == row.checks.count() > 10

    def test_every_backup_least_recently_checked_first(self) -> None:
        backups = [tasks.back_up("default")[0] for _ in range(3)]
        tasks.verify(backups[0], "default", level="signature")
        runs = tasks.verify("all", "default", level="signature")
        assert [Verification.objects.get(pk=run).backup_id for run in runs] == [*backups[1:], backups[0]]

    def test_none_is_begun_after_the_time_is_up(self) -> None:
        tasks.back_up("default")
        assert tasks.verify("all", "default", level="signature", max_duration=-1) == []

    def test_a_damaged_backup_is_a_result(self, catalogue: Path, caplog: pytest.LogCaptureFixture) -> None:
        tasks.back_up("default")
        flip(next((catalogue / "default" / "chunks").rglob("*.*")))
        (run,) = tasks.verify(database="default")
        assert Verification.objects.get(pk=run).status == "failed"
        assert f"Verification {run}" in caplog.text

    def test_a_manifest_that_cannot_be_read_is_a_result_as_well(self, catalogue: Path) -> None:
        (backup,) = tasks.back_up("default")
        flip(next((catalogue / "default" / "backups").iterdir()))
        (run,) = tasks.verify(backup, "default")
        row = Verification.objects.get(pk=run)
        assert (row.status, row.backup_id) == ("failed", backup)
        assert row.checks.get(name="signature").status == "failed"

    def test_no_such_level(self) -> None:
        with pytest.raises(ConfigurationError, match="no level 'deep'"):
            tasks.verify(database="default", level="deep")

    def test_nothing_to_verify(self) -> None:
        with pytest.raises(UnknownBackup, match="no repository"):
            tasks.verify(database="default")


class TestRestore:
    """backups.tasks.restore."""

    def test_into_a_fresh_database(self) -> None:
        (backup,) = tasks.back_up("default")
        (run,) = tasks.restore(backup, "default", "restored_by_task")
        row = Restore.objects.get(pk=run)
        path = fresh("restored_by_task")
        try:
            with closing(sqlite3.connect(path)) as connection:
                assert connection.execute("SELECT count(*) FROM shop_customer").fetchone() == (3,)
            assert (row.status, row.target, row.verification.status) == ("complete", str(path), "passed")
        finally:
            path.unlink(missing_ok=True)

    def test_the_admins_setting_is_asked_again(self, settings: Any) -> None:
        (backup,) = tasks.back_up("default")
        settings.BACKUPS = {"ALLOW_RESTORE_FROM_ADMIN": False}
        run = new_run()
        queue.queue(Restore, run, "default", Asked("ada", "admin"), backup_id=backup, target="x")
        with pytest.raises(ConfigurationError, match="not allowed here"):
            tasks.restore(backup, "default", "refused", run=run, requested_via="admin")
        assert not fresh("refused").exists()
        assert Restore.objects.get(pk=run).status == "failed"

    def test_a_task_of_the_projects_own_needs_no_such_setting(self, settings: Any) -> None:
        (backup,) = tasks.back_up("default")
        settings.BACKUPS = {"ALLOW_RESTORE_FROM_ADMIN": False}
        try:
            assert tasks.restore(backup, "default", "allowed")
        finally:
            fresh("allowed").unlink(missing_ok=True)


class TestSyncAndDrill:
    """backups.tasks.sync and backups.tasks.drill."""

    def test_sync_fills_an_empty_catalogue(self) -> None:
        tasks.back_up("default")
        tasks.verify(database="default")
        Backup.objects.all().delete()
        assert tasks.sync() == ["default"]
        assert [backup.verifications.count() for backup in Backup.objects.all()] == [1]

    def test_drill(self) -> None:
        before = set(fresh("x").parent.iterdir())
        backup, verification = tasks.drill()
        assert Verification.objects.get(pk=verification).backup_id == backup
        assert Verification.objects.get(pk=verification).status == "passed"
        left = {path.name for path in set(fresh("x").parent.iterdir()) - before}
        assert not {name for name in left if name.startswith("lifeboat_")}


def test_tasks_have_the_names_that_schedules_call() -> None:
    pytest.importorskip("celery")
    from project import celery_app

    names = ("back_up", "verify", "restore", "sync", "drill")
    for name in names:
        task = celery_app.tasks[f"backups.tasks.{name}"]
        assert task.acks_late is False
        assert task.ignore_result is True
        assert task.time_limit is None
