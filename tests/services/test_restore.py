"""The verb *restore*: a name appears only when what it stands for is proven, and whatever goes wrong leaves nothing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import LockHeld, RestoreError, TargetExists, UnknownBackup
from backups.models import Restore, RunStatus, Verification
from backups.progress import Step
from backups.repository import Repository
from backups.repository.events import RESTORED, VERIFIED, events_of
from backups.repository.names import new_run
from backups.services.catalog import Asked
from backups.services.restore import plan_restore, restore_backup
from tests.databases import Server
from tests.services.helpers import back_up, contents, invariant, leave_beat
from tests.yard import execute, query


def files(engine: Engine) -> set[str]:
    return {path.name for path in Path(engine.name).parent.iterdir()}


@pytest.fixture
def target(any_yard: Engine, server: Server) -> Iterator[Engine]:
    """A name that is free, beside the yard."""
    made = any_yard.at(server.new_name("restored"))
    yield made
    made.drop()


def test_it_is_recorded_in_both_places(any_yard: Engine, target: Engine) -> None:
    committed = back_up(any_yard).committed
    run = new_run()
    copy = restore_backup(any_yard.alias, to=target.name, asked=Asked("ada", "command"), run=run)
    assert (copy.run, copy.rows, copy.result.status, copy.notes) == (run, committed.manifest.totals.rows, "passed", ())
    assert contents(target) == contents(any_yard)
    row = Restore.objects.get(pk=run)
    assert (row.status, row.target, row.requested_by, row.rows) == (RunStatus.COMPLETE, target.name, "ada", copy.rows)
    proof = Verification.objects.get()
    assert (row.verification, proof.status, proof.backup_id) == (proof, "passed", committed.manifest.run)
    events = events_of(Repository.open(any_yard.alias), committed.manifest.run, committed.digest)
    assert sorted(event.kind for event in events) == sorted([VERIFIED, RESTORED])


def test_the_name_appears_only_when_the_copy_is_proven(any_yard: Engine, target: Engine) -> None:
    back_up(any_yard)
    seen = []
    with invariant(any_yard, lambda using: seen.append((target.exists(), engine_for(using).name))):
        restore_backup(any_yard.alias, to=target.name)
    ((existed, name),) = seen
    assert existed is not any_yard.renames
    assert (name == target.name) is not any_yard.renames
    assert target.exists() and not target.is_unfinished()


def test_what_is_not_as_recorded_is_dropped(any_yard: Engine, target: Engine) -> None:
    back_up(any_yard)
    before = contents(any_yard)

    def refuse(using: str) -> None:
        raise ZeroDivisionError

    with invariant(any_yard, refuse), pytest.raises(RestoreError, match="is not what the backup recorded"):
        restore_backup(any_yard.alias, to=target.name)
    assert not target.exists() and contents(any_yard) == before
    assert not any_yard.at(any_yard.scratch_name(Restore.objects.get().pk)).exists()
    assert Restore.objects.get().status == RunStatus.FAILED


def test_who_takes_the_name_meanwhile_keeps_it(yard: Engine) -> None:
    back_up(yard)
    taken = Path(yard.name).with_name("taken.sqlite3")
    before = files(yard)

    def take(using: str) -> None:
        taken.write_text("mine")

    try:
        with invariant(yard, take), pytest.raises(TargetExists):
            restore_backup(yard.alias, to="taken")
        assert taken.read_text() == "mine" and files(yard) == before | {"taken.sqlite3"}
    finally:
        taken.unlink()


SOCKET = {"postgresql": "SHOW unix_socket_directories", "mysql": "SELECT @@socket"}


@pytest.mark.parametrize("server", ["postgresql_18", "mysql"], indirect=True)
def test_the_live_database_is_known_by_whatever_host_name(any_yard: Engine, server: Server) -> None:
    back_up(any_yard)
    ((socket,),) = query(any_yard, SOCKET[server.vendor])
    by_socket = type(any_yard)(any_yard.alias, {**any_yard.settings, "HOST": socket})
    other = by_socket.at(server.new_name())
    assert any_yard.is_same(by_socket) and by_socket.is_same(any_yard)
    assert not any_yard.is_same(other) and not other.is_same(any_yard)
    with pytest.raises(TargetExists, match=f"is the live database of alias '{any_yard.alias}'"):
        restore_backup(any_yard.alias, to=any_yard.name)


def test_a_name_is_never_taken_for_a_piece_of_a_statement(any_yard: Engine, server: Server) -> None:
    back_up(any_yard)
    target = any_yard.at(f"""{server.new_name("it's")} "so" `so`; -- é %s""")
    try:
        restore_backup(any_yard.alias, to=target.name)
        assert target.exists() and contents(target) == contents(any_yard)
    finally:
        target.drop()
    assert not target.exists()


def test_a_database_with_a_write_ahead_log_takes_its_name_whole(yard: Engine) -> None:
    execute(yard, "PRAGMA journal_mode = WAL", "UPDATE shop_order SET quantity = 1000 WHERE id = 1")
    back_up(yard)
    before = files(yard)
    copy = restore_backup(yard.alias, to="logged")
    try:
        assert files(yard) - before == {"logged.sqlite3"}
        assert contents(copy.target) == contents(yard)
        assert query(copy.target, "PRAGMA journal_mode") == [("wal",)]
    finally:
        copy.target.drop()


STAGES = ["load", "check rows", "check content"]


@pytest.mark.parametrize("stage", STAGES)
def test_an_interrupt_leaves_nothing(any_yard: Engine, target: Engine, stage: str) -> None:
    back_up(any_yard)

    def interrupt(step: Step) -> None:
        if step.stage == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        restore_backup(any_yard.alias, to=target.name, progress=interrupt)
    assert not target.exists()
    (row,) = Restore.objects.all()
    assert row.status == RunStatus.INTERRUPTED
    assert any_yard.scratch_name(row.pk) not in any_yard.leftovers()


def test_a_newer_backup_that_is_missed_is_a_refusal(yard: Engine) -> None:
    back_up(yard)
    before = files(yard)
    with pytest.raises(UnknownBackup, match="is number 1, and number 2 was expected"):
        restore_backup(yard.alias, to="restored", expect=2)
    assert files(yard) == before and not Restore.objects.exists()


def test_the_copy_has_a_catalogue_of_its_own_where_the_source_had_one(catalogue: Path) -> None:
    back_up(engine_for("default"))
    engine = engine_for("default")
    copy = restore_backup("default", to="with_catalogue")
    try:
        assert copy.notes == ()
        with copy.target.snapshot() as snapshot:
            rows = {table.name: snapshot.count(table) for table in snapshot.tables()}
        assert (rows["backups_backup"], rows["backups_verification"], rows["backups_restore"]) == (1, 1, 1)
        assert rows["shop_customer"] == 3 and copy.target.name != engine.name
    finally:
        copy.target.drop()


@pytest.mark.parametrize("server", ["mysql"], indirect=True)
class TestHalfMade:
    """Where a database cannot be renamed, a killed restore leaves it half-made under the name that was asked for."""

    @pytest.fixture
    def half(self, any_yard: Engine, target: Engine) -> Engine:
        back_up(any_yard)
        with any_yard.snapshot() as snapshot:
            target.create(snapshot.facts())
            with target.loader() as loader:
                loader.define(snapshot.schema())
        assert target.is_unfinished()
        return target

    def test_it_is_replaced_and_the_plan_says_so(self, any_yard: Engine, half: Engine) -> None:
        plan = plan_restore(any_yard.alias, "latest", half.name)
        assert f"Drop the half-made {half.describe()}, which a killed restore left." in plan.sentences()
        assert half.is_unfinished()
        restore_backup(any_yard.alias, to=half.name)
        assert contents(half) == contents(any_yard) and not half.is_unfinished()

    def test_one_that_somebody_is_in_is_not(self, any_yard: Engine, half: Engine) -> None:
        with half.snapshot():
            assert not half.is_unfinished()
            with pytest.raises(TargetExists):
                restore_backup(any_yard.alias, to=half.name)
        assert half.is_unfinished()

    def test_one_that_a_living_run_is_making_is_not(self, any_yard: Engine, half: Engine) -> None:
        run = new_run()
        leave_beat(Repository.open(any_yard.alias), run, "restore", target=half.name, pid=os.getpid())
        with pytest.raises(LockHeld, match=run):
            restore_backup(any_yard.alias, to=half.name)
        assert half.is_unfinished()

    def test_one_that_is_whole_is_not(self, any_yard: Engine, half: Engine) -> None:
        restore_backup(any_yard.alias, to=half.name)
        before = contents(half)
        with pytest.raises(TargetExists):
            restore_backup(any_yard.alias, to=half.name)
        assert contents(half) == before
