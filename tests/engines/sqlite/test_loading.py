"""What SQLite's loader takes, and what it refuses by name."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from backups.exceptions import RestoreError
from backups.facts import Uncovered
from backups.rows import Exact, MalformedLine
from backups.schema import Schema, Statement
from tests.databases import Server, database
from tests.engines.dumps import Dump, assert_same, changed, dump, execute, restore


@pytest.fixture
def server(sqlite: Server) -> Server:
    """The folder."""
    return sqlite


@pytest.fixture
def target(engine: Engine, server: Server) -> Iterator[Engine]:
    """A file that is not there yet; removed at the end."""
    target = engine.at(server.new_name("restored"))
    yield target
    target.drop()


@pytest.fixture
def engine(server: Server) -> Iterator[Engine]:
    """An empty database where neither foreign keys nor checks are looked at."""
    with database(server) as made:
        execute(made, "PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON")
        yield made


def refused(made: Dump, target: Engine) -> RestoreError:
    """Restore what cannot be restored."""
    with pytest.raises(RestoreError, match=r"\.$") as caught:
        restore(made, target)
    return caught.value


def add(made: Dump, name: str, **cells: object) -> None:
    """Add a row like the table's last one."""
    table = made.table(name)
    lines = made.lines[name]
    lines.append(changed(table, lines[-1], **cells))  # type: ignore[arg-type]


@pytest.mark.parametrize("rowid", ["", "WITHOUT ROWID"])
def test_one_orphan_more_than_in_the_source_is_named(engine: Engine, target: Engine, rowid: str) -> None:
    execute(
        engine,
        "CREATE TABLE parent (id INTEGER PRIMARY KEY)",
        f"CREATE TABLE child (a TEXT NOT NULL, b INTEGER NOT NULL REFERENCES parent (id), PRIMARY KEY (a, b)) {rowid}",
        "INSERT INTO child VALUES ('x', 55)",
    )
    made = dump(engine)
    assert [(found.columns, found.parent, found.rows) for found in made.orphans] == [(("b",), "parent", 1)]
    add(made, "child", a="y")
    error = refused(made, target)
    assert error.table == "child"
    assert error.key in {"x, 55", "y, 55"}


@pytest.mark.parametrize("parent", ["CREATE TABLE parent (id INTEGER)", "CREATE TABLE elsewhere (id)"])
def test_a_foreign_key_that_sqlite_cannot_check_is_taken_as_it_is(engine: Engine, target: Engine, parent: str) -> None:
    execute(engine, parent, "CREATE TABLE child (id INTEGER PRIMARY KEY, p INTEGER REFERENCES parent (id))")
    execute(engine, "INSERT INTO child VALUES (1, 55), (2, NULL)")
    expected = dump(engine)
    assert [found.rows for found in expected.orphans] == [1]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_rows_that_break_a_check_in_the_source_are_taken(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0))")
    execute(engine, "INSERT INTO t VALUES (1, 1), (2, -1)")
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)
    assert dump(target).facts == expected.facts


def test_more_rows_that_break_a_check_than_in_the_source_are_not(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER CHECK (n > 0))", "INSERT INTO t VALUES (1, -1)")
    made = dump(engine)
    add(made, "t", id="2")
    assert "2 rows of table t" in str(refused(made, target))


def test_rows_that_a_unique_index_refuses_are_named(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, a TEXT, b TEXT)", "CREATE UNIQUE INDEX once ON t (a, b)")
    execute(engine, "INSERT INTO t VALUES (1, 'x', 'y'), (2, 'x', 'z')")
    made = dump(engine)
    add(made, "t", id="3")
    error = refused(made, target)
    assert (error.table, error.key) in {("t", "2"), ("t", "3")}
    assert "once" in str(error)


@pytest.mark.parametrize("cell", [Exact("NaN"), Exact({"unheard": "of"}), '"text"'])
def test_a_cell_that_sqlite_cannot_hold_is_named(engine: Engine, target: Engine, cell: object) -> None:
    execute(engine, "CREATE TABLE t (id INTEGER PRIMARY KEY, f REAL)", "INSERT INTO t VALUES (1, 1.5), (2, 2.5)")
    made = dump(engine)
    add(made, "t", id="3", f=cell)
    error = refused(made, target)
    assert (error.table, error.key) == ("t", "3")


def test_a_row_without_a_key_is_named_by_its_number(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER NOT NULL)", "INSERT INTO t VALUES (7), (8)")
    made = dump(engine)
    add(made, "t", a=None)
    assert "number 3" in str(refused(made, target))


def test_a_line_of_another_table_is_refused(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER)", "CREATE TABLE u (a INTEGER)", "INSERT INTO t VALUES (7)")
    made = dump(engine)
    made.lines["u"] = made.lines["t"]
    with pytest.raises(MalformedLine):
        restore(made, target)


def test_a_statement_that_cannot_run_is_named(engine: Engine, target: Engine) -> None:
    made = dump(engine)
    made.schema = Schema(after=(Statement("index", "by_name", "CREATE INDEX by_name ON nothing (name)", "nothing"),))
    assert "by_name" in str(refused(made, target))


def test_an_unfinished_load_leaves_nothing_in_the_file(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER)", "INSERT INTO t VALUES (7)")
    made = dump(engine)
    target.create(made.facts)
    with target.loader() as loader:
        loader.define(made.schema)
        loader.load(made.table("t"), made.lines["t"])
    assert dump(target).tables == []


def test_a_virtual_table_comes_with_its_shadows_and_goes_with_them(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE VIRTUAL TABLE words USING fts5(word)", "INSERT INTO words VALUES ('boat'), ('life')")
    execute(engine, "DELETE FROM words WHERE word = 'boat'", "CREATE TABLE words_of_mine (id INTEGER PRIMARY KEY)")
    expected = dump(engine)
    assert [s.name for s in expected.schema.before] == ["words", "words_of_mine"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)
    with engine.snapshot(["words"]) as snapshot:
        assert [table.name for table in snapshot.tables()] == ["words_of_mine"]
        assert [s.name for s in snapshot.schema().before] == ["words_of_mine"]


def test_what_is_not_covered_is_named_with_its_reason(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (a INTEGER)", "CREATE INDEX i ON t (a)", "INSERT INTO t VALUES (7)", "ANALYZE")
    with engine.snapshot() as snapshot:
        assert [table.name for table in snapshot.tables()] == ["t"]
        found = snapshot.uncovered()
    assert Uncovered("table", "sqlite_stat1", "statistics of the planner; a restore gathers them afresh") in found


def test_every_object_is_made_again_word_for_word(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        "CREATE TABLE\n  'a \"b' ( id INTEGER PRIMARY KEY AUTOINCREMENT, /* why */ x  TEXT COLLATE NOCASE, y AS (x || '!'))",
        "CREATE TABLE log (what)",
        'CREATE INDEX [by x] ON "a ""b" (x DESC, lower(x)) WHERE x IS NOT NULL',
        "CREATE VIEW second AS SELECT * FROM first",
        'CREATE VIEW first AS SELECT x FROM "a ""b"',
        "CREATE TRIGGER one INSTEAD OF INSERT ON first BEGIN INSERT INTO log VALUES (';'); SELECT 1; END",
        'CREATE TRIGGER two AFTER INSERT ON "a ""b" BEGIN INSERT INTO log VALUES (new.x); END',
        "INSERT INTO \"a \"\"b\" (x) VALUES ('one'), ('TWO')",
    )
    expected = dump(engine)
    restore(expected, target)
    assert dump(target).schema == expected.schema
    assert_same(expected, dump(target), engine)
    assert len(expected.lines["log"]) == 2
