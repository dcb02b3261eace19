"""Digests that the server takes of lines written in another way: right for what is usual, and never of another value."""

import hashlib

import pytest

from backups.engines.base import Engine
from backups.engines.postgresql.retelling import digest_of
from backups.facts import EVERYTHING
from tests.engines.dumps import execute, named
from tests.engines.postgresql.test_values import VALUES
from tests.engines.retelling import assert_none_is_another, recorded, retold

USUAL = {
    "bigint": "-9223372036854775808",
    "boolean": "false",
    "double precision": "0.1",
    "numeric": "1.500",
    "text": "E'a\"\\\\ \\n\\x01 \\x7f ü \U0001f600 %s'",
    "char(5)": "'ab'",
    "uuid": "'0b9a2f6e-0000-4000-8000-00000000000a'",
    "date": "'0001-01-01'",
    "timestamptz": "'2020-06-01 12:00:00.5+02'",
    "timestamp": "'9999-12-31 23:59:59'",
    "time": "'23:59:59.999999'",
    "jsonb": '\'{"b":1,"aa":[1.50,null,"null"]}\'',
}


TOO_MANY = ", ".join(f"v{number} integer" for number in range(99))


def test_usual_values_and_null_are_told_as_they_were(engine: Engine) -> None:
    columns = ", ".join(f'"%s {number}" {name}' for number, name in enumerate(USUAL))
    always = ", ".join(f'"always {number}" {name} NOT NULL' for number, name in enumerate(USUAL))
    values = ", ".join(USUAL.values())
    execute(engine, f'CREATE TABLE "t%s" (id integer PRIMARY KEY, {columns}, {always})')
    execute(engine, f'INSERT INTO "t%s" VALUES (1, {values}, {values})')
    execute(engine, f'INSERT INTO "t%s" VALUES (2, {", ".join(["NULL"] * len(USUAL))}, {values})')
    with engine.snapshot() as snapshot:
        table = named(snapshot.tables(), "t%s")
        assert retold(snapshot, table) == recorded(snapshot, table)
        whole = hashlib.sha256(b"".join(snapshot.lines(table))).digest()
        assert list(snapshot.digests(table, [(EVERYTHING, 2)])) == [whole]
        # Of more rows than there should be, only one too many is looked at.
        assert list(snapshot.digests(table, [(EVERYTHING, 0)])) == [recorded(snapshot, table)[0]]


@pytest.mark.parametrize(("type_name", "values"), VALUES, ids=[name for name, _ in VALUES])
def test_no_value_is_told_as_another_is_recorded(
    engine: Engine, type_name: str, values: list[tuple[str, object]]
) -> None:
    execute(engine, f"CREATE TABLE t (id integer PRIMARY KEY, v {type_name})")
    lines: list[bytes] = []
    told: list[bytes | None] = []
    # Each value in the same row, so that nothing but the value makes a line another.
    for sql in [*(sql for sql, _ in values), "NULL"]:
        execute(engine, "TRUNCATE t", f"INSERT INTO t VALUES (1, {sql})")
        with engine.snapshot() as snapshot:
            table = named(snapshot.tables(), "t")
            lines += recorded(snapshot, table)
            told += retold(snapshot, table)
    assert_none_is_another(lines, told)


@pytest.mark.parametrize("columns", ["v json", "v integer[]", TOO_MANY], ids=["json", "array", "wide"])
def test_nothing_is_said_of_tables_that_are_not_told(engine: Engine, columns: str) -> None:
    execute(engine, f"CREATE TABLE t (id integer PRIMARY KEY, {columns})", "INSERT INTO t VALUES (1)")
    with engine.snapshot() as snapshot:
        table = named(snapshot.tables(), "t")
        assert digest_of(table, EVERYTHING, 1) is None
        assert list(snapshot.digests(table, [(EVERYTHING, 1)])) == [None]


def test_a_table_of_as_many_columns_as_can_be_told(engine: Engine) -> None:
    columns = ", ".join(f"v{number} integer" for number in range(98))
    execute(engine, f"CREATE TABLE t (id integer PRIMARY KEY, {columns})", "INSERT INTO t VALUES (1)")
    with engine.snapshot() as snapshot:
        table = named(snapshot.tables(), "t")
        assert retold(snapshot, table) == recorded(snapshot, table)
