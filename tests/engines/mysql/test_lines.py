"""Lines that MariaDB writes itself: those of usual values, the very ones that are written from the driver's."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from backups.engines.base import Engine, Snapshot
from backups.engines.mysql.lines import line_expression, text_of
from backups.facts import EVERYTHING, Span
from backups.tables import Table
from tests.databases import Server, database
from tests.engines.dumps import execute, named

LARGEST = 2**20
# A type, the kind that a model may give it, and values that the server's own lines say.
USUAL = [
    ("bigint unsigned", "", ["0", "18446744073709551615"]),
    ("tinyint(1)", "boolean", ["0", "1"]),
    ("decimal(20,5)", "", ["-0.00001", "123456789012345.5"]),
    ("varchar(80)", "", ["''", "'null'", r"'\"\\ \n\t\r\b x ü'", "'%s {}'"]),
    ("varchar(20) character set latin1", "", ["'ü€'"]),
    ("char(9)", "", ["'ab  '"]),
    ("uuid", "", ["'0b9a2f6e-0000-4000-8000-00000000000A'"]),
    ("date", "", ["'0001-01-01'", "'2020-02-29'", "'9999-12-31'"]),
    ("datetime(6)", "", ["'2020-02-29 23:59:59.5'", "'9999-12-31 23:59:59.999999'"]),
    ("datetime", "datetime", ["'2020-02-29 23:59:59'"]),
    ("timestamp(3)", "", ["'2020-02-29 23:59:59.125'"]),
    ("time(2)", "", ["'00:00:00'", "'23:59:59.99'"]),
    ("blob", "", ["''", "REPEAT(X'00FF', 100)"]),
    ("longtext", "json", [r"""'{"a": [1.50, null, "null"], "b":"\\u00fc \\ud83d\\ude00"}'""", "'\"x\"'", "'1e5'"]),
]
# Values that they do not say, so that rows are read one by one.
UNUSUAL = [
    ("int zerofill", "", ["1"]),
    ("decimal(5,2) zerofill", "", ["1"]),
    ("year", "", ["2020"]),
    ("bit(3)", "", ["2"]),
    ("double", "", ["1"]),
    ("bigint", "duration", ["1"]),
    ("char(32)", "uuid", ["'0b9a2f6e000040008000000000000000'"]),
    ("varchar(20) character set sjis", "", ["'a'"]),
    ("tinyint(1)", "boolean", ["2", "-1"]),
    ("varchar(9)", "", ["X'0B'", "X'1F'"]),
    ("date", "", ["'0000-00-00'", "'2020-00-10'", "'2020-02-30'", "'0000-01-01'"]),
    ("datetime", "", ["'0000-00-00 00:00:00'", "'2020-02-30 12:00:00'"]),
    ("time", "", ["'-00:00:01'", "'24:00:00'", "'838:59:59'"]),
    (
        "longtext",
        "json",
        ["'null'", "' 1'", "'1\\t'", "'[1,\\n2]'", "'[1,\\r2]'", "'1,\"x\":2'", "''", r"'\"\\ud800\"'"],
    ),
]
LENIENT = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES'"


@pytest.fixture(scope="module")
def mariadb(mysql: Server) -> Iterator[Engine]:
    """A database whose server writes lines, with a table of one column for each case."""
    with database(mysql) as engine:
        execute(engine, LENIENT)
        with engine.snapshot() as snapshot:
            if snapshot.facts().properties["product"] != "MariaDB":
                pytest.skip("MySQL writes none")
        for cases, letter in ((USUAL, "u"), (UNUSUAL, "x")):
            for number, (name, _, _) in enumerate(cases):
                execute(engine, f"CREATE TABLE `{letter}%s{number}` (id int PRIMARY KEY, `v%s` {name} NULL, `w` int)")
        yield engine


def kinds(snapshot: Snapshot, name: str, kind: str) -> Table:
    """Return the table of that name, its value of the kind that a model would give it."""
    table = named(snapshot.tables(), name)
    columns = [replace(c, kind=kind) if kind and c.name == "v%s" else c for c in table.columns]
    return replace(table, columns=tuple(columns))


def told(snapshot: Snapshot, table: Table) -> bytes | None:
    """Return the text of all rows."""
    (text,) = snapshot.texts(table, [EVERYTHING], LARGEST)
    return text


@pytest.mark.parametrize("number", range(len(USUAL)), ids=[name for name, _, _ in USUAL])
def test_usual_values_are_said(mariadb: Engine, number: int) -> None:
    _, kind, values = USUAL[number]
    rows = ", ".join(f"({i}, {value}, NULL)" for i, value in enumerate([*values, "NULL"]))
    execute(mariadb, f"INSERT INTO `u%s{number}` VALUES {rows}")
    with mariadb.snapshot() as snapshot:
        table = kinds(snapshot, f"u%s{number}", kind)
        text = told(snapshot, table)
        assert text == b"".join(snapshot.lines(table))


@pytest.mark.parametrize("number", range(len(UNUSUAL)), ids=[f"{name} {kind}" for name, kind, _ in UNUSUAL])
def test_unusual_values_are_not(mariadb: Engine, number: int) -> None:
    _, kind, values = UNUSUAL[number]
    name = f"x%s{number}"
    for value in values:
        execute(mariadb, LENIENT, f"TRUNCATE TABLE `{name}`", "SET SESSION check_constraint_checks = 0")
        execute(mariadb, f"INSERT INTO `{name}` VALUES (1, {value}, 1), (2, NULL, 2)")
        with mariadb.snapshot() as snapshot:
            table = kinds(snapshot, name, kind)
            assert told(snapshot, table) is None, value
            spans = [Span(None, ("1",)), Span(("1",), None)]
            # The rows beside are said, as long as the table's lines can be at all.
            beside = b"".join(snapshot.lines(table, spans[1])) if line_expression(table) else None
            assert list(snapshot.texts(table, spans, LARGEST)) == [None, beside], value


def test_what_is_too_large_is_read_row_by_row(mariadb: Engine) -> None:
    execute(mariadb, "CREATE TABLE large (id int PRIMARY KEY, v text)")
    execute(mariadb, "INSERT INTO large VALUES (1, REPEAT('x', 1000)), (2, 'y')")
    with mariadb.snapshot() as snapshot:
        table = named(snapshot.tables(), "large")
        assert list(snapshot.texts(table, [EVERYTHING], 500)) == [None]
        assert list(snapshot.texts(table, [EVERYTHING], 2000)) == [b"".join(snapshot.lines(table))]


def test_a_table_without_a_key_is_read_row_by_row(mariadb: Engine) -> None:
    execute(mariadb, "CREATE TABLE loose (v int)", "INSERT INTO loose VALUES (1)")
    with mariadb.snapshot() as snapshot:
        table = named(snapshot.tables(), "loose")
        assert told(snapshot, table) is None


def test_of_no_rows_there_is_an_empty_text(mariadb: Engine) -> None:
    with mariadb.snapshot() as snapshot:
        table = named(snapshot.tables(), "u%s0")
        assert text_of(table, []) == b""
        assert list(snapshot.texts(table, [Span(("1000",), None)], LARGEST)) == [b""]
