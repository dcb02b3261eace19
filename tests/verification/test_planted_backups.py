"""Backups that a faulty writer made, whole and signed: each is found by the one check that exists for its fault."""

import json
from dataclasses import replace

import pytest

from backups.chunks import Limits
from backups.contents import Contents
from backups.facts import Orphans
from backups.manifest import Entry
from backups.repository.names import new_run
from backups.schema import Schema, Statement
from backups.verification import Status, check
from backups.verification.registry import unregister
from tests.yard import back_up, details, entry_of, named, new_repository, prove, recommit, with_part

WHOLE = Limits(small_table=0)
"""Makes one chunk of each table, in the manifest itself."""


@pytest.fixture
def planted(yard, tmp_path):
    """Return a function that changes the lines of a table, and commits what a faulty writer would have."""
    repository = new_repository(tmp_path)
    whole = back_up(yard.engine, repository, WHOLE)

    def plant(table, change):
        found = entry_of(whole, table)
        (entry,) = found.chunks
        before = repository.get("chunk", entry)
        after = change(before)
        assert after != before
        stored = repository.put("chunk", after, new_run())
        rows = after.count(b"\n")
        chunk = Entry(stored.id, stored.name, stored.bytes, stored.stored_bytes, stored.sha256, rows)
        entries = tuple(
            replace(one, chunks=(chunk,), rows=rows) if one is found else one for one in whole.manifest.tables
        )
        return prove(yard.engine, repository, recommit(repository, whole, tables=entries))

    return plant


def test_a_writer_that_cuts_microseconds_agrees_with_itself_but_not_with_the_witness(planted):
    result = planted("shop_order", lambda lines: lines.replace(b".123536", b".123000"))
    assert named(result.findings) == {"witness"}, details(result.findings)
    assert "witness shop_order: Column placed differs." in details(result.findings)


def test_a_writer_that_rounds_agrees_with_itself_but_not_with_the_witness(planted):
    result = planted("shop_order", lambda lines: lines.replace(b'"amount":"80.25"', b'"amount":"80.20"'))
    assert named(result.findings) == {"witness"}, details(result.findings)
    assert "witness shop_order: Column amount differs. (79 values, bounds #" in details(result.findings)


def test_a_row_that_the_database_refuses_is_a_result_that_names_it(planted):
    result = planted("shop_order", lambda lines: lines + lines.splitlines(keepends=True)[-1])
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert (result.status, result.restore_seconds) == (Status.FAILED, None)
    assert "shop_order" in details(result.findings) and "80" in details(result.findings)


def test_a_row_that_breaks_a_constraint_is_a_result_that_names_it(planted):
    result = planted("shop_order", lambda lines: lines.replace(b'"quantity":30', b'"quantity":-30'))
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "shop_order" in details(result.findings) and "30" in details(result.findings)


def test_a_line_of_another_table_is_a_result(planted):
    result = planted("shop_order", lambda lines: lines.replace(b'"shop.order","pk":30', b'"shop.customer","pk":30'))
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "'shop.customer'" in details(result.findings)


def test_a_foreign_key_that_points_at_nothing_is_a_result_that_names_it(planted):
    result = planted("shop_customer", lambda lines: b"".join(lines.splitlines(keepends=True)[1:]))
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "shop_order" in details(result.findings) and "shop_customer" in details(result.findings)


def changed(yard, **changes):
    return prove(yard.engine, yard.repository, recommit(yard.repository, yard.committed, **changes))


def test_orphans_that_are_not_as_recorded_are_found_by_the_foreign_keys(yard):
    schema = "public" if yard.engine.vendor == "postgresql" else ""
    names = [f"{schema}.{name}".strip(".") for name in ("shop_order", "shop_customer")]
    result = changed(yard, orphans=(Orphans(names[0], ("customer_id",), names[1], 2),))
    assert named(result.findings) == {"foreign_keys"}, details(result.findings)
    assert "The source had them already. (2 / 0)" in details(result.findings)


def test_migrations_that_are_not_as_recorded_are_found(yard):
    state = json.loads(Contents(yard.repository, yard.committed.manifest).part("migrations"))
    state["applied"].append(["shop", "0002_later"])
    parts = with_part(yard.repository, yard.committed.manifest, "migrations", json.dumps(state).encode())
    result = changed(yard, parts=parts)
    assert named(result.findings) == {"migrations"}, details(result.findings)
    assert "shop.0002_later is missing." in details(result.findings)


def test_a_counter_that_is_not_as_recorded_is_found(yard):
    sequences = yard.committed.manifest.sequences
    more = replace(sequences[-1], name=f"{sequences[-1].name}_more")
    result = changed(yard, sequences=(*sequences, more))
    # An engine whose counters are objects of their own refuses to set what is not there.
    assert named(result.findings) in ({"sequences"}, {"restore"}), details(result.findings)
    assert more.name in details(result.findings)


def test_a_statement_that_fails_is_a_result_that_names_what_it_makes(yard):
    contents = Contents(yard.repository, yard.committed.manifest)
    broken = Schema(contents.schema().before, (Statement("view", "broken", "CREATE VIEW broken AS SELEC 1"),))
    parts = with_part(yard.repository, yard.committed.manifest, "schema", broken.to_bytes())
    result = changed(yard, parts=parts)
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "broken" in details(result.findings)


def test_a_slice_that_is_not_where_it_should_be_is_a_result(yard):
    tables = yard.committed.manifest.tables
    moved = tuple(
        replace(entry, slice=replace(entry.slice, offset=entry.slice.offset + 1)) if entry.slice else entry
        for entry in tables
    )
    result = changed(yard, tables=moved)
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "does not have its digest" in details(result.findings)


def test_fewer_rows_than_the_manifest_counts_are_a_result(yard):
    tables = yard.committed.manifest.tables
    more = tuple(replace(entry, rows=entry.rows + (entry.table.name == "shop_order")) for entry in tables)
    result = changed(yard, tables=more)
    assert named(result.findings) == {"restore"}, details(result.findings)
    assert "79 rows" in details(result.findings) and "counts 80" in details(result.findings)


# The project's own checks


@pytest.fixture
def invariant(yard):
    """Register a check of the project for as long as a test runs."""

    def register(function):
        check("orders are placed", databases=[yard.engine.alias])(function)
        return prove(yard.engine, yard.repository, yard.committed)

    yield register
    unregister("orders are placed")


def test_an_invariant_that_is_broken_fails_by_its_name(invariant):
    result = invariant(lambda using: ["Order 30 is not.", "Order 31 is not."])
    assert named(result.findings) == {"invariant: orders are placed"}
    assert "Order 30 is not. Order 31 is not." in details(result.findings) and result.status == Status.FAILED


def test_an_invariant_that_finds_a_million_problems_tells_the_first_of_them(invariant):
    result = invariant(lambda using: (f"Order {i} is not." for i in range(1_000_000)))
    told = "Order 0 is not. Order 1 is not. Order 2 is not. Order 3 is not. Order 4 is not. And 999995 more."
    assert f"{told} (no problem / 1000000 problems)" in details(result.findings)


def test_an_invariant_that_raises_is_an_error_and_stops_no_other_check(invariant):
    def raising(using):
        yield "Order 30 is not."
        raise ZeroDivisionError("by nothing")

    result = invariant(raising)
    assert named(result.findings, Status.ERROR) == {"invariant: orders are placed"}
    assert "ZeroDivisionError: by nothing" in details(result.findings) and result.status == Status.ERROR
    assert "content" in named(result.findings, Status.PASSED)


def test_an_invariant_is_given_the_copy_and_not_the_source(yard, invariant):
    from shop.models import Order

    seen = []
    result = invariant(lambda using: seen.append((using, Order.objects.using(using).count())))
    assert result.status == Status.PASSED
    ((using, orders),) = seen
    assert using != yard.engine.alias and orders == 79


def test_an_invariant_of_another_database_is_not_asked(yard):
    check("elsewhere", databases=["another"])(lambda using: ["never"])
    try:
        result = prove(yard.engine, yard.repository, yard.committed)
    finally:
        unregister("elsewhere")
    assert result.status == Status.PASSED and "invariant: elsewhere" not in {f.name for f in result.findings}
