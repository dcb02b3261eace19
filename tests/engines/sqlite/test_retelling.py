"""Digests of lines that SQLite writes itself: right for what is usual, and never of another value."""

import hashlib
import math
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from backups.engines.sqlite import reading, retelling
from backups.engines.sqlite.connection import opened
from backups.facts import EVERYTHING, Span
from backups.tables import Column, Table
from tests.databases import Server, database
from tests.engines.retelling import assert_none_is_another
from tests.engines.sqlite.test_values import LIKE_OTHER_KINDS, NOT_UTF8
from tests.zoo.values import TEXTS, TEXTS_WITH_NUL

# By kind, what is told: NULL is, of every kind.
USUAL: dict[str, list[Any]] = {
    "integer": [0, -(2**63), 2**63 - 1],
    "boolean": [0, 1],
    "decimal": [0, -7, 2**53 + 1, 13.82, -0.01, 0.1, 1234567890123.45, -99999999.99],
    "text": ["", "null", "a'\"\\ \n\r\t\b\f\x01\x1f\x7f ü \U0001f600 %s", "NUL\0inside", *TEXTS.values()],
    "inet": ["::1", "192.0.2.1"],
    "json": ["{}", '{"b": 1, "aa": [1.50, null, "null"], "e": "\\ud83d\\ude00"}', '"x"', "1e5", "false"],
    "date": ["0001-01-01", "2020-02-29", "9999-12-31"],
    "datetime": ["2020-02-29 23:59:59", "2020-02-29 23:59:59.000001", "9999-12-31 23:59:59.999999"],
    "timestamp": ["2020-02-29 23:59:59", "2020-02-29 23:59:59.500000"],
    "time": ["00:00:00", "23:59:59.999999"],
    "uuid": ["0b9a2f6e00004000800000000000000a", "f" * 32],
}
_TELLING = ["2026-11-22 16:43:15", "2026-11-22 16:43:15.000001", "2026-11-22", "16:43:15", "f" * 32, "1", "null", "{}"]
TEXT = dict.fromkeys(
    [
        *LIKE_OTHER_KINDS,
        *TEXTS.values(),
        *TEXTS_WITH_NUL.values(),
        *(f"{text}{end}" for text in _TELLING for end in ("\0", "\0x", " ", "\n", '"', '","b":"c')),
        '1,"w":2',
    ]
)
_NEAR = [0.01, 13.82, 0.1, 0.285, 1.005, 1e15, 2.0**53, 1234567890123.45, 1e22, 1e300]
REALS = dict.fromkeys(
    [
        *_NEAR,
        *(math.nextafter(x, 2 * x) for x in _NEAR),
        *(math.nextafter(x, 0) for x in _NEAR),
        -0.0,
        1.0,
        -2.5,
        math.inf,
    ]
)
INTEGERS = [*range(-2, 3), 10, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
# What is put into the statement, and the value.
VALUES = [
    ("?", None),
    *(("?", value) for value in (*TEXT, *REALS, *INTEGERS)),
    *(("?", value) for value in (*NOT_UTF8, b"", b"null", b"2026-11-22")),
    *(("CAST(? AS TEXT)", value) for value in NOT_UTF8),
]


def table_of(kind: str, scale: int | None = 2) -> Table:
    """Return a table of two values of one kind, which may be of any storage class."""
    values = (Column(name, kind, "", name, scale=scale) for name in ("v'\"%s", "w"))
    return Table("t'\"%s", "tables.t", (Column("id", "integer", "", "id"), *values), ("id",), ("id",))


@pytest.fixture
def connection(sqlite: Server) -> Iterator[sqlite3.Connection]:
    """A connection as the engine has it, to a table without types."""
    with database(sqlite) as engine, closing(opened(engine.connect())) as found:
        found.execute("""CREATE TABLE "t'""%s" (id INTEGER PRIMARY KEY, "v'""%s", w)""")
        yield found


def put(connection: sqlite3.Connection, rows: Sequence[tuple[str, Any]]) -> None:
    """Have these values in the table, numbered, and nothing else."""
    connection.execute("""DELETE FROM "t'""%s" """)
    for number, (sql, value) in enumerate(rows):
        connection.execute(f"""INSERT INTO "t'""%s" VALUES (?, {sql}, NULL)""", (number, value))


def recorded(connection: sqlite3.Connection, table: Table, span: Span = EVERYTHING) -> bytes:
    """Return the digest of a span's lines."""
    return hashlib.sha256(b"".join(reading.lines(connection, table, span))).digest()


def told(connection: sqlite3.Connection, table: Table, rows: int, span: Span = EVERYTHING) -> bytes | None:
    """Return the digest of a span's lines as it is told again."""
    (found,) = retelling.digests(connection, table, [(span, rows)])
    return found


@pytest.mark.parametrize("kind", USUAL)
def test_usual_values_and_null_are_told_as_they_were(connection: sqlite3.Connection, kind: str) -> None:
    table = table_of(kind)
    values = [("?", value) for value in (*USUAL[kind], None)]
    for value in values:
        put(connection, [value])
        assert told(connection, table, 1) == recorded(connection, table), value
    put(connection, values)
    assert told(connection, table, len(values)) == recorded(connection, table)
    middle = Span(("0",), (f"{len(values) - 2}",))
    assert told(connection, table, len(values), middle) == recorded(connection, table, middle)


@pytest.mark.parametrize("kind", USUAL)
def test_no_value_is_told_as_another_is_recorded(connection: sqlite3.Connection, kind: str) -> None:
    table = table_of(kind)
    lines, again = [], []
    # Each value in the same row, so that nothing but the value makes a line another.
    for value in VALUES:
        put(connection, [value])
        lines.append(recorded(connection, table))
        again.append(told(connection, table, 1))
    assert_none_is_another(lines, again)


def test_two_values_are_not_told_as_two_others_that_make_the_same_line(connection: sqlite3.Connection) -> None:
    columns = (Column("id", "integer", "", "id"), *(Column(name, "json", "", name) for name in ("v", "w")))
    table = Table("u", "tables.u", columns, ("id",), ("id",))
    connection.execute("CREATE TABLE u (id INTEGER PRIMARY KEY, v, w)")
    connection.execute("INSERT INTO u VALUES (1, ?, ?)", ('{"k":1,"w":2}', "3"))
    before = recorded(connection, table)
    assert told(connection, table, 1) == before
    connection.execute("UPDATE u SET v = ?, w = ?", ('{"k":1', '2},"w":3'))
    assert told(connection, table, 1) not in {None, before}


def test_decimals_are_told_to_the_last_digit(connection: sqlite3.Connection) -> None:
    @given(st.integers(-(10**14) + 1, 10**14 - 1), st.integers(1, 14))
    @example(29, 2)
    def as_they_were(parts: int, scale: int) -> None:
        value = float(f"{parts}e-{scale}")
        table = table_of("decimal", scale)
        if not value.is_integer():
            put(connection, [("?", value)])
            assert told(connection, table, 1) == recorded(connection, table)

    as_they_were()


@pytest.mark.parametrize("value", [("?", "x"), ("?", b"x"), ("?", None), ("?", 7)])
def test_a_row_too_many_is_told_whatever_is_in_it(connection: sqlite3.Connection, value: tuple[str, Any]) -> None:
    table = table_of("integer")
    put(connection, [("?", 1), value, ("?", 3)])
    one = recorded(connection, table, Span(None, ("0",)))
    both = {one, recorded(connection, table, Span(None, ("1",)))}
    assert told(connection, table, 0) == one
    assert told(connection, table, 1) not in {one, recorded(connection, table)}
    assert told(connection, table, 2) not in both


def test_of_no_rows_nothing_is_said(connection: sqlite3.Connection) -> None:
    assert told(connection, table_of("integer"), 0) is None


@pytest.mark.parametrize("table", [table_of("float"), table_of("binary"), table_of("any"), table_of("decimal", None)])
def test_nothing_is_said_of_tables_that_are_not_told(connection: sqlite3.Connection, table: Table) -> None:
    put(connection, [("?", 1)])
    assert told(connection, table, 1) is None


def test_nothing_is_said_of_what_sqlite_cannot_put_together(connection: sqlite3.Connection) -> None:
    put(connection, [("?", "x" * 10_000)])
    for limit, most in ((sqlite3.SQLITE_LIMIT_EXPR_DEPTH, 5), (sqlite3.SQLITE_LIMIT_LENGTH, 5_000)):
        before = connection.setlimit(limit, most)
        assert told(connection, table_of("text"), 1) is None
        connection.setlimit(limit, before)
    assert told(connection, table_of("text"), 1) == recorded(connection, table_of("text"))


def test_nothing_is_said_of_text_in_utf_16() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("PRAGMA encoding = 'UTF-16le'")
        connection.execute("""CREATE TABLE "t'""%s" (id INTEGER PRIMARY KEY, "v'""%s", w)""")
        put(connection, [("?", "x")])
        assert told(connection, table_of("text"), 1) is None
