"""A file is checked while it is read: damage that no row shows is found, of the same view, and nothing waits in vain."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from backups.engines.base import Engine
from backups.engines.sqlite import checking, facts, view
from backups.engines.sqlite.connection import Condition
from backups.exceptions import SourceCorrupt, SourceError
from tests.engines.dumps import dump
from tests.engines.sqlite.test_places import engine_of

ENDLESS = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture(params=["delete", "wal"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    """A database with an index, in either mode of journal."""
    engine = engine_of(tmp_path / "site.db")
    with writer_of(engine) as connection:
        connection.execute(f"PRAGMA journal_mode = {request.param}")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, CHECK (id < 1000))")
        connection.execute("CREATE INDEX i ON t (name)")
        connection.execute(f"INSERT INTO t SELECT value, 'name ' || value FROM json_each('{list(range(1, 900))}')")
    return engine


def writer_of(engine: Engine) -> closing[sqlite3.Connection]:
    """Open the database as an application does."""
    return closing(sqlite3.connect(engine.name, isolation_level=None, timeout=0))


def spoil_index(engine: Engine) -> None:
    """Overwrite the first page of the index: every row can still be read."""
    with writer_of(engine) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'i'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with Path(engine.name).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"spoilt" * 50)


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A check that never ends by itself; notes how it was ended."""
    ended: list[str] = []

    def check(connection: sqlite3.Connection) -> Condition:
        try:
            connection.execute(ENDLESS).fetchall()
        except sqlite3.OperationalError as error:
            ended.append(str(error))
            raise
        return Condition()

    monkeypatch.setattr(checking, "condition_of", check)
    yield ended


def test_damage_that_no_row_shows_is_found_before_the_view_is_left(source: Engine) -> None:
    spoil_index(source)
    read = 0
    with pytest.raises(SourceCorrupt, match="is damaged: "), source.snapshot() as snapshot:
        read = len(list(snapshot.lines(snapshot.tables()[0])))
    assert read == 899


def test_damage_is_what_is_told_where_reading_fails_as_well(source: Engine) -> None:
    spoil_index(source)
    with pytest.raises(SourceCorrupt, match="is damaged: "), source.snapshot():
        raise SourceError("The rows cannot be read.")
    with pytest.raises(SourceCorrupt, match="is damaged: "), source.snapshot():
        raise sqlite3.DatabaseError("malformed")


def test_what_is_not_damaged_fails_for_its_own_reason(source: Engine) -> None:
    with pytest.raises(SourceError, match=r"cannot be read: malformed\."), source.snapshot():
        raise sqlite3.DatabaseError("malformed")
    with pytest.raises(SourceError, match="another reason"), source.snapshot():
        raise SourceError("another reason")


@pytest.mark.parametrize("error", [ValueError("the storage is full"), KeyboardInterrupt()])
def test_who_gives_up_does_not_wait_for_the_check(source: Engine, endless: list[str], error: BaseException) -> None:
    with pytest.raises(type(error)), source.snapshot():
        raise error
    assert endless == ["interrupted"]


def test_who_is_interrupted_while_waiting_for_the_check_does_not_wait_on(
    source: Engine, endless: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checking.Check, "violations", interrupted)
    with pytest.raises(KeyboardInterrupt), source.snapshot():
        pass
    with pytest.raises(KeyboardInterrupt), source.snapshot():
        raise SourceError("The rows cannot be read.")
    assert endless == ["interrupted"] * 2


def test_rows_that_break_a_check_are_counted_in_the_very_view(source: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with writer_of(source) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("INSERT INTO t VALUES (1000, 'x'), (1001, 'y')")
        plain = view._begin
        begun: list[int] = []

        def disturbed(each: sqlite3.Connection, *, everything: bool) -> None:
            plain(each, everything=everything)
            begun.append(id(each))
            if len(begun) == 1 and connection.execute("PRAGMA journal_mode").fetchone() == ("wal",):
                connection.execute("INSERT INTO t VALUES (1002, 'z')")

        monkeypatch.setattr(view, "_begin", disturbed)
        made = dump(source)
    rows = len(made.lines["t"])
    assert made.facts.properties["rows_that_fail_a_check"] == f'{{"t": {rows - 899}}}'
    assert rows in {901, 902}


def test_where_somebody_writes_all_the_time_the_check_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = engine_of(tmp_path / "site.db")
    with writer_of(engine) as connection:
        connection.execute("PRAGMA journal_mode = wal")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        plain, order = view._begin, list[str]()

        def disturbed(each: sqlite3.Connection, *, everything: bool) -> None:
            plain(each, everything=everything)
            connection.execute("INSERT INTO t DEFAULT VALUES")

        def check(each: sqlite3.Connection) -> Condition:
            order.append("check")
            return Condition()

        monkeypatch.setattr(view, "_begin", disturbed)
        monkeypatch.setattr(checking, "condition_of", check)
        with engine.snapshot() as snapshot:
            order.append("read")
            assert len(list(snapshot.lines(snapshot.tables()[0]))) == snapshot.count(snapshot.tables()[0])
    assert order == ["check", "read"]


def test_it_runs_beside_the_reading(source: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    plain, connections = checking.condition_of, list[sqlite3.Connection]()

    def check(connection: sqlite3.Connection) -> Condition:
        connections.append(connection)
        return plain(connection)

    monkeypatch.setattr(checking, "condition_of", check)
    with source.snapshot() as snapshot:
        snapshot.facts()
        assert connections != [snapshot._connection]  # type: ignore[attr-defined]


def test_facts_are_looked_up_ahead_and_are_the_same(source: Engine) -> None:
    with writer_of(source) as connection:
        connection.execute(
            "CREATE TABLE child (id INTEGER PRIMARY KEY, t INTEGER REFERENCES t, u INTEGER REFERENCES t)"
        )
        connection.execute("INSERT INTO child VALUES (1, 1, 2), (2, 5000, NULL), (3, 5000, 5000)")
    with source.snapshot() as snapshot:
        tables = snapshot.tables()
        plain = ([snapshot.witness(table) for table in tables], snapshot.orphans(tables))
        snapshot.expect_witnesses(tables)
        snapshot.expect_orphans(tables)
        assert ([snapshot.witness(table) for table in tables], snapshot.orphans(tables)) == plain
        # A question that is not quite the one that was expected has an answer of its own.
        snapshot.expect_witnesses(tables)
        (t,) = (table for table in tables if table.name == "t")
        assert list(snapshot.witness(replace(t, columns=t.columns[:1])).columns) == ["id"]
    assert [orphan.rows for orphan in plain[1]] == [1, 2]


def test_what_was_looked_up_for_nobody_is_given_up(source: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[str] = []

    def endless(connection: sqlite3.Connection, table: object) -> None:
        try:
            connection.execute(ENDLESS).fetchall()
        except sqlite3.OperationalError as error:
            ended.append(str(error))
            raise

    monkeypatch.setattr(facts, "witness_of", endless)
    with source.snapshot() as snapshot:
        snapshot.expect_witnesses([*snapshot.tables(), *snapshot.tables()])
    assert set(ended) <= {"interrupted"}
