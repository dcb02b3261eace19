"""SQLite holds any value in any column: each comes back with its storage class and its bytes."""

import math
import sqlite3
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from django.db import connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.engines.base import Engine
from backups.engines.sqlite.connection import quoted
from backups.rows import Decoder, Exact
from tests.databases import Server, database
from tests.engines.dumps import assert_same, dump, execute, named, referenced, restore
from tests.zoo.extras import add_extras
from tests.zoo.fill import corrupt_sqlite_values
from tests.zoo.models import AllFields
from tests.zoo.values import TEXTS, TEXTS_WITH_NUL

NOT_UTF8 = [b"\xff", b"caf\xe9", b"\xed\xa0\x80", b"a\x00\xff", b"\xc3"]
LIKE_OTHER_KINDS = [
    "2026-11-22 16:43:15",
    "2026-11-22 16:43:15.000001",
    "2026-11-22 16:43:15.000000",
    "2026-11-22 16:43:15.1",
    "2026-11-22T16:43:15",
    "2026-11-22 16:43:15+00:00",
    "2026-11-22 16:43+00",
    "2026-W47-7 16:43:15",
    "2026-02-30 16:43:15",
    "0000-00-00 00:00:00",
    "10000-01-01 00:00:00",
    "2026-11-22",
    "20261122",
    "2026-W47-7",
    "24:00:00",
    "16:43:15",
    "16:43:15.5",
    "16:43:15.000005",
    "16:43",
    "٢٠٢٦-11-22",
    "f" * 32,
    "F" * 32,
    "f" * 31 + "g",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "null",
    "NaN",
    "Infinity",
    "{}",
    "[1, 2]",
    " [1]",
    "[1]\n",
    "[1,\n2]",
    "[1] [2]",
    "01",
    "1e400",
    '"\\ud83d\\ude00"',
    '"\\ud83d"',
    '"\\\\ud83d"',
    '{"a": 1, "a": 2}',
    "9" * 5000,
    "[" * 4000 + "]" * 4000,
    "[" * 6000 + "]" * 6000,
    "true",
    "1",
    "-1.50",
    "P1DT00H00M00S",
]
TEXT = st.sampled_from([*LIKE_OTHER_KINDS, *TEXTS.values(), *TEXTS_WITH_NUL.values()]) | st.text(
    st.characters(exclude_categories=["Cs"])
)
INTEGER = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 2)
REAL = (
    st.floats(allow_nan=False)
    | st.integers(0, 2**64 - 1).map(lambda bits: struct.unpack("d", struct.pack("Q", bits))[0]).filter(math.isfinite)
    | st.decimals(-1000, 1000, places=2).map(float)
    | st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, 2.0**63, -(2.0**63), 1e15, 1e-3, 0.1 + 0.2, 5e-324])
)
RAW = st.sampled_from(NOT_UTF8) | st.binary(max_size=20)
# Storage class and value; text that is not UTF-8 goes in as bytes.
VALUE = st.one_of(
    st.none().map(lambda value: ("?", value)),
    INTEGER.map(lambda value: ("?", value)),
    REAL.map(lambda value: ("?", value)),
    TEXT.map(lambda value: ("?", value)),
    RAW.map(lambda value: ("?", value)),
    RAW.map(lambda value: ("CAST(? AS TEXT)", value)),
)
COLUMNS = [str(field.column) for field in AllFields._meta.concrete_fields if not field.primary_key]
ROW = st.lists(VALUE, min_size=len(COLUMNS), max_size=len(COLUMNS))


@pytest.fixture
def server(sqlite: Server) -> Server:
    """The folder."""
    return sqlite


@pytest.fixture
def lax(server: Server) -> Iterator[Engine]:
    """A database with the table of all fields, where no column is checked."""
    with database(server) as engine:
        with connections[engine.alias].schema_editor() as editor:
            editor.create_model(AllFields)
        yield engine


def stored(engine: Engine, table: str, columns: list[str]) -> list[Any]:
    """Return storage class and bytes of every value, as SQLite itself has them."""
    select = ", ".join(f"typeof({quoted(name)}), CAST({quoted(name)} AS BLOB)" for name in columns)
    with closing(sqlite3.connect(engine.name)) as connection:
        return sorted(connection.execute(f"SELECT {select} FROM {quoted(table)}").fetchall(), key=repr)


def assert_comes_back(engine: Engine, target: Engine, table: str, columns: list[str]) -> None:
    """Dump, compare both ways of reading, restore, and compare what is stored."""
    with engine.snapshot() as snapshot:
        found = named(snapshot.tables(), table)
        lines = list(snapshot.lines(found))
        assert lines == referenced(snapshot, found)
        assert list(map(Decoder(found).decode, lines)) == list(snapshot.rows(found))
    expected = dump(engine)
    try:
        restore(expected, target)
        assert_same(expected, dump(target), engine)
        assert stored(target, table, columns) == stored(engine, table, columns)
    finally:
        target.drop()


SPECIAL: list[Any] = [0, 1, 2, -1, 2**63 - 1, -(2**63), 0.0, -0.0, 1.0, 0.1, 0.125, 0.1 + 0.2, 1.5, 12345.67, 1e15]
SPECIAL += [
    1e16,
    1e-3,
    1e-5,
    5e-324,
    1.7976931348623157e308,
    2.0**63,
    -(2.0**63),
    math.inf,
    -math.inf,
    b"",
    b"\x00\xff",
]


@pytest.mark.slow
def test_every_awkward_value_in_every_column_comes_back(lax: Engine, server: Server) -> None:
    table = AllFields._meta.db_table
    values = [("?", value) for value in [*SPECIAL, *LIKE_OTHER_KINDS, *TEXTS.values(), *TEXTS_WITH_NUL.values()]]
    values += [("CAST(? AS TEXT)", value) for value in NOT_UTF8]
    with closing(sqlite3.connect(lax.name)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for column in COLUMNS:
            # Alone in its row: a value that is not of its column's kind would send the others the reference's way.
            for place, value in values:
                connection.execute(f"INSERT INTO {table} ({quoted(column)}) VALUES ({place})", [value])
    assert_comes_back(lax, lax.at(server.new_name()), table, COLUMNS)


@pytest.mark.slow
def test_any_value_in_any_column_comes_back(lax: Engine, server: Server) -> None:
    table = AllFields._meta.db_table

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(ROW, min_size=1, max_size=12))
    def comes_back(rows: list[list[tuple[str, Any]]]) -> None:
        with closing(sqlite3.connect(lax.name)) as connection, connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(f"DELETE FROM {table}")
            names = ", ".join(map(quoted, COLUMNS))
            for row in rows:
                places = ", ".join(place for place, _ in row)
                connection.execute(f"INSERT INTO {table} ({names}) VALUES ({places})", [value for _, value in row])
        assert_comes_back(lax, lax.at(server.new_name()), table, COLUMNS)

    comes_back()


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
def test_any_value_comes_back_without_key_and_type_in_every_encoding(server: Server, encoding: str) -> None:
    with database(server) as engine:
        with closing(sqlite3.connect(engine.name)) as connection:
            connection.execute(f"PRAGMA encoding = '{encoding}'")
            connection.execute("VACUUM")
            connection.execute('CREATE TABLE "lo""ose" (a, b BLOB, "c d" NUMERIC)')
            assert connection.execute("PRAGMA encoding").fetchone() == (encoding,)

        @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
        @given(st.lists(st.tuples(VALUE, VALUE, VALUE), min_size=1, max_size=8))
        def comes_back(rows: list[tuple[tuple[str, Any], ...]]) -> None:
            with closing(sqlite3.connect(engine.name)) as connection, connection:
                connection.execute('DELETE FROM "lo""ose"')
                for row in [*rows, *rows[:1]]:
                    places = ", ".join(place for place, _ in row)
                    connection.execute(f'INSERT INTO "lo""ose" VALUES ({places})', [value for _, value in row])
            assert_comes_back(engine, engine.at(server.new_name()), 'lo"ose', ["a", "b", "c d"])

        comes_back()


@pytest.mark.slow
def test_a_zoo_of_corrupt_values_and_virtual_tables_comes_back(server: Server) -> None:
    with database(server, zoo=True) as zoo:
        corrupt_sqlite_values(zoo.alias)
        add_extras(zoo.alias)
        expected = dump(zoo)
        target = zoo.at(server.new_name())
        try:
            restore(expected, target)
            again = dump(target)
            assert_same(expected, again, zoo)
            assert again.facts == expected.facts
            with closing(sqlite3.connect(target.name)) as connection:
                search = "SELECT title FROM zoo_extra_search WHERE zoo_extra_search MATCH 'floats'"
                assert connection.execute(search).fetchall() == [("lifeboat",)]
                assert connection.execute("SELECT id FROM zoo_extra_box WHERE low > 0.4").fetchall() == [(1,)]
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",) or expected.facts.properties
        finally:
            target.drop()


@pytest.mark.parametrize(
    ("column", "expression", "cell"),
    [
        ("integer", "1.5", Exact({"real": "1.5"})),
        ("integer", "'x'", Exact({"text": "x"})),
        ("integer", "X'00ff'", Exact({"blob": "AP8="})),
        ("boolean", "2", Exact({"integer": "2"})),
        ("boolean", "1", "true"),
        ("float", "9e999", Exact("Infinity")),
        ("float", "-9e999", Exact("-Infinity")),
        ("float", "1", "1.0"),
        ("float", "1e16", "1e+16"),
        ("decimal_money", "1", "1.00"),
        ("decimal_money", "0.1", "0.10"),
        ("decimal_money", "0.125", Exact({"real": "0.125"})),
        ("decimal_money", "9e999", Exact("Infinity")),
        ("decimal_money", "'much'", Exact({"text": "much"})),
        ("text", "CAST(X'61FF' AS TEXT)", Exact({"bytes": "Yf8="})),
        ("text", "'a' || char(0) || 'b'", "a\0b"),
        ("text", "X'61'", Exact({"blob": "YQ=="})),
        ("binary", "'text'", Exact({"text": "text"})),
        ("datetime", "'2026-11-22 16:43:15'", "2026-11-22T16:43:15.000000Z"),
        ("datetime", "'2026-11-22 16:43:15.000000'", Exact({"text": "2026-11-22 16:43:15.000000"})),
        ("datetime", "'2026-11-22T16:43:15'", Exact({"text": "2026-11-22T16:43:15"})),
        ("datetime", "'not a date'", Exact({"text": "not a date"})),
        ("datetime", "1795365795", Exact({"integer": "1795365795"})),
        ("date", "'2026-02-30'", Exact({"text": "2026-02-30"})),
        ("time", "'24:00:00'", Exact({"text": "24:00:00"})),
        ("time", "'16:43:15.5'", Exact({"text": "16:43:15.5"})),
        ("duration", "-1", "-P0DT00H00M00.000001S"),
        ("duration", "'1 day'", Exact({"text": "1 day"})),
        ("uuid", "'3f9a2c1e0b7d4e589c617a5d0e3b2f48'", "3f9a2c1e-0b7d-4e58-9c61-7a5d0e3b2f48"),
        ("uuid", "'3F9A2C1E0B7D4E589C617A5D0E3B2F48'", Exact({"text": "3F9A2C1E0B7D4E589C617A5D0E3B2F48"})),
        ("json", "'null'", Exact("json null")),
        ("json", "'{\"a\":  1}'", '{"a":  1}'),
        ("json", "'[1' || char(10) || ']'", Exact({"text": "[1\n]"})),
        ("json", "'[NaN]'", Exact({"text": "[NaN]"})),
    ],
)
def test_a_value_is_written_as_the_format_says(lax: Engine, column: str, expression: str, cell: Any) -> None:
    table = AllFields._meta.db_table
    execute(lax, "PRAGMA ignore_check_constraints = ON", f'INSERT INTO {table} ("{column}") VALUES ({expression})')
    (row,) = dump(lax).lines[table]
    found = dump(lax).table(table)
    assert Decoder(found).decode(row)[[c.name for c in found.columns].index(column)] == cell


def test_columns_without_a_model_take_their_kind_from_their_affinity(server: Server) -> None:
    types = ["INTEGER", "BIGINT", "VARCHAR(10)", "CLOB", "BLOB", "DOUBLE", "DECIMAL(5,2)", "DATETIME", "BOOL", ""]
    with database(server) as engine:
        execute(engine, f"CREATE TABLE t ({', '.join(f'c{i} {declared}' for i, declared in enumerate(types))})")
        kinds = [column.kind for column in dump(engine).tables[0].columns]
    assert kinds == ["integer", "integer", "text", "text", "binary", "float", "any", "any", "any", "any"]
