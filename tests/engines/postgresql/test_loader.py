"""Loading into PostgreSQL: what does not go in is named, what the source broke is let through, progress is told."""

from collections.abc import Iterator

import pytest

from backups.engines.base import Engine
from backups.engines.postgresql import building as module
from backups.engines.postgresql import inserting
from backups.engines.postgresql.session import fetch, session
from backups.engines.postgresql.statistics import shared_out
from backups.exceptions import ObjectDamaged, RestoreError, TargetError
from backups.facts import Orphans
from backups.progress import Step
from backups.schema import Schema, Statement
from tests.engines.dumps import Dump, assert_same, changed, dump, execute, restore

SCHEMA = (
    "CREATE TABLE parent (id integer PRIMARY KEY, name text)",
    "CREATE TABLE child (a integer, b text, parent integer REFERENCES parent, span int4range, PRIMARY KEY (a, b), "
    "UNIQUE (parent), CHECK (b <> 'bad'), EXCLUDE USING gist (span WITH &&))",
    "INSERT INTO parent VALUES (1, 'x'), (2, 'y')",
    "INSERT INTO child VALUES (1, 'x', 1, '[1,2)'), (1, 'y', 2, '[2,3)'), (2, 'x', NULL, NULL)",
)


def refused(made: Dump, target: Engine) -> RestoreError:
    """Return the error of a restore."""
    with pytest.raises(RestoreError) as caught:
        restore(made, target)
    assert str(caught.value).endswith(".")
    return caught.value


@pytest.mark.parametrize(
    ("column", "cell", "kind"),
    [
        ("parent", "9", "foreign key"),
        ("parent", "1", "unique"),
        ("b", "bad", "check"),
        ("span", '{"lower": "1", "upper": "9", "bounds": "[)"}', "exclusion"),
    ],
)
def test_a_constraint_and_the_row_that_breaks_it_are_named(
    engine: Engine, target: Engine, column: str, cell: str, kind: str
) -> None:
    execute(engine, *SCHEMA)
    made = dump(engine)
    lines = made.lines["public.child"]
    lines[1] = changed(made.table("child"), lines[1], **{column: cell})
    error = refused(made, target)
    assert f"The {kind} " in str(error)
    assert error.table == "public.child"
    expected = {"unique": ("1, x", "1, y"), "check": ("1, bad",), "foreign key": ("1, y",), "exclusion": ("",)}
    assert error.key in expected[kind]


def test_the_first_of_many_rows_that_does_not_go_in_is_named(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY, a text NOT NULL)")
    execute(engine, "INSERT INTO t SELECT n, 'x' FROM generate_series(1, 25000) n")
    made = dump(engine)
    lines = made.lines["public.t"]
    for number in (21_499, 17_776, 23_000):
        lines[number] = changed(made.tables[0], lines[number], a=None)
    error = refused(made, target)
    assert (error.table, error.key) == ("public.t", "17777")


@pytest.mark.parametrize("bad", [(50, 51), (51, 50), (0, 1), (99,), (48, 49, 50, 51)])
def test_of_batches_that_go_side_by_side_the_first_row_that_does_not_go_in_is_named(
    engine: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch, bad: tuple[int, ...]
) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY, a text NOT NULL)")
    execute(engine, "INSERT INTO t SELECT n, 'x' FROM generate_series(0, 99) n")
    made = dump(engine)
    table, lines = made.tables[0], made.lines["public.t"]
    for number in bad:
        lines[number] = changed(table, lines[number], a=None)
    # A line a text, so that each of these texts goes to one connection or the other.
    monkeypatch.setattr(inserting, "_BATCH_BYTES", 4 * len(lines[0]))
    target.create(made.facts)
    with target.loader() as loader:
        loader.define(made.schema)
        with pytest.raises(RestoreError) as caught:
            loader.load(table, lines)
    assert caught.value.key == str(min(bad)) and "null value" in str(caught.value)


def test_what_goes_wrong_with_the_texts_themselves_ends_the_load(
    engine: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 50)")
    made = dump(engine)
    monkeypatch.setattr(inserting, "_BATCH_BYTES", 100)

    def broken() -> Iterator[bytes]:
        yield from made.lines["public.t"]
        raise ObjectDamaged("chunks/00/x", "it is")

    target.create(made.facts)
    with target.loader() as loader:
        loader.define(made.schema)
        with pytest.raises(ObjectDamaged):
            loader.load(made.tables[0], broken())
        # Nothing of it is under way any more.
        assert loader.load(made.tables[0], ()) == 0


def test_a_row_of_a_table_without_a_key_is_named_as_well_as_can_be(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (a varchar(3))", "INSERT INTO t VALUES ('x')")
    made = dump(engine)
    made.lines["public.t"] = [changed(made.tables[0], made.lines["public.t"][0], a="too long")]
    assert refused(made, target).key == "without a key"


def test_a_statement_that_fails_is_named(engine: Engine, target: Engine) -> None:
    execute(engine, *(f"CREATE TABLE t{n} (id integer PRIMARY KEY)" for n in range(300)))
    made = dump(engine)
    broken = Statement("function", "public.f()", "CREATE FUNCTION f() RETURNS nonsense LANGUAGE sql AS ''")
    before = made.schema.before
    made.schema = Schema((*before[:150], broken, *before[150:]), made.schema.after)
    error = refused(made, target)
    assert "The function public.f() cannot be made" in str(error)
    assert "nonsense" in str(error)


def test_only_the_foreign_key_that_the_source_broke_is_let_through(engine: Engine, target: Engine) -> None:
    execute(engine, *SCHEMA)
    execute(engine, 'CREATE TABLE "other one" (id integer PRIMARY KEY, "the parent" integer REFERENCES parent)')
    execute(engine, 'INSERT INTO "other one" VALUES (1, 2)')
    made = dump(engine)
    lines = made.lines["public.other one"]
    lines[0] = changed(made.table("other one"), lines[0], **{"the parent": "9"})
    made.orphans = [Orphans("public.child", ("parent",), "public.parent", 1)]
    assert refused(made, target).table == "public.other one"
    target.drop()
    made.orphans = [Orphans("public.other one", ("the parent",), "public.parent", 1)]
    restore(made, target)
    assert dump(target).orphans == made.orphans


def test_progress_reaches_its_end(engine: Engine, target: Engine) -> None:
    execute(engine, *SCHEMA)
    made, steps = dump(engine), list[Step]()
    target.create(made.facts)
    with target.loader() as loader:
        loader.define(made.schema, steps.append)
        loader.complete(made.schema, [], steps.append)
    ends = {step.stage: (step.rows, step.total_rows) for step in steps}
    assert ends == {
        "define": (len(made.schema.before), len(made.schema.before)),
        "complete": (len(made.schema.after), len(made.schema.after)),
    }


def test_large_tables_share_two_connections(engine: Engine, target: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    execute(
        engine,
        "CREATE TABLE t (id integer PRIMARY KEY, a integer UNIQUE, b text)",
        "INSERT INTO t SELECT n, n, n FROM generate_series(1, 30000) n",
        *(f"CREATE INDEX t_{n} ON t (b, {'a' if n % 2 else 'id'})" for n in range(6)),
        "CREATE TABLE u (LIKE t INCLUDING ALL)",
    )
    plain, connections = module.run_batch, set[int]()

    def seen(*arguments: object) -> None:
        connections.add(id(arguments[0]))
        plain(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "run_batch", seen)
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)
    assert len(connections) == 2


def test_everything_has_statistics(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        'CREATE TABLE "a ""table"" 100%" (id integer PRIMARY KEY)',
        'INSERT INTO "a ""table"" 100%" SELECT generate_series(1, 500)',
        "CREATE TABLE empty (id integer)",
        "CREATE SCHEMA apart",
        "CREATE TABLE apart.t (id integer)",
        "INSERT INTO apart.t SELECT generate_series(1, 20000)",
        "CREATE MATERIALIZED VIEW apart.seen AS SELECT id FROM apart.t WHERE id < 8",
    )
    restore(dump(engine), target)
    with session(target) as connection:
        known = fetch(
            connection, "SELECT relname, reltuples::int FROM pg_class WHERE relkind IN ('r', 'm') AND oid > 16383"
        )
    assert sorted(known) == [('a "table" 100%', 500), ("empty", 0), ("seen", 7), ("t", 20000)]


def test_tables_are_shared_out_by_their_size() -> None:
    relations = [("a", 10**9), ("b", 10**8), ("c", 10**8), ("d", 0), ("e", 0)]
    assert shared_out(relations, 2) == [["a"], ["b", "c", "d", "e"]]
    assert shared_out(relations, 1) == [["a", "b", "c", "d", "e"]]
    assert shared_out([("d", 0), ("e", 0)], 2) == [["d"], ["e"]]


def test_keys_of_large_tables_are_built_as_indexes_and_are_the_same_keys(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        'CREATE TABLE "a ""large"" (one)" (id integer, "the (key)" text, c text COLLATE "C", d integer, '
        'PRIMARY KEY (id), UNIQUE ("the (key)", id), CONSTRAINT "later on" UNIQUE (c) DEFERRABLE INITIALLY DEFERRED, '
        "CONSTRAINT more UNIQUE (id) INCLUDE (d), CONSTRAINT loose UNIQUE (d, id) WITH (fillfactor = 70))",
        'INSERT INTO "a ""large"" (one)" SELECT n, n, n, n FROM generate_series(1, 12000) n',
        'CREATE UNIQUE INDEX "an index" ON "a ""large"" (one)" (d) WHERE d > 5',
        'ALTER TABLE "a ""large"" (one)" CLUSTER ON "later on"',
    )
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


@pytest.mark.parametrize(("column", "kind"), [("id", "primary key"), ("a", "unique"), ("b", "index")])
def test_a_row_that_breaks_the_key_of_a_large_table_is_named(
    engine: Engine, target: Engine, column: str, kind: str
) -> None:
    execute(
        engine,
        "CREATE TABLE t (id integer, other serial, a integer UNIQUE, b integer, PRIMARY KEY (id, other), UNIQUE (id))",
        "INSERT INTO t SELECT n, n, n, n FROM generate_series(1, 12000) n",
        "CREATE UNIQUE INDEX t_b ON t (b)",
    )
    made = dump(engine)
    lines = made.lines["public.t"]
    changes = {"id": "7", "other": "7"} if column == "id" else {column: "7"}
    lines[8] = changed(made.table("t"), lines[8], **changes)
    error = refused(made, target)
    assert (error.table, error.key) == ("public.t", "7, 7")
    assert (f"The {kind} " in str(error)) or column == "id"


def test_planner_statistics_are_there_afterwards(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY)", "INSERT INTO t SELECT generate_series(1, 1000)")
    restore(dump(engine), target)
    with session(target) as connection:
        assert fetch(connection, "SELECT count(*) FROM pg_stats WHERE tablename = 't'") == [(1,)]
        assert fetch(connection, "SELECT reltuples FROM pg_class WHERE relname = 't'") == [(1000.0,)]


def test_a_loader_of_no_database_is_an_error(target: Engine) -> None:
    with pytest.raises(TargetError, match="cannot be reached"), target.loader():
        pass
