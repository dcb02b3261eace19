"""SIGKILL at any moment of a backup, a proof and a restore: what is listed is whole, and the next run clears up."""

import hashlib
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import BackupsError
from backups.models import Backup, Restore, Verification
from backups.repository import Repository
from backups.repository.runs import living
from backups.verification import Level, Status, Subject, verify
from tests.commands.site import PATIENCE, Running, Site
from tests.databases import Server, registered

pytestmark = pytest.mark.slow
KILLS = {"sqlite": 20, "postgresql_18": 4, "mysql": 4}
AT_MOST = 5  # times as many tries: some processes end before they are killed


@pytest.fixture
def times(request: pytest.FixtureRequest) -> int:
    """How often to kill."""
    return KILLS[request.node.callspec.params["server"]]


@contextmanager
def engine_of(site: Site) -> Iterator[Engine]:
    with registered(site.settings["DATABASES"]["default"]) as alias:
        yield engine_for(alias)


def beginning(repository: Repository, before: set[str], process: Running) -> str:
    """Wait until a run is at work, and return the folder of its beats; empty where it has ended."""
    while not process.ended:
        for folder in set(repository.objects.folders("runs")) - before:
            return folder
        time.sleep(0.001)
    return ""


def seconds_of_work(site: Site, command: tuple[str, ...]) -> float:
    """Return how long a run works that is left alone."""
    repository = site.repository()
    process = site.begin(*command)
    folder = beginning(repository, set(), process)
    began = time.monotonic()
    while folder in repository.objects.folders("runs"):
        time.sleep(0.001)
    length = time.monotonic() - began
    process.end().fine()
    return length


def kill_often(site: Site, times: int, command: tuple[str, ...], after_each: Callable[[], None]) -> set[str]:
    """Kill a command at random moments of its work, once it was seen how long that takes; returns the killed runs."""
    length, repository = seconds_of_work(site, command), site.repository()
    moments, killed, runs = random.Random(repr(command)), 0, set()
    after_each()
    for _ in range(times * AT_MOST):
        before = set(repository.objects.folders("runs"))
        process = site.begin(*command)
        if folder := beginning(repository, before, process):
            runs.add(folder.rpartition("/")[2])
            time.sleep(moments.uniform(0, length))
        killed += process.kill() == -9
        for listed in repository.listing():
            result = verify(Subject(repository, listed.name, listed.run), Level.STORED, listed.run)
            assert result.status == Status.PASSED, result
        after_each()
        if killed == times:
            break
    print(f"{command[0]} was killed {killed} times within {length:.2f} s of work.")
    assert killed == times
    return runs


def contents(engine: Engine) -> dict[str, str]:
    """A digest of each table's rows, but for our own tables."""
    with engine.snapshot() as snapshot:
        tables = [table for table in snapshot.tables() if not table.name.startswith("backups_")]
        return {t.name: hashlib.sha256(b"".join(snapshot.lines(t))).hexdigest() for t in tables}


def nothing_is_left(site: Site, engine: Engine, runs: set[str]) -> None:
    """See that the next runs clear up after those that were killed. Others may be at work on the server."""
    deadline = time.monotonic() + PATIENCE
    while {engine.scratch_name(run) for run in runs} & set(engine.leftovers()):
        # The server was still making what a killed process had asked for when the last run looked.
        assert time.monotonic() < deadline
        site.manage("verify_backup", "--level=signature").fine()
    assert living(site.repository()) == []
    for model in (Backup, Verification, Restore):
        rows = model._default_manager.using(engine.alias)
        assert not rows.filter(status__in=["queued", "running"]).exists()


def test_a_killed_backup_leaves_nothing_that_is_listed_and_not_whole(on_server: Site, times: int) -> None:
    on_server.manage("backup_db").fine()
    with engine_of(on_server) as engine:
        before = contents(engine)
        runs = kill_often(on_server, times, ("backup_db", "--full"), lambda: None)
        on_server.manage("backup_db", "--verify=restore").fine()
        nothing_is_left(on_server, engine, runs)
        assert contents(engine) == before
        rows = Backup.objects.using(engine.alias)
        assert set(rows.filter(status="complete").values_list("id", flat=True)) <= set(on_server.backups())
        assert rows.filter(status="interrupted").exists()


def test_a_killed_proof_leaves_nothing_that_the_next_one_does_not_clear(on_server: Site, times: int) -> None:
    on_server.manage("backup_db").fine()
    with engine_of(on_server) as engine:
        before = contents(engine)
        runs = kill_often(on_server, times, ("verify_backup",), lambda: None)
        on_server.manage("verify_backup").fine()
        nothing_is_left(on_server, engine, runs)
        assert contents(engine) == before
        assert Verification.objects.using(engine.alias).filter(status="interrupted").exists()


def test_a_killed_restore_never_leaves_half_a_database_in_the_way(on_server: Site, server: Server, times: int) -> None:
    on_server.manage("backup_db").fine()
    name = server.new_name("restored")
    command = ("restore_db", "--to", name)
    with engine_of(on_server) as engine:
        target, before = engine.at(name), contents(engine)

        def whole_or_out_of_the_way() -> None:
            deadline = time.monotonic() + PATIENCE
            while target.exists() and not target.is_unfinished():
                # The server may still be at what the killed process asked for last.
                if contents_or_nothing(target) == before:
                    target.drop()
                assert time.monotonic() < deadline, "half a database is in the way"

        try:
            runs = kill_often(on_server, times, command, whole_or_out_of_the_way)
            on_server.manage(*command).fine()
            assert contents(target) == before == contents(engine)
            nothing_is_left(on_server, engine, runs)
            on_server.manage(*command).refused("exists already")
            assert contents(target) == before
        finally:
            target.drop()


def contents_or_nothing(engine: Engine) -> dict[str, str]:
    try:
        return contents(engine)
    except BackupsError:
        return {}
