"""Replacing where no database may be made: all of it inside the live one, in one transaction that nobody else sees."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from backups.engines.base import Engine
from backups.exceptions import LockHeld, RestoreError, TargetError
from backups.models import Restore
from backups.repository import Repository
from backups.repository.events import PROMOTED, events_of
from backups.services.catalog import Asked
from backups.services.kept import drop_replaced, kept_databases
from backups.services.leftovers import sweep
from backups.services.replace import plan_replacement, plan_undoing, undo_replacement
from backups.services.sync import sync_backups
from backups.verification import check
from backups.verification.registry import unregister
from shop.models import Order
from tests.crashing import killed_at
from tests.services.helpers import back_up
from tests.services.inside.tenants import BOTH, SPOIL, drop_kept, first, raised, replace, schemas, state, undo, watching
from tests.yard import ORDERS, execute, query


@BOTH
def test_a_backup_takes_the_place_and_what_was_there_is_kept_and_comes_back(tenant: Engine) -> None:
    back_up(tenant)
    new = state(tenant)
    execute(tenant, SPOIL, "CREATE TABLE attic.later (id integer)", "DROP VIEW attic.first_orders")
    old = state(tenant)
    plan = " ".join(plan_replacement(tenant.alias, swap_schema=True))
    assert "nobody else sees" in plan and "restore_db --undo puts them back" in plan and "Create" not in plan
    assert state(tenant) == old
    done = replace(tenant, asked=Asked("ada", "command"))
    assert done.notes == () and state(tenant) == new
    assert query(tenant, "SELECT attic.orders(), (SELECT orders FROM attic.counted)") == [(ORDERS - 1, ORDERS - 1)]
    assert [kept.name for kept in kept_databases(tenant.alias)] == [done.kept]
    assert len(schemas(tenant)) == 4 and tenant.kept() == []
    row = Restore.objects.get(pk=done.run)
    assert (row.kind, row.status, row.target, row.kept) == ("replacement", "complete", tenant.name, done.kept)
    repository, manifest = Repository.open(tenant.alias), done.copy.committed.manifest
    (event,) = [e for e in events_of(repository, manifest.run, done.copy.committed.digest) if e.kind == PROMOTED]
    assert (event.run, event.data["kept"], event.data["requested_by"]) == (done.run, done.kept, "ada")
    assert repository.objects.folders("runs") == []
    # A backup does not hold what is kept, and says so.
    after = back_up(tenant).committed.manifest
    assert {e.table.schema for e in after.tables} == {"public", "attic"}
    assert {u.name for u in after.uncovered if u.kind == "schema"} == {s for s in schemas(tenant) if "_before_" in s}
    undone = undo(tenant)
    assert undone.notes == () and undone.restored == done.kept and state(tenant) == old
    assert query(tenant, "SELECT obj_description(to_regnamespace('attic'))") == [("what is old",)]
    again = undo(tenant)
    assert state(tenant) == new and again.restored == undone.kept
    assert len(schemas(tenant)) == 4
    assert sync_backups(tenant.alias).problems == []
    execute(tenant, "INSERT INTO attic.box (first_order) VALUES (1)")
    assert query(tenant, "SELECT max(id) FROM attic.box") == [(3,)]


def test_the_application_reads_and_writes_until_the_step_and_finds_the_new_tables_after_it(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    with closing(tenant.connect()) as wrapper, wrapper.cursor() as application:
        seen: list[object] = []

        def work() -> None:
            application.execute("SELECT number FROM shop_order WHERE id = 1")
            seen.append(application.fetchone())
            application.execute("UPDATE shop_order SET number = 'written meanwhile' WHERE id = 2")
            application.execute("INSERT INTO attic.box (first_order) VALUES (3)")

        for stage in ("load", "complete", f"check {'content'}"):
            told = watching(stage, work)
            replace(tenant, progress=told)
            assert told.seen
            application.execute("SELECT number FROM shop_order WHERE id IN (1, 2) ORDER BY id")
            assert application.fetchall() == [("N00001",), ("N00002",)]
            undo(tenant)
            application.execute("SELECT number FROM shop_order WHERE id IN (1, 2) ORDER BY id")
            assert application.fetchall() == [("spoilt",), ("written meanwhile",)]
            drop_kept(tenant)
        assert seen == [("spoilt",)] * 3


@BOTH
def test_a_transaction_that_began_before_and_waits_sees_all_rows_of_the_new_tables(
    tenant: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its snapshot is older than the rows; a reader of one moment must not find empty tables."""
    back_up(tenant)
    old = tenant.connect()
    with closing(old), old.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        cursor.execute("SELECT 1")
        replace(tenant)
        cursor.execute("SELECT count(*) FROM public.shop_order")
        assert cursor.fetchone() == (ORDERS - 1,)
        cursor.execute("ROLLBACK")


def test_whoever_is_amidst_a_transaction_is_waited_for_and_then_ended(
    tenant: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("backups.engines.postgresql.schemas._TRY", "20ms")
    back_up(tenant)
    held = tenant.connect()
    with closing(held), held.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("SELECT * FROM shop_order")
        replace(tenant)
        with pytest.raises(Exception, match=r"terminat|closed"):
            cursor.execute("SELECT 1")


def test_a_proof_that_fails_changes_nothing(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    before, names = state(tenant), schemas(tenant)

    @check("never", databases=[tenant.alias])
    def never(using: str) -> Iterator[str]:
        found = Order.objects.using(using).order_by("pk").first()
        assert found
        yield f"Order 1 is {found.number}."

    try:
        with pytest.raises(RestoreError, match=r"Order 1 is N00001\."):
            replace(tenant)
    finally:
        unregister("never")
    assert state(tenant) == before and schemas(tenant) == names and kept_databases(tenant.alias) == []
    with pytest.raises(TargetError, match="no database that was kept"):
        plan_undoing(tenant.alias)
    replace(tenant)
    assert first(tenant) == "N00001"


def test_the_projects_checks_ask_the_copy_and_what_they_write_is_not_kept(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    asked: list[object] = []

    @check("asks", databases=[tenant.alias])
    def asks(using: str) -> None:
        asked.append(Order.objects.using(using).get(pk=1).number)
        asked.append(sum(1 for _ in Order.objects.using(using).iterator(chunk_size=7)))
        Order.objects.using(using).filter(pk=1).update(number="by a check")

    @check("fails", databases=[tenant.alias])
    def fails(using: str) -> None:
        with suppress(Exception):
            Order.objects.using(using).raw("SELECT nonsense FROM nowhere")[0]

    def elsewhere(using: str) -> None:
        thread = Thread(target=lambda: asked.append(raised(lambda: Order.objects.using(using).count())))
        thread.start()
        thread.join()

    check("thread", databases=[tenant.alias])(elsewhere)
    try:
        replace(tenant)
    finally:
        for name in ("asks", "fails", "thread"):
            unregister(name)
    assert asked[:2] == ["N00001", ORDERS - 1] and isinstance(asked[2], Exception)
    assert first(tenant) == "N00001"


def test_killed_at_any_step_it_is_wholly_old_or_wholly_new(tenant: Engine) -> None:
    back_up(tenant)
    new = state(tenant)
    execute(tenant, SPOIL)
    old, killed, outcomes = state(tenant), 0, []
    for number in range(1, 20):
        came = killed_at(number, lambda tell: replace(tenant, progress=tell))
        kept = tenant.inside().kept()  # type: ignore[union-attr]
        outcomes.append(bool(kept))
        assert state(tenant) == (new if kept else old)
        killed += came
        if not came:
            break
        if kept:
            undo(tenant)
            assert state(tenant) == old
            drop_kept(tenant)
    assert sweep(tenant, Repository.open(tenant.alias)) == []
    told = Restore.objects.filter(kind="copy").values_list("status", "target")
    assert {status for status, target in told if target.startswith("lifeboat_")} == {"interrupted"}
    assert killed >= 3 and outcomes[0] is False and outcomes[-1] is True and outcomes == sorted(outcomes)
    for number in range(1, 20):
        came = killed_at(number, lambda tell: undo_replacement(tenant.alias, confirm=tenant.name, progress=tell))
        assert state(tenant) in (old, new)
        if not came:
            break
    assert number > 4


@pytest.mark.parametrize("stage", ["define", "load", "complete", "check content"])
def test_killed_while_it_is_made_nothing_is_left(tenant: Engine, stage: str) -> None:
    back_up(tenant)
    execute(tenant, SPOIL)
    old, names = state(tenant), schemas(tenant)
    killing = watching(stage, lambda: os.kill(os.getpid(), 9))
    assert killed_at(1000, lambda tell: replace(tenant, progress=killing))
    assert state(tenant) == old and schemas(tenant) == names
    # Once the server has noticed, the next run goes through.
    for _ in range(100):
        try:
            replace(tenant)
            break
        except LockHeld:
            continue
    assert first(tenant) == "N00001"


def test_what_is_kept_is_dropped_when_its_grace_is_over_and_nothing_else(tenant: Engine) -> None:
    back_up(tenant)
    execute(tenant, "CREATE SCHEMA public_before_20200101t000000z_abcdef", SPOIL)
    old = state(tenant)
    replace(tenant)
    now = datetime.now(UTC)
    assert drop_replaced(tenant.alias, now + timedelta(hours=23)) == []
    # A view of somebody's on what is kept keeps it.
    kept = next(name for name in schemas(tenant) if name.startswith("public_before_") and "2020" not in name)
    execute(tenant, f"CREATE VIEW public.looks AS SELECT id FROM {kept}.shop_order")
    with pytest.raises(TargetError, match=r"The view public\.looks of the live database needs schema"):
        drop_replaced(tenant.alias, now + timedelta(days=400))
    execute(tenant, "DROP VIEW public.looks")
    live = state(tenant)
    assert len(drop_replaced(tenant.alias, now + timedelta(days=400))) == 1
    assert state(tenant) == live != old and schemas(tenant) == ["attic", "public"]
    with pytest.raises(TargetError, match="no database that was kept"):
        undo(tenant)


def test_a_schema_of_somebodys_own_is_not_taken_for_a_kept_one(tenant: Engine) -> None:
    execute(
        tenant,
        "CREATE SCHEMA public_before_20200101t000000z_abcdef",
        "CREATE TABLE public_before_20200101t000000z_abcdef.mine (id integer)",
    )
    manifest = back_up(tenant).committed.manifest
    assert "public_before_20200101t000000z_abcdef.mine" in {e.table.qualified for e in manifest.tables}
    with pytest.raises(TargetError, match="no database that was kept"):
        plan_undoing(tenant.alias)
    before = state(tenant)
    done = replace(tenant)
    assert state(tenant) == before and [kept.name for kept in kept_databases(tenant.alias)] == [done.kept]


def test_two_at_once_are_refused_and_so_is_a_backup_meanwhile(tenant: Engine) -> None:
    back_up(tenant)
    refused: list[object] = []
    verbs: tuple[Callable[[Engine], object], ...] = (back_up, replace, undo)
    told = watching("load", lambda: refused.extend([raised(lambda verb=verb: verb(tenant)) for verb in verbs]))
    replace(tenant, progress=told)
    assert [type(error) for error in refused] == [LockHeld] * 3
