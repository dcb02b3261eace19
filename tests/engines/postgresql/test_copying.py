"""Lines that become the data of COPY: by one pattern where they fit it, by their values where they do not."""

from dataclasses import replace
from itertools import groupby
from operator import itemgetter

import pytest

from backups.engines.base import Engine
from backups.engines.postgresql import copying
from backups.engines.postgresql.copying import Copying
from backups.tables import Column, Table
from tests.engines.dumps import assert_same, dump, execute, restore

COLUMNS = (
    Column("id", "integer", "bigint", "id", nullable=False),
    Column("name", "text", "text", "name"),
    Column("size", "integer", "integer", "size"),
    Column("first", "json", "json", "first"),
    Column("last", "json", "json", "last", nullable=False),
)
THINGS = Table("things", "shop.thing", COLUMNS, ("id",), ("id",), "public")
# What is said of a line: whether the pattern takes it.
LINES = {
    b'{"model":"shop.thing","pk":1,"fields":{"name":"null","size":null,"first":null,"last":{"a": 1}}}\n': True,
    b'{"model":"shop.thing","pk":2,"fields":{"name":null,"size":-3,"first":"\\"","last":"x, y}}"}}\n': True,
    b'{"model":"shop.thing","pk":3,"fields":{"name":"","size":0,"first":[],"last":null}}\n': True,
    b'{"model":"shop.thing","pk":4,"fields":{"name":"a\\tb","size":0,"first":[],"last":[]}}\n': False,
    b'{"model":"shop.thing","pk":5,"fields":{"name":"a","size":0,"first":null,"last":[]},"exact":{"first":"json null"}}\n': False,
}
ROWS = (
    b"1\x01null\x01\x02\x01\x02\x01"
    + b'{"a": 1}\n2\x01\x02\x01-3\x01"\\\\""\x01"x, y}}"\n'
    + b"3\x01\x010\x01[]\x01null\n"
)

# Tables of every shape of key, and of values that could be taken for what stands between values.
SHAPES = (
    "CREATE TABLE only_key (id integer PRIMARY KEY)",
    "CREATE TABLE only_text (id text PRIMARY KEY)",
    "CREATE TABLE without_key (a text, b integer)",
    "CREATE TABLE one_column (a text)",
    'CREATE TABLE two_keys (a integer, "b.*" text, c jsonb, PRIMARY KEY (a, "b.*"))',
    'CREATE TABLE several_json (id integer PRIMARY KEY, a json, b json, c jsonb NOT NULL, "d\\" json)',
    "INSERT INTO only_key VALUES (0), (-7), (2147483647)",
    "INSERT INTO only_text VALUES ('null'), (''), ('\"'), (E'\\\\.'), ('\\N'), (E'\\x01'), (E'\\x02'), (E'\\n')",
    "INSERT INTO without_key VALUES ('null', NULL), (NULL, 1), ('', 2), ('}}', 3), (',\"b\":', 4)",
    "INSERT INTO one_column VALUES ('null'), (NULL), (''), ('\"'), (E'\\x02')",
    "INSERT INTO two_keys VALUES (1, '],', NULL), (2, 'null', 'null'), (3, E'\\u2028', '\"\\\\\"')",
    "INSERT INTO two_keys VALUES (4, E'\\x7f', '[\"\\u0001\"]')",
    """INSERT INTO several_json VALUES (1, '{"a":1,"b":2,"c":3}', '{"b":1,"c":2}', '[]', NULL),
        (2, NULL, '"\\\\"', '"x"', '{"d":"}}"}'), (3, 'null', NULL, 'null', '1e5')""",
    "INSERT INTO several_json SELECT n, '{}', NULL, '{}', '0' FROM generate_series(4, 6) n",
)


def test_a_pattern_takes_the_lines_that_it_can_and_values_the_others() -> None:
    plain, others = Copying(THINGS)._parted(b"".join(LINES))
    assert plain == ROWS
    assert others == [line for line, fits in LINES.items() if not fits]


def test_each_statement_is_said_once_whatever_the_order_of_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", 1)
    key_last = replace(THINGS, columns=(*COLUMNS[1:], COLUMNS[0]))
    pieces = list(Copying(key_last).write([b"".join(LINES), *LINES]))
    assert [len(list(each)) for _, each in groupby(pieces, itemgetter(0))] == [6, 4]
    assert b"".join(data for _, data in pieces[:6]) == ROWS * 2


@pytest.mark.parametrize(
    "line",
    [
        # Which of the two "last" begins the value, no pattern knows.
        b'{"model":"shop.thing","pk":1,"fields":{"name":null,"size":1,"first":{"a":1,"last":2},"last":3}}\n',
        b'{"model":"shop.thing","pk":1,"fields":{"name":"\x01","size":1,"first":1,"last":3}}\n',
        b'{"model":"shop.thing","pk":1,"fields":{"name":"\x02","size":1,"first":1,"last":3}}\n',
    ],
)
def test_what_could_be_read_in_two_ways_is_read_by_its_values(line: bytes) -> None:
    fits = next(iter(LINES))
    assert Copying(THINGS)._parted(fits + line) == (b"", [fits, line])


@pytest.mark.parametrize(
    "line",
    [
        b'{"model":"shop.other","pk":1,"fields":{"name":null,"size":1,"first":1,"last":3}}\n',
        b'{"model":"shop.thing","pk":1,"fields":{"size":1,"name":null,"first":1,"last":3}}\n',
        b'{"model":"shop.thing","pk":1,"fields":{"name":null,"size":"1","first":1,"last":3}}\n',
        b'{"model":"shop.thing","pk":1,"fields":{"name":1,"size":1,"first":1,"last":3}}\n',
        b'x{"model":"shop.thing","pk":1,"fields":{"name":null,"size":1,"first":1,"last":3}}\n',
    ],
)
def test_no_line_of_another_form_fits(line: bytes) -> None:
    assert Copying(THINGS)._parted(line) == (b"", [line])


@pytest.mark.parametrize("piece", [1, 200, 128 * 1024])
def test_tables_of_every_shape_come_back_as_they_were(
    engine: Engine, target: Engine, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "_AT_ONCE", piece)
    execute(engine, *SHAPES)
    made = dump(engine)
    restore(made, target)
    assert_same(made, dump(target), target)
