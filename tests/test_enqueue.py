"""Runs in the background: once each, in a thread without a broker, and by a real worker with a real Redis."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connections, transaction

from backups import tasks
from backups.engines import engine_for
from backups.models import Backup, Restore, RunStatus, Verification
from backups.repository.names import RUN, new_run
from backups.services import catalog, queue
from backups.services.backup import create_backup
from backups.services.catalog import Asked
from tests.catalogue import PATIENCE, catalogue, finished, fresh, listed, settle

__all__ = ["catalogue"]

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.usefixtures("catalogue")


class TestDoneOnce:
    """The same message twice: the work is done once."""

    @pytest.mark.parametrize("status", [status for status in RunStatus if status != RunStatus.QUEUED])
    def test_a_run_that_was_taken_up_is_not_taken_up_again(self, status: str) -> None:
        run = new_run()
        queue.queue(Backup, run, "default", Asked())
        Backup.objects.filter(pk=run).update(status=status)
        assert tasks.back_up("default", run=run) == []
        assert Backup.objects.get(pk=run).status == status

    def test_a_finished_backup_that_only_the_repository_knows(self) -> None:
        (run,) = tasks.back_up("default")
        Backup.objects.all().delete()
        assert tasks.back_up("default", run=run) == []
        assert listed() == [run]

    def test_a_finished_verification_that_only_the_repository_knows(self) -> None:
        tasks.back_up("default")
        run = new_run()
        assert tasks.verify(database="default", level="signature", run=run) == [run]
        Verification.objects.all().delete()
        assert tasks.verify(database="default", level="signature", run=run) == []

    def test_of_many_that_claim_a_run_one_gets_it(self) -> None:
        run = new_run()
        queue.queue(Backup, run, "default", Asked())
        claims = in_threads(8, lambda: queue.claim(Backup, run, "default"))
        assert sorted(claims) == [False] * 7 + [True]

    def test_one_that_reads_the_catalogue_first_may_write_to_it_after_another_did(self) -> None:
        first, second = new_run(), new_run()
        other = threading.Thread(
            target=lambda: (queue.queue(Backup, second, "default", Asked()), connections.close_all())
        )
        recording = catalog.open_catalogue()
        with recording.attempt():
            assert not Backup.objects.exists()
            other.start()
            other.join(0.5)
            Backup.objects.create(id=first, database="default", started=datetime.now(UTC))
        other.join()
        assert recording.problem == ""
        assert set(Backup.objects.values_list("pk", flat=True)) == {first, second}

    def test_runs_without_a_name_are_runs_of_their_own(self) -> None:
        assert len({*tasks.back_up("default"), *tasks.back_up("default")}) == 2


class TestInTheBackground:
    """``enqueue`` where there is no broker."""

    def test_it_returns_at_once_with_a_queued_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        held = threading.Event()
        monkeypatch.setattr(tasks, "create_backup", after(held, create_backup))
        try:
            run = tasks.enqueue(tasks.back_up, database="default", requested_by="ada", requested_via="admin")
            row = Backup.objects.get(pk=run)
            assert RUN.fullmatch(run)
            assert (row.status in ("queued", "running"), row.requested_by, row.pid) == (True, "ada", os.getpid())
        finally:
            held.set()
        assert finished(Backup, run).status == "complete"
        assert listed() == [run]

    def test_a_verification_and_a_restore(self) -> None:
        (backup,) = tasks.back_up("default")
        proof = tasks.enqueue(tasks.verify, backup=backup, database="default", level="stored")
        copy = tasks.enqueue(tasks.restore, backup=backup, database="default", to="restored_behind")
        try:
            assert (finished(Verification, proof).status, finished(Verification, proof).level) == ("passed", "stored")
            assert finished(Restore, copy).status == "complete"
        finally:
            fresh("restored_behind").unlink(missing_ok=True)

    def test_a_failure_is_recorded_and_logged(self, caplog: pytest.LogCaptureFixture) -> None:
        (backup,) = tasks.back_up("default")
        run = tasks.enqueue(tasks.restore, backup=backup, database="default", to=engine_for("default").name)
        row = finished(Restore, run)
        settle()
        assert row.status == "failed"
        assert "is the live database" in row.error
        assert "only ever fills a database in which there is nothing" in row.hint
        assert row.error in caplog.text

    def test_a_failure_that_nobody_foresaw(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("by zero")

        monkeypatch.setattr(tasks, "create_backup", fail)
        run = tasks.enqueue(tasks.back_up, database="default")
        assert (finished(Backup, run).status, finished(Backup, run).error) == ("failed", "by zero")
        settle()
        assert "ZeroDivisionError" in caplog.text

    def test_no_connection_stays_open(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[Any] = []

        def remember(*args: Any, **kwargs: Any) -> Any:
            opened.append(connections["default"])
            return create_backup(*args, **kwargs)

        monkeypatch.setattr(tasks, "create_backup", remember)
        tasks.enqueue(tasks.back_up, database="default")
        settle()
        assert opened[0] is not connections["default"]
        assert opened[0].connection is None

    def test_it_begins_when_the_transaction_is_committed(self) -> None:
        with transaction.atomic():
            run = tasks.enqueue(tasks.back_up, database="default")
            settle()
            assert Backup.objects.get(pk=run).status == "queued"
        assert finished(Backup, run).status == "complete"

    def test_nothing_is_done_where_the_transaction_is_rolled_back(self) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tasks.enqueue(tasks.back_up, database="default")
            raise ZeroDivisionError
        settle()
        assert not Backup.objects.exists()

    def test_verifications_go_one_by_one_and_keep_no_backup_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        (backup,) = tasks.back_up("default")
        held = threading.Event()
        monkeypatch.setattr(tasks, "verify_backup", after(held, tasks.verify_backup))
        try:
            proofs = [
                tasks.enqueue(tasks.verify, backup=backup, database="default", level="signature") for _ in range(3)
            ]
            run = tasks.enqueue(tasks.back_up, database="default")
            assert finished(Backup, run).status == "complete"
            assert Verification.objects.filter(pk__in=proofs[1:], status="queued").count() == 2
        finally:
            held.set()
        assert {finished(Verification, proof).status for proof in proofs} == {"passed"}

    def test_it_is_done_where_there_is_no_catalogue(self, monkeypatch: pytest.MonkeyPatch) -> None:
        nowhere = catalog.Recording("default", "There is no catalogue.")
        monkeypatch.setattr(catalog, "open_catalogue", lambda: nowhere)
        run = tasks.enqueue(tasks.back_up, database="default")
        settle()
        assert listed() == [run]
        assert not Backup.objects.exists()

    def test_runs_of_a_process_that_is_gone_are_interrupted(self) -> None:
        run = new_run()
        queue.queue(Backup, run, "default", Asked(), here=True)
        Backup.objects.filter(pk=run).update(pid=dead_process())
        tasks.back_up("default")
        assert Backup.objects.get(pk=run).status == "interrupted"

    def test_runs_that_wait_for_a_worker_are_not(self) -> None:
        run = new_run()
        queue.queue(Backup, run, "default", Asked())
        tasks.back_up("default")
        assert (Backup.objects.get(pk=run).status, Backup.objects.get(pk=run).pid) == ("queued", None)


class TestWithoutCelery:
    """Celery is an extra."""

    def test_everything_works_and_the_process_waits_for_its_runs(self) -> None:
        run = script(
            "sys.modules['celery'] = None",
            "import django; django.setup()",
            "from backups import tasks",
            "assert type(tasks.back_up).__name__ == 'function'",
            "print(tasks.enqueue(tasks.back_up, database='default'))",
        )
        try:
            assert Backup.objects.get(pk=run).status == "complete"
        finally:
            remove_repository()


class TestBroker:
    """``enqueue`` where a broker is configured."""

    def test_one_that_is_away_fails_the_run_and_not_the_request(self) -> None:
        run = script(
            "import django; django.setup()",
            "from backups import tasks",
            "tasks.back_up.app.conf.task_always_eager = False",
            "print(tasks.enqueue(tasks.back_up, database='default'))",
            CELERY_BROKER_URL="redis://:hunter2@127.0.0.1:1/0",
        )
        row = Backup.objects.get(pk=run)
        assert row.status == "failed"
        assert "could not be handed to Celery's broker" in row.error
        assert "hunter2" not in f"{row.error} {row.hint}"


@pytest.fixture(scope="module")
def worker(redis_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A Celery worker of the project, on the tests' own databases and storage; yields its log."""
    kombu = pytest.importorskip("kombu")
    log = tmp_path_factory.mktemp("worker") / "log"
    command = [sys.executable, "-m", "celery", "-A", "project", "worker", "--concurrency=1", "--loglevel=INFO"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--without-gossip", "--without-mingle"],
            cwd=ROOT, env=environment(CELERY_BROKER_URL=redis_url), stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for(lambda: " ready." in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE)
        kombu.pools.reset()


@pytest.fixture
def broker(worker: Path, redis_url: str, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """This process hands its tasks to the worker; yields the worker's log."""
    from project import celery_app

    monkeypatch.setenv("CELERY_BROKER_URL", redis_url)
    settings.STORAGES = STORAGES
    celery_app.conf.task_always_eager = False
    try:
        yield worker
    finally:
        celery_app.conf.task_always_eager = True
        remove_repository()


STORAGES = django_settings.STORAGES
"""Those of the settings' file, which a worker reads as well; tests in this process have others."""


@pytest.mark.slow
class TestWorker:
    """A real worker, and a real Redis."""

    def test_it_backs_up_verifies_and_restores(self, broker: Path) -> None:
        run = tasks.enqueue(tasks.back_up, database="default", requested_by="ada", requested_via="admin")
        row = finished(Backup, run)
        assert (row.status, row.requested_by) == ("complete", "ada")
        assert row.pid != os.getpid()
        proof = tasks.enqueue(tasks.verify, backup=run, database="default", level="restore", requested_via="admin")
        assert finished(Verification, proof).status == "passed"
        copy = tasks.enqueue(
            tasks.restore, backup=run, database="default", to="restored_by_worker", requested_via="admin"
        )
        try:
            assert finished(Restore, copy).status == "complete"
            assert fresh("restored_by_worker").exists()
        finally:
            fresh("restored_by_worker").unlink(missing_ok=True)

    def test_what_the_schedule_sends(self, broker: Path) -> None:
        from project import celery_app

        back_up, verify, prune = (entry for entry in celery_app.conf.beat_schedule.values())
        assert prune["task"] in celery_app.tasks and prune["kwargs"] == {"database": "all"}
        celery_app.send_task(back_up["task"], kwargs=back_up["kwargs"])
        wait_for(lambda: Backup.objects.filter(status="complete").exists())
        celery_app.send_task(verify["task"], kwargs=verify["kwargs"])
        wait_for(lambda: Verification.objects.filter(status="passed", level="restore").exists())

    def test_a_message_that_comes_twice_does_its_work_once(self, broker: Path) -> None:
        run = tasks.enqueue(tasks.back_up, database="default")
        tasks.back_up.apply_async(kwargs={"database": "default", "run": run})
        after_it = tasks.enqueue(tasks.back_up, database="default")
        assert finished(Backup, after_it).status == "complete"
        assert listed() == [run, after_it]
        assert f"{run} was taken up before" in broker.read_text()

    def test_a_failure_is_recorded(self, broker: Path) -> None:
        (backup,) = tasks.back_up("default")
        run = tasks.enqueue(tasks.restore, backup=backup, database="default", to=engine_for("default").name)
        row = finished(Restore, run)
        assert row.status == "failed"
        assert "is the live database" in row.error
        wait_for(lambda: row.error in broker.read_text())

    def test_it_is_handed_over_when_the_transaction_is_committed(self, broker: Path) -> None:
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            tasks.enqueue(tasks.back_up, database="default")
            raise ZeroDivisionError
        run = tasks.enqueue(tasks.back_up, database="default")
        assert finished(Backup, run).status == "complete"
        assert listed() == [run]


def in_threads(count: int, function: Callable[[], Any]) -> list[Any]:
    """Call a function in many threads at the same moment."""
    results: list[Any] = []
    barrier = threading.Barrier(count)

    def call() -> None:
        barrier.wait()
        try:
            results.append(function())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def after(event: threading.Event, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the function, made to wait for an event before it begins."""

    def wait(*args: Any, **kwargs: Any) -> Any:
        assert event.wait(PATIENCE)
        return function(*args, **kwargs)

    return wait


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


def dead_process() -> int:
    """The number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", **more}


def script(*lines: str, **more: str) -> str:
    """Run a script as a process of its own, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(["import sys", *lines])],
        cwd=ROOT, env=environment(**more), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def remove_repository() -> None:
    """Remove what another process put into the storage of the settings' file."""
    shutil.rmtree(Path(STORAGES["backups"]["OPTIONS"]["location"]) / "default", ignore_errors=True)
