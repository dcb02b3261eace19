"""The definition of a PostgreSQL database: whole, exact by pg_dump's judgement, and compared object by object."""

from collections.abc import Callable
from pathlib import Path

import pytest

from backups.engines.base import Engine
from backups.engines.postgresql.engine import PostgreSQL
from backups.exceptions import ConfigurationError
from backups.schema import Difference, differences
from tests.databases import Server, database
from tests.engines.dumps import assert_same, dump, execute, referenced, restore

AWKWARD = Path(__file__).with_name("awkward.sql")


@pytest.mark.slow
class TestAwkward:
    """A definition with everything in it."""

    def test_it_comes_back_exactly(
        self, awkward: Engine, target: Engine, dumped: Callable[[Engine], list[str]]
    ) -> None:
        expected = dump(awkward)
        restore(expected, target)
        assert_same(expected, dump(target), awkward)
        assert dumped(target) == dumped(awkward)

    def test_its_rows_are_written_both_ways_alike(self, awkward: Engine) -> None:
        found = dump(awkward)
        with awkward.snapshot() as snapshot:
            for table in found.tables:
                assert referenced(snapshot, table) == found.lines[table.qualified], table.qualified

    def test_it_restores_on_a_newer_server(self, postgresql: Server, postgresql_18: Server) -> None:
        with database(postgresql) as source, database(postgresql_18) as other:
            execute(source, AWKWARD.read_text())
            # How NOT NULL is inherited is written in another way since PostgreSQL 18.
            execute(source, "DROP TABLE grandchild", "DROP TABLE child")
            target = other.at(postgresql_18.new_name("restored"))
            try:
                expected = dump(source)
                restore(expected, target)
                assert_same(expected, dump(target), source)
            finally:
                target.drop()

    def test_it_is_not_restored_on_an_older_server(self, postgresql: Server, postgresql_18: Server) -> None:
        with database(postgresql) as older, database(postgresql_18) as newer:
            facts = dump(newer).facts
            assert any("older" in reason for reason in older.at(postgresql.new_name()).preflight(facts))

    @pytest.mark.parametrize(
        ("change", "kind", "name"),
        [
            ('ALTER TABLE "select" DROP COLUMN body CASCADE', "table", "public.select"),
            ("ALTER TABLE looped ALTER n DROP DEFAULT", "default", "public.looped.n"),
            ('ALTER TABLE "select" DROP CONSTRAINT low_or_high', "check", "low_or_high"),
            ('ALTER TABLE "select" DROP CONSTRAINT one_price', "unique", "one_price"),
            ('ALTER TABLE "select" DROP CONSTRAINT no_overlap', "exclusion", "no_overlap"),
            ("ALTER TABLE chicken DROP CONSTRAINT chicken_egg_fkey", "foreign key", "chicken_egg_fkey"),
            ("DROP INDEX select_lower", "index", "select_lower"),
            ("DROP TRIGGER bumped ON looped", "trigger", "bumped"),
            ("ALTER TABLE looped DISABLE TRIGGER bumped", "trigger", "bumped"),
            ("DROP FUNCTION twice(text)", "function", "public.twice(n text)"),
            ("DROP PROCEDURE nothing", "function", "public.nothing(INOUT a integer)"),
            ("DROP AGGREGATE product(numeric)", "function", "public.product(numeric)"),
            ("DROP VIEW cheaper", "view", "public.cheaper"),
            ("DROP MATERIALIZED VIEW never_filled", "materialized view", "public.never_filled"),
            ("REFRESH MATERIALIZED VIEW never_filled", "refresh", "public.never_filled"),
            ("DROP RULE no_delete ON looped", "rule", "no_delete"),
            ('DROP POLICY own_rows ON "select"', "policy", "own_rows"),
            ('ALTER TABLE "select" DISABLE ROW LEVEL SECURITY', "row security", ""),
            ("DROP SEQUENCE lonely", "sequence", "public.lonely"),
            ("ALTER SEQUENCE lonely MAXVALUE 99", "sequence", "public.lonely"),
            ("DROP STATISTICS select_stats", "statistics", "select_stats"),
            ("DROP TYPE textrange", "type", "public.textrange"),
            ("ALTER TYPE mood RENAME VALUE 'sad' TO 'glum'", "type", "public.mood"),
            ("DROP DOMAIN shorter", "domain", "public.shorter"),
            ("DROP COLLATION german CASCADE", "collation", "public.german"),
            ("DROP EXTENSION hstore CASCADE", "extension", "hstore"),
            ("ALTER TABLE spread DETACH PARTITION spread_0", "partition", "public.spread_0"),
            ("COMMENT ON TABLE \"select\" IS 'another'", "comment", 'public."select"'),
            ("ALTER TABLE keyless REPLICA IDENTITY DEFAULT", "replica identity", ""),
            ('ALTER TABLE "select" ALTER body SET STORAGE EXTENDED', "column", "public.select.body"),
            ('ALTER TABLE "select" ALTER price SET DEFAULT 1.51', "table", "public.select"),
            ("CREATE SCHEMA another", "schema", "another"),
        ],
    )
    def test_each_change_is_seen_as_what_it_is(self, awkward: Engine, change: str, kind: str, name: str) -> None:
        assert (kind, name) in {(found.kind, found.name) for found in _changes(awkward, change)}

    @pytest.mark.parametrize(
        ("definition", "change"),
        [
            ("CHECK (u IN ('kg', 'lb'))", "CHECK (u IN ('kg', 'lb', 'st'))"),
            ("CHECK (u IN ('kg', 'lb'))", "CHECK (u NOT IN ('kg', 'lb'))"),
            ("CHECK (u IN ('a, b', 'c'))", "CHECK (u IN ('a', 'b', 'c'))"),
            ("CHECK ((n > 1 OR n < -1) AND u = 'x')", "CHECK (n > 1 OR (n < -1 AND u = 'x'))"),
            ("CHECK (n::text = u)", "CHECK (n::text = u::varchar(1))"),
        ],
    )
    def test_a_constraint_that_means_something_else_is_seen(self, engine: Engine, definition: str, change: str) -> None:
        execute(engine, f"CREATE TABLE t (u varchar(10), n integer, CONSTRAINT c {definition})")
        found = _changes(engine, f"ALTER TABLE t DROP CONSTRAINT c; ALTER TABLE t ADD CONSTRAINT c {change}")
        assert [(difference.kind, difference.name) for difference in found] == [("check", "c")]


def _changes(engine: Engine, statements: str) -> list[Difference]:
    before = dump(engine).schema
    execute(engine, statements)
    with engine.snapshot() as snapshot:
        return differences(before, snapshot.schema(), engine.normal)


def test_a_view_that_was_replaced_is_seen(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (a integer, b integer)", "CREATE VIEW v AS SELECT a FROM t WHERE b > 1")
    found = _changes(engine, "CREATE OR REPLACE VIEW v AS SELECT b AS a FROM t WHERE b > 1")
    assert [difference.name for difference in found] == ["public.v"]


def test_a_schema_public_that_was_dropped_stays_dropped(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE SCHEMA mine", "CREATE TABLE mine.t (a integer PRIMARY KEY)", "DROP SCHEMA public")
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_a_check_whose_function_finds_its_table_on_the_path_comes_back(engine: Engine, target: Engine) -> None:
    """Restores by pg_restore fail on such a one, which searches nowhere."""
    execute(
        engine,
        "CREATE TABLE known (name text)",
        "INSERT INTO known VALUES ('x')",
        "CREATE FUNCTION is_known(text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 IN (SELECT name FROM known)'",
        "CREATE TABLE t (name text CHECK (is_known(name)))",
        "INSERT INTO t VALUES ('x')",
    )
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_every_schema_is_covered_and_labelled_by_where_django_looks(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        'CREATE SCHEMA "tenant a"',
        'CREATE TABLE "tenant a".auth_user (id integer PRIMARY KEY)',
        "CREATE TABLE auth_user (id integer PRIMARY KEY, username text)",
        "INSERT INTO auth_user VALUES (1, 'x')",
        'INSERT INTO "tenant a".auth_user VALUES (2)',
    )
    expected = dump(engine)
    assert [(table.qualified, table.label) for table in expected.tables] == [
        ("public.auth_user", "auth.user"),
        ("tenant a.auth_user", "tables.tenant a.auth_user"),
    ]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_the_path_of_a_database_decides_where_django_looks(engine: Engine, target: Engine) -> None:
    execute(
        engine,
        "CREATE SCHEMA app",
        "CREATE TABLE app.auth_user (id integer PRIMARY KEY)",
        f'ALTER DATABASE "{engine.name}" SET search_path = app, public',
        f"ALTER DATABASE \"{engine.name}\" SET app.secret = 'swordfish'",
    )
    expected = dump(engine)
    assert expected.table("auth_user").label == "auth.user"
    assert "swordfish" not in repr(expected)
    restore(expected, target)
    assert dump(target).facts == expected.facts
    assert_same(expected, dump(target), engine)
    with engine.snapshot() as snapshot:
        assert [found.name for found in snapshot.uncovered() if found.kind == "setting"] == ["app.secret"]


def test_what_is_an_extensions_own_comes_with_it(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE EXTENSION hstore", "CREATE TABLE t (id integer PRIMARY KEY, pairs hstore)")
    expected = dump(engine)
    assert not [s for s in expected.schema.statements() if s.kind == "function"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_what_is_not_covered_is_named(engine: Engine) -> None:
    execute(
        engine,
        "CREATE FUNCTION pair(integer, integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE OPERATOR #### (FUNCTION = pair, LEFTARG = integer, RIGHTARG = integer)",
        "CREATE TEXT SEARCH CONFIGURATION plain (COPY = simple)",
        "SELECT lo_from_bytea(0, 'x')",
        "CREATE TABLE t (id integer)",
        "GRANT SELECT ON t TO PUBLIC",
        "CREATE PUBLICATION everything FOR TABLE t",
    )
    with engine.snapshot() as snapshot:
        kinds = {found.kind for found in snapshot.uncovered()}
    assert kinds == {"operator", "text search configuration", "large object", "grant", "publication"}


def test_an_index_whose_build_failed_is_named_and_left_out(engine: Engine) -> None:
    execute(engine, "CREATE TABLE t (a integer)", "INSERT INTO t VALUES (1), (1)")
    with pytest.raises(Exception, match="could not create"):
        execute(engine, "CREATE UNIQUE INDEX CONCURRENTLY broken ON t (a)")
    with engine.snapshot() as snapshot:
        assert [found.name for found in snapshot.uncovered() if found.kind == "invalid index"] == ["public.broken"]
        assert not [s for s in snapshot.schema().statements() if s.name == "broken"]


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE MATERIALIZED VIEW m AS SELECT id FROM gone",
        "CREATE FUNCTION f(gone) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE TABLE heir () INHERITS (gone)",
    ],
)
def test_whatever_needs_an_excluded_table_is_refused(engine: Engine, statement: str) -> None:
    execute(engine, "CREATE TABLE gone (id serial PRIMARY KEY)", "CREATE TABLE kept (id integer)")
    with engine.snapshot(["gone"]) as snapshot:
        assert not [s for s in snapshot.schema().statements() if "gone" in s.sql]
        assert snapshot.sequences() == []
    execute(engine, statement)
    with pytest.raises(ConfigurationError, match=r"public\.gone"), engine.snapshot(["gone"]):
        pass


def test_a_pool_of_djangos_does_not_lead_elsewhere() -> None:
    engine = PostgreSQL("default", {"ENGINE": "", "NAME": "x", "OPTIONS": {"pool": True, "sslmode": "require"}})
    assert "pool" not in engine.settings["OPTIONS"]
    assert engine.at("other").settings["OPTIONS"]["sslmode"] == "require"


def test_statements_are_captured_in_the_same_order_everywhere(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE b (id integer PRIMARY KEY)", "CREATE TABLE a (id integer REFERENCES b UNIQUE)")
    expected = dump(engine)
    restore(expected, target)
    found = dump(target).schema
    assert found.to_bytes() == expected.schema.to_bytes()
