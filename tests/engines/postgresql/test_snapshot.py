"""A PostgreSQL snapshot: it holds off what would change its tables, is not held up for ever, and survives its readers."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from backups.engines.base import Engine
from backups.engines.postgresql import readers
from backups.engines.postgresql import snapshot as module
from backups.engines.postgresql.session import Connection, fetch, run, session
from backups.exceptions import SourceChanged, SourceError
from backups.facts import Span
from tests.databases import Server
from tests.engines.dumps import assert_same, dump, execute, meanwhile, restore

ROWS = "INSERT INTO t SELECT n, repeat('x', 200) FROM generate_series(1, 50000) n"


@pytest.fixture
def filled(engine: Engine) -> Engine:
    """An engine whose database has a table that does not fit into a buffer."""
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY, a text)", ROWS)
    return engine


@contextmanager
def another(engine: Engine) -> Iterator[Connection]:
    """Connect once more, with a transaction open."""
    with session(engine) as connection:
        run(connection, "SET application_name = 'the migration'")
        run(connection, "BEGIN")
        yield connection


@pytest.mark.slow
@pytest.mark.parametrize(
    "change", ["TRUNCATE t", "ALTER TABLE t ALTER a TYPE varchar(300)", "DROP TABLE t", "ALTER TABLE t RENAME TO u"]
)
def test_what_would_change_a_table_waits_for_the_end(filled: Engine, change: str) -> None:
    expected = dump(filled).lines
    done = threading.Event()

    def alter() -> None:
        execute(filled, change)
        done.set()

    with filled.snapshot() as snapshot:
        with meanwhile(alter, filled, patience=0.5) as raised:
            assert not done.is_set()
            found = {table.qualified: list(snapshot.lines(table)) for table in snapshot.tables()}
            snapshot.confirm()
            assert not done.is_set()
            snapshot._connection.close()  # type: ignore[attr-defined]
        assert raised == []
    assert done.is_set()
    assert found == expected


def test_a_backup_is_not_held_up_for_ever(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", "200ms")
    with another(filled) as other:
        run(other, "ALTER TABLE t ADD COLUMN b integer")
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"Table public\.t .*the migration") as caught, filled.snapshot():
            pass
        assert time.monotonic() - began < 10
    assert str(caught.value).endswith(".")
    assert "b" not in [column.name for column in dump(filled).tables[0].columns]


def test_tables_that_come_while_it_locks_are_locked_too(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, made = module._lock, []

    def late(connection: Connection, wanted: Any) -> None:
        if not made:
            execute(filled, "CREATE TABLE late (id integer PRIMARY KEY)", "INSERT INTO late VALUES (1)")
            made.append(True)
        lock(connection, wanted)

    monkeypatch.setattr(module, "_lock", late)
    assert list(dump(filled).lines) == ["public.late", "public.t"]


def test_a_table_that_goes_while_it_locks_is_no_error(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = module._lock

    def late(connection: Connection, wanted: Any) -> None:
        execute(filled, "DROP TABLE IF EXISTS t")
        lock(connection, wanted)

    monkeypatch.setattr(module, "_lock", late)
    assert dump(filled).tables == []


def test_tables_that_come_and_go_all_the_time_are_an_error(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, numbers = module._lock, iter(range(100))

    def late(connection: Connection, wanted: Any) -> None:
        lock(connection, wanted)
        execute(filled, f"CREATE TABLE late_{next(numbers)} (id integer)")

    monkeypatch.setattr(module, "_lock", late)
    with pytest.raises(SourceChanged), filled.snapshot():
        pass


def test_a_reading_given_up_early_leaves_the_view_as_it_was(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        for read in (snapshot.lines, snapshot.rows):
            begun = read(table)
            next(begun)
            begun.close()
        execute(filled, "DELETE FROM t WHERE id < 100")
        assert snapshot.count(table) == 50_000
        assert len(list(snapshot.lines(table))) == 50_000
        snapshot.confirm()


def test_two_readings_at_once_are_refused(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        begun = snapshot.lines(table)
        next(begun)
        with pytest.raises(RuntimeError, match="one thing"):
            snapshot.count(table)
        begun.close()


def test_an_error_leaves_the_view_as_it_was(filled: Engine) -> None:
    execute(filled, "CREATE VIEW v AS SELECT 1 AS one")
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        gone = type(table)("nothing", "x", table.columns, schema="public")
        with pytest.raises(SourceChanged, match="nothing"):
            list(snapshot.lines(gone))
        assert snapshot.count(table) == 50_000


def test_a_connection_that_is_lost_is_a_sentence(filled: Engine) -> None:
    with pytest.raises(SourceError, match=r"\.$"), filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        begun = snapshot.lines(table)
        next(begun)
        execute(
            filled,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'lifeboat'",
        )
        list(begun)


def test_nothing_can_be_written_through_it(filled: Engine) -> None:
    with filled.snapshot() as snapshot, pytest.raises(Exception, match="read-only"):
        run(snapshot._connection, "DELETE FROM public.t")  # type: ignore[attr-defined]


def test_it_connects_without_waking_receivers_of_djangos_signal(filled: Engine) -> None:
    """Those look things up in the database of the alias, which may be gone, or another one."""
    woken: list[object] = []

    def receiver(**found: object) -> None:
        woken.append(found)

    connection_created.connect(receiver)
    try:
        dump(filled)
        filled.exists()
    finally:
        connection_created.disconnect(receiver)
    assert woken == []


def test_settings_of_the_role_change_nothing(filled: Engine) -> None:
    execute(filled, "CREATE TABLE odd (id integer PRIMARY KEY, at timestamptz, cash money, f float, long interval)")
    execute(filled, "INSERT INTO odd VALUES (1, '2020-01-01 12:00+02', '1.5', 0.1, '1 day 2 hours')")
    expected = dump(filled).lines
    settings = {
        "timezone": "Asia/Tokyo",
        "datestyle": "German",
        "intervalstyle": "sql_standard",
        "extra_float_digits": "-5",
        "search_path": "nowhere",
        "statement_timeout": "1s",
        "default_transaction_isolation": "serializable",
    }
    for name, value in settings.items():
        execute(filled, f"ALTER DATABASE \"{filled.name}\" SET {name} = '{value}'")
    assert dump(filled).lines == expected | {
        name: [line.replace(b'"tables.', b'"tables.public.') for line in lines] for name, lines in expected.items()
    }


class TestRights:
    """A role that may not do everything."""

    @pytest.fixture
    def plain(self, filled: Engine, server: Server) -> Iterator[Engine]:
        """The same database through a role with no rights but to connect."""
        role = server.new_name("role")
        execute(filled, f"CREATE ROLE {role} LOGIN")
        yield type(filled)(filled.alias, {**filled.settings, "USER": role})
        execute(filled, f"DROP OWNED BY {role}", f"DROP ROLE {role}")

    def test_a_table_that_may_not_be_read_is_named(self, plain: Engine) -> None:
        with pytest.raises(SourceError, match=r"table t\b") as caught, plain.snapshot():
            pass
        assert caught.value.hint

    def test_reading_is_all_that_is_needed(self, filled: Engine, plain: Engine) -> None:
        execute(filled, f"GRANT SELECT ON t TO {plain.settings['USER']}")
        assert dump(plain).lines == dump(filled).lines
        with plain.lock("20261122T164315Z-3f9a2c"):
            pass

    def test_rows_that_a_policy_hides_are_an_error_rather_than_missing(self, filled: Engine, plain: Engine) -> None:
        execute(filled, f"GRANT SELECT ON t TO {plain.settings['USER']}", "ALTER TABLE t ENABLE ROW LEVEL SECURITY")
        with pytest.raises(SourceError, match="row-level security"):
            dump(plain)

    def test_a_role_that_may_not_make_databases_is_told_what_it_lacks(self, filled: Engine, plain: Engine) -> None:
        facts = dump(filled).facts
        target = plain.at("never_made")
        (reason,) = target.preflight(facts)
        assert "CREATEDB" in reason
        with pytest.raises(Exception, match="right") as caught:
            target.create(facts)
        assert "CREATEDB" in caught.value.hint  # type: ignore[attr-defined]

    def test_an_extension_that_only_a_superuser_may_create_is_told_before(self, filled: Engine, plain: Engine) -> None:
        execute(filled, "CREATE EXTENSION bloom", f"ALTER ROLE {plain.settings['USER']} CREATEDB")
        (reason,) = plain.at("never_made").preflight(dump(filled).facts)
        assert "bloom" in reason

    def test_a_restore_needs_no_superuser(self, filled: Engine, plain: Engine, server: Server) -> None:
        role = plain.settings["USER"]
        execute(filled, f"ALTER ROLE {role} CREATEDB", f"GRANT SELECT ON t TO {role}", "CREATE EXTENSION citext")
        expected, target = dump(filled), plain.at(server.new_name())
        try:
            restore(expected, target)
            assert_same(expected, dump(target), filled)
        finally:
            target.drop()


class TestPlaces:
    """Databases come and go."""

    def test_it_is_the_same_through_another_name_of_its_host(self, engine: Engine) -> None:
        assert engine.settings["HOST"] == "127.0.0.1"
        assert engine.is_same(type(engine)("other", {**engine.settings, "HOST": "localhost"}))

    def test_an_unreachable_server_is_told_apart_by_its_address(self, engine: Engine) -> None:
        nowhere = type(engine)("other", {**engine.settings, "PORT": "1"})
        assert not engine.is_same(nowhere)
        assert nowhere.is_same(nowhere)
        with pytest.raises(SourceError, match="cannot be reached"):
            nowhere.exists()

    @pytest.mark.parametrize("name", ["postgres", "template0", "template1"])
    def test_the_servers_own_databases_are_never_a_target(self, engine: Engine, name: str) -> None:
        with pytest.raises(Exception, match="server itself"):
            engine.at(name)

    def test_a_locale_that_the_server_has_not_is_told_before(self, engine: Engine) -> None:
        facts = dump(engine).facts
        other = replace(facts, properties={**facts.properties, "collate": "tlh_KX.UTF-8"})
        (reason,) = engine.at("never_made").preflight(other)
        assert "tlh_KX" in reason

    def test_a_collation_that_columns_use_and_the_server_has_not_is_told_before(self, engine: Engine) -> None:
        execute(engine, 'CREATE TABLE t (a text COLLATE "ucs_basic")')
        facts = dump(engine).facts
        assert facts.properties["collations"] == "ucs_basic"
        other = replace(facts, properties={**facts.properties, "collations": "tlh-x-icu, ucs_basic"})
        (reason,) = engine.at("never_made").preflight(other)
        assert "tlh-x-icu" in reason

    def test_a_missing_extension_is_told_before(self, engine: Engine) -> None:
        (reason,) = engine.at("never_made").preflight(replace(dump(engine).facts, extensions=("plpgsql", "warp_drive")))
        assert "warp_drive" in reason

    def test_a_collation_of_icu_comes_back_where_there_is_one(self, engine: Engine, server: Server) -> None:
        if not fetch_one(engine, "SELECT count(*) FROM pg_collation WHERE collname = 'und-x-icu'"):
            pytest.skip("NOT TESTED, the server has no ICU")
        name = server.new_name()
        execute(engine, f"CREATE DATABASE {name} TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'de-DE' LOCALE 'C'")
        source, target = engine.at(name), engine.at(server.new_name())
        try:
            with session(source) as connection:
                run(
                    connection,
                    "CREATE COLLATION nd (PROVIDER = icu, LOCALE = 'und-u-ks-level2', DETERMINISTIC = false)",
                )
                run(connection, "CREATE TABLE t (a text PRIMARY KEY, b text COLLATE nd UNIQUE NOT NULL)")
                run(connection, "INSERT INTO t VALUES ('Z', 'x'), ('ä', 'Y'), ('a', 'z'), ('B', 'w')")
            expected = dump(source)
            restore(expected, target)
            found = dump(target)
            assert_same(expected, found, engine)
            assert found.facts == expected.facts
            assert found.facts.properties["provider"] == "icu"
            assert next(line.split(b",")[1] for line in found.lines["public.t"]) == b'"pk":"a"'
        finally:
            source.drop()
            target.drop()


def fetch_one(engine: Engine, query: str) -> Any:
    """Return the one value of a query."""
    with session(engine) as connection:
        return fetch(connection, query)[0][0]


WHOLE = Span()


def test_large_tables_are_read_whole_spans_at_a_time(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        assert 200 < snapshot.line_size(table) < 300
        ends = snapshot.boundaries(table, None, 10_000)
        assert ends == [("10000",), ("20000",), ("30000",), ("40000",), ("50000",)]
        spans = [Span(*bounds) for bounds in pairwise([None, *ends, None])]
        found = list(snapshot.texts(table, spans, 2**26))
        assert found[-1] == b""
        assert b"".join(text for text in found if text) == b"".join(snapshot.lines(table))


def test_a_span_above_the_limit_is_left_to_be_read_line_by_line(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        size = len(b"".join(snapshot.lines(table, Span(None, ("100",)))))
        spans = [Span(None, ("100",)), Span(("100",), ("300",)), Span(("300",), ("301",))]
        assert [text and len(text) <= size for text in snapshot.texts(table, spans, size)] == [True, None, True]
        assert list(snapshot.texts(table, spans[:1], size - 1)) == [None]


def test_who_waits_to_alter_a_table_does_not_hold_up_its_readers(filled: Engine) -> None:
    """Whoever waits for a lock stands before all who come later, and here it waits for us."""
    with (
        filled.snapshot() as snapshot,
        meanwhile(lambda: execute(filled, "ALTER TABLE t ADD COLUMN b integer"), filled, patience=0.5),
    ):
        (table,) = snapshot.tables()
        began = time.monotonic()
        assert list(snapshot.texts(table, [WHOLE], 2**26)) == [None]
        assert len(list(snapshot.lines(table))) == 50_000
        assert time.monotonic() - began < 20
        snapshot._connection.close()  # type: ignore[attr-defined]


def test_readers_that_are_lost_leave_their_spans_to_be_read_line_by_line(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        assert None not in list(snapshot.texts(table, [WHOLE], 2**26))
        for reader in snapshot._readers._connections:  # type: ignore[attr-defined]
            pid = reader.info.backend_pid
            with session(filled) as other:
                fetch(other, f"SELECT pg_terminate_backend({pid})")
        assert list(snapshot.texts(table, [WHOLE, WHOLE], 2**26)) == [None, None]
        assert len(list(snapshot.lines(table))) == 50_000


def test_readers_see_what_the_snapshot_sees(filled: Engine) -> None:
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        execute(filled, "UPDATE t SET a = 'later'", "INSERT INTO t VALUES (50001, 'later')")
        (text,) = snapshot.texts(table, [WHOLE], 2**26)
        assert text == b"".join(snapshot.lines(table))
        assert b"later" not in text


def test_a_row_that_gives_no_line_is_left_to_be_told_of(filled: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    spoilt = "CASE WHEN id <> 7 THEN id::text || E'\\n' END"
    monkeypatch.setattr(readers, "line_expression", lambda table, end: spoilt)
    with filled.snapshot() as snapshot:
        (table,) = snapshot.tables()
        assert list(snapshot.texts(table, [WHOLE, Span(("6",), ("7",)), Span(("7",), ("8",))], 2**26)) == [
            None,
            None,
            b"8\n",
        ]
