"""What a snapshot asks of many tables at once, and what it has looked up on another connection before it is asked for."""

import time
from typing import Any

import pytest

from backups.engines.base import Engine, Snapshot
from backups.engines.postgresql import snapshot as module
from backups.engines.postgresql import witness
from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.session import fetch, session
from backups.tables import Table
from tests.engines.dumps import execute, meanwhile

SMALL = ("a", "b", "c")


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """An engine whose database has small tables, one without rows, and one that is not small; none of b's rows is whole."""
    for name in SMALL:
        execute(engine, f"CREATE TABLE {name} (id integer PRIMARY KEY, v text)")
        execute(engine, f"INSERT INTO {name} SELECT n, E'{name}\\n' FROM generate_series(9, 1, -1) n")
    execute(engine, "CREATE TABLE d (v text)", "CREATE TABLE e (id integer PRIMARY KEY, v text, parent integer)")
    execute(engine, "INSERT INTO e SELECT n, repeat('x', 200), 0 FROM generate_series(1, 5000) n")
    execute(engine, "ALTER TABLE e ADD FOREIGN KEY (parent) REFERENCES a NOT VALID")
    return engine


def texts(snapshot: Snapshot) -> list[bytes | None]:
    """Return what is told of each table."""
    return list(snapshot.whole(snapshot.tables()))


def read(snapshot: Snapshot) -> list[bytes]:
    """Return the lines of each table."""
    return [b"".join(snapshot.lines(table)) for table in snapshot.tables()]


def facts(snapshot: Snapshot) -> tuple[Any, Any]:
    """Return all that can be looked up ahead."""
    tables = snapshot.tables()
    return list(snapshot.witnesses(tables)), snapshot.orphans(tables)


def expect(snapshot: Snapshot) -> None:
    """Announce the same."""
    snapshot.expect_witnesses(snapshot.tables())
    snapshot.expect_orphans(snapshot.tables())


def test_small_tables_are_read_together_in_the_order_of_their_keys(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        assert texts(snapshot) == [*read(snapshot)[:-1], None]


def test_a_long_text_in_little_room_is_left_to_be_read_line_by_line(filled: Engine) -> None:
    execute(filled, "INSERT INTO d VALUES (repeat('x', 1000000))")
    with filled.snapshot() as snapshot:
        assert texts(snapshot) == [*read(snapshot)[:3], None, None]


@pytest.mark.parametrize(
    ("spoilt", "told"),
    [("CASE WHEN id <> 7 THEN {} END", [True, False, True, True, False]), ("(id / 0)::text || {}", [False] * 5)],
    ids=["a row without a line", "an error"],
)
def test_what_cannot_be_said_is_left_to_be_told_of(
    filled: Engine, monkeypatch: pytest.MonkeyPatch, spoilt: str, told: list[bool]
) -> None:
    def expression(table: Table, end: str = "") -> str:
        usual = line_expression(table, end)
        return spoilt.format(usual) if table.name == "b" else usual

    monkeypatch.setattr(module, "line_expression", expression)
    with filled.snapshot() as snapshot:
        assert [text is not None for text in texts(snapshot)] == told
        assert len(list(snapshot.lines(snapshot.tables()[0]))) == 9


def test_what_is_looked_up_ahead_is_of_the_same_view(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        plain = facts(snapshot)
        execute(filled, "UPDATE e SET v = 'later', parent = 1", "INSERT INTO a VALUES (10, 'later')")
        expect(snapshot)
        assert facts(snapshot) == plain
        assert [orphan.rows for orphan in plain[1]] == [5000]


def test_it_waits_for_nobody_who_waits_to_alter_a_table(filled: Engine) -> None:
    with (
        filled.snapshot() as snapshot,
        meanwhile(lambda: execute(filled, "ALTER TABLE a ADD COLUMN b integer"), filled, patience=0.5),
    ):
        began = time.monotonic()
        expect(snapshot)
        witnesses, orphans = facts(snapshot)
        assert ([found.rows for found in witnesses], len(orphans)) == ([9, 9, 9, 0, 5000], 1)
        assert time.monotonic() - began < 20
        snapshot._connection.close()  # type: ignore[attr-defined]


def test_a_connection_that_is_lost_leaves_what_it_was_asked(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        plain = facts(snapshot)
        expect(snapshot)
        facts(snapshot)
        pid = snapshot._aside._connection.info.backend_pid  # type: ignore[attr-defined]
        with session(filled) as other:
            fetch(other, f"SELECT pg_terminate_backend({pid})")
        expect(snapshot)
        assert facts(snapshot) == plain


def test_what_was_looked_up_for_nobody_is_given_up(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness, "witnesses", lambda connection, tables: fetch(connection, "SELECT pg_sleep(60)"))
    began = time.monotonic()
    with filled.snapshot() as snapshot:
        expect(snapshot)
        time.sleep(0.2)
    assert time.monotonic() - began < 20


def test_it_keeps_no_locks_since_a_server_has_room_for_so_many(filled: Engine) -> None:
    with filled.snapshot() as snapshot, session(filled) as other:
        expect(snapshot)
        facts(snapshot)
        pid = snapshot._aside._connection.info.backend_pid  # type: ignore[attr-defined]
        held = fetch(
            other, f"SELECT relation::regclass::text FROM pg_locks WHERE pid = {pid} AND locktype = 'relation'"
        )
        assert held == []
