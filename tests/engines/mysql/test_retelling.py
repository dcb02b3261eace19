"""Digests that MariaDB takes of lines written in another way: right for what is usual, and never of another value."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from backups.engines.base import Engine, Snapshot
from backups.engines.mysql.retelling import line_expression
from backups.facts import EVERYTHING
from backups.tables import Table
from tests.databases import Server, database
from tests.engines.dumps import execute, named
from tests.engines.retelling import assert_none_is_another, recorded, retold

LENIENT = "SET SESSION sql_mode = 'ALLOW_INVALID_DATES', check_constraint_checks = 0"
# By type and the kind that a model may give it: what is told, and what need not be.
CASES = {
    ("bigint", ""): (["0", "9223372036854775807", "-9223372036854775808"], []),
    ("bigint unsigned", ""): (["0", "18446744073709551615"], []),
    ("tinyint(1)", "boolean"): (["0", "1"], ["2", "-1"]),
    ("decimal(20,5)", ""): (["0", "-0.00001", "123456789012345.5"], []),
    ("varchar(80)", ""): (["''", "'null'", r"'\"\\ \\\" x ü % {}'", "'\U0001f600'"], [r"'\n\t'", "X'00'", r"'\\n'", r"'\0x'"]),
    ("varchar(20) character set latin1", ""): (["'ü€'", "'u'"], ["X'81'"]),
    ("char(9)", ""): (["'ab'", "'a'"], []),
    ("inet6", ""): (["'::1'", "'2001:db8::1'"], []),
    ("uuid", ""): (["'0b9a2f6e-0000-4000-8000-00000000000A'"], []),
    ("date", ""): (["'0001-01-01'", "'2020-02-29'", "'9999-12-31'"], ["'0000-00-00'", "'2020-00-10'", "'2020-02-30'"]),
    ("datetime(6)", ""): (["'2020-02-29 23:59:59.5'", "'9999-12-31 23:59:59.999999'"], ["'0000-00-00'", "'2020-02-30'"]),
    ("datetime(6)", "datetime"): (["'2020-02-29 23:59:59'", "'2020-02-29 23:59:59.000001'"], []),
    ("datetime", "datetime"): (["'2020-02-29 23:59:59'"], ["'0000-00-00'", "'2020-02-30 12:00:00'"]),
    ("timestamp(3)", ""): (["'2020-02-29 23:59:59.125'"], []),
    ("time(2)", ""): (["'00:00:00'", "'23:59:59.99'"], ["'-00:00:01'", "'24:00:00'", "'838:59:59'", "'-838:59:59'"]),
    ("longtext", "json"): (
        [r"""'{"a": [1.50, null, "null"], "b":"\\u00fc \\ud83d\\ude00"}'""", "'\"x\"'", "'1e5'", "'[1,2]'"],
        ["'null'", "' 1'", "'1'", "'1\\t'", "'[1,\\n2]'", "'[1,\\r2]'", "'1,\"w\":2'", "''", r"'\"\\ud800\"'", "'NULL'"],
    ),
}  # fmt: skip
NOT_TOLD = [
    ("int zerofill", ""),
    ("decimal(5,2) zerofill", ""),
    ("year", ""),
    ("bit(3)", ""),
    ("double", ""),
    ("bigint", "duration"),
    ("char(32)", "uuid"),
    ("blob", ""),
    ("varchar(20) character set sjis", ""),
]


@pytest.fixture(scope="module")
def mariadb(mysql: Server) -> Iterator[Engine]:
    """A database whose server tells digests."""
    with database(mysql) as engine:
        with engine.snapshot() as snapshot:
            if snapshot.facts().properties["product"] != "MariaDB":
                pytest.skip("MySQL tells none")
        yield engine


def fill(engine: Engine, type_name: str, *rows: str) -> None:
    """Have a table of two values of a type, and rows of them, which are numbered."""
    execute(engine, "DROP TABLE IF EXISTS `t%s`")
    execute(engine, f'CREATE TABLE `t%s` (id int PRIMARY KEY, `v"%s` {type_name} NULL, w {type_name} NULL)')
    execute(engine, LENIENT, *(f"INSERT INTO `t%s` VALUES ({number}, {row})" for number, row in enumerate(rows)))


def table_of(snapshot: Snapshot, kind: str) -> Table:
    """Return the table, its values of the kind that a model would give them."""
    table = named(snapshot.tables(), "t%s")
    columns = [replace(c, kind=kind) if kind and c.name != "id" else c for c in table.columns]
    return replace(table, columns=tuple(columns))


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_usual_values_and_null_are_told_as_they_were(mariadb: Engine, case: tuple[str, str]) -> None:
    values, _ = CASES[case]
    fill(mariadb, case[0], *(f"{value}, NULL" for value in values), f"NULL, {values[0]}")
    with mariadb.snapshot() as snapshot:
        table = table_of(snapshot, case[1])
        assert retold(snapshot, table) == recorded(snapshot, table)
        whole = hashlib.sha256(b"".join(snapshot.lines(table))).digest()
        assert list(snapshot.digests(table, [(EVERYTHING, len(values) + 1)])) == [whole]
        # Of more rows than there should be, only one too many is looked at.
        assert list(snapshot.digests(table, [(EVERYTHING, 0)])) == [recorded(snapshot, table)[0]]


@pytest.mark.parametrize("case", CASES, ids=" ".join)
def test_no_value_is_told_as_another_is_recorded(mariadb: Engine, case: tuple[str, str]) -> None:
    lines: list[bytes] = []
    told: list[bytes | None] = []
    # Each value in the same row, so that nothing but the value makes a line another.
    for value in (*CASES[case][0], *CASES[case][1], "NULL"):
        fill(mariadb, case[0], f"{value}, NULL")
        with mariadb.snapshot() as snapshot:
            table = table_of(snapshot, case[1])
            lines += recorded(snapshot, table)
            told += retold(snapshot, table)
    assert_none_is_another(lines, told)


def test_two_values_are_not_told_as_two_others_that_make_the_same_line(mariadb: Engine) -> None:
    found = []
    for row in ("""'{"k":1,"w":2}', '3'""", """'{"k":1', '2},"w":3'"""):
        fill(mariadb, "longtext", row)
        with mariadb.snapshot() as snapshot:
            table = table_of(snapshot, "json")
            found.append((recorded(snapshot, table), retold(snapshot, table)))
    (before, same), (_, other) = found
    assert before == same != other


def test_a_row_that_cannot_be_said_is_not_left_out(mariadb: Engine) -> None:
    fill(mariadb, "longtext", "'1', '1'", "'null', '1'", "'2', '2'")
    with mariadb.snapshot() as snapshot:
        table = table_of(snapshot, "json")
        first, _, last = (line for line in snapshot.lines(table))
        told = next(iter(snapshot.digests(table, [(EVERYTHING, 3)])))
        assert told not in (None, hashlib.sha256(first + last).digest())


@pytest.mark.parametrize("case", NOT_TOLD, ids=" ".join)
def test_nothing_is_said_of_tables_that_are_not_told(mariadb: Engine, case: tuple[str, str]) -> None:
    fill(mariadb, case[0], "NULL, NULL")
    with mariadb.snapshot() as snapshot:
        table = table_of(snapshot, case[1])
        assert line_expression(table) == ""
        assert list(snapshot.digests(table, [(EVERYTHING, 1)])) == [None]


def test_nothing_is_said_of_more_than_the_server_puts_together(mariadb: Engine) -> None:
    fill(mariadb, "longtext", *["REPEAT('x', 9000000), NULL"] * 2)
    with mariadb.snapshot() as snapshot:
        table = table_of(snapshot, "text")
        one, both = snapshot.digests(table, [(EVERYTHING, 0), (EVERYTHING, 1)])
        lines = list(snapshot.lines(table))
        assert one == hashlib.sha256(lines[0]).digest()
        assert both != hashlib.sha256(b"".join(lines)).digest()
