"""PostgreSQL's own values: written by the server and by the reference alike, in the form of the format, and restored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.engines.base import Engine
from backups.engines.postgresql.literals import read_array, read_hstore, write_array, write_hstore
from backups.engines.postgresql.session import run, session
from backups.exceptions import RestoreError, UnreadableValue
from backups.rows import Cell, Decoder, Exact
from tests.databases import Server
from tests.engines.contract_reading import key_of, spans_between
from tests.engines.dumps import assert_same, changed, dump, execute, referenced, restore

# Type, then SQL of values and the cell that each is.
VALUES: list[tuple[str, list[tuple[str, Cell]]]] = [
    (
        "double precision",
        [("'NaN'", Exact("NaN")), ("'-Infinity'", Exact("-Infinity")), ("1e15", "1e+15"), ("0.1", "0.1")],
    ),
    ("real", [("'Infinity'", Exact("Infinity")), ("0.1", "0.1"), ("-0.0", "0")]),
    (
        "numeric",
        [("'NaN'", Exact("NaN")), ("'Infinity'", Exact("Infinity")), ("1.500", "1.500"), ("1e30", "1" + "0" * 30)],
    ),
    ("numeric(5, -2)", [("12345", "12300")]),
    (
        "timestamptz",
        [
            ("'infinity'", Exact({"text": "infinity"})),
            ("'0044-03-15 12:00 BC'", Exact({"text": "0044-03-15 12:00:00+00 BC"})),
            ("'10000-01-01 00:00+00'", Exact({"text": "10000-01-01 00:00:00+00"})),
            ("'0001-01-01 00:00+00'", "0001-01-01T00:00:00.000000Z"),
            ("'2020-06-01 12:00:00.5+02'", "2020-06-01T10:00:00.500000Z"),
        ],
    ),
    (
        "timestamp",
        [("'-infinity'", Exact({"text": "-infinity"})), ("'2020-06-01 12:00:00.000001'", "2020-06-01T12:00:00.000001")],
    ),
    (
        "date",
        [
            ("'infinity'", Exact({"text": "infinity"})),
            ("'0001-12-31 BC'", Exact({"text": "0001-12-31 BC"})),
            ("'9999-12-31'", "9999-12-31"),
            ("'10000-01-01'", Exact({"text": "10000-01-01"})),
        ],
    ),
    ("time", [("'24:00'", Exact({"text": "24:00:00"})), ("'23:59:59.999999'", "23:59:59.999999")]),
    ("timetz", [("'12:00+02'", "12:00:00+02")]),
    (
        "interval",
        [
            ("'1 mon'", Exact({"text": "P1M"})),
            ("'1 year -12 mons'", "P0DT00H00M00S"),
            ("'-1 second'", Exact({"text": "PT-1S"})),
            ("'24:00'", Exact({"text": "PT24H"})),
            ("'1 day -1 second'", Exact({"text": "P1DT-1S"})),
            ("'-1 day 23:59:59'", "-P0DT00H00M01S"),
            ("'-1 day'", "-P1DT00H00M00S"),
            ("'-2147483648 days'", Exact({"text": "P-2147483648D"})),
            ("'-2147483647 days'", "-P2147483647DT00H00M00S"),
            ("'2147483647 days 0.000001 s'", "P2147483647DT00H00M00.000001S"),
        ],
    ),
    (
        "json",
        [
            ("'null'", Exact("json null")),
            ("' null'", Exact({"text": " null"})),
            ("E'{\\n}'", Exact({"text": "{\n}"})),
            ('\'{"b":1, "a" : 2,"b":3}\'', '{"b":1, "a" : 2,"b":3}'),
            ("'\"\\ud800\"'", Exact({"text": '"\\ud800"'})),
            ("'\"\\ud83d\\ude00\"'", '"\\ud83d\\ude00"'),
            ("'\"\\ud83d\\\\\\ude00\"'", Exact({"text": '"\\ud83d\\\\\\ude00"'})),
            ("'\"\\\\ud800\"'", '"\\\\ud800"'),
            ("'\"\\ud800\\ud800\\udc00\"'", Exact({"text": '"\\ud800\\ud800\\udc00"'})),
            ("'\"\\u0000\"'", '"\\u0000"'),
        ],
    ),
    (
        "jsonb",
        [("'null'", Exact("json null")), ('\'{"b":1,"aa":1.50}\'', '{"b": 1, "aa": 1.50}'), ("'[null]'", "[null]")],
    ),
    ("inet", [("'192.0.2.1'", "192.0.2.1"), ("'192.0.2.1/24'", "192.0.2.1/24"), ("'::1/128'", "::1")]),
    ("cidr", [("'192.0.2.0/24'", "192.0.2.0/24"), ("'192.0.2.1'", "192.0.2.1/32")]),
    ("bytea", [("''", ""), ("'\\x00ff'", "AP8=")]),
    ("char(5)", [("'ab'", "ab   ")]),
    ('"char"', [("'x'", "x")]),
    ("money", [("'$1,234.50'", "$1,234.50")]),
    ("bit varying", [("B'0101'", "0101")]),
    ("tsvector", [("'a:1 b'", "'a':1 'b'")]),
    ("point", [("'(1,2)'", "(1,2)")]),
    ("oid", [("4000000000", "4000000000")]),
    (
        "integer[]",
        [
            ("'{1,NULL,-3}'", "[1,null,-3]"),
            ("'{}'", "[]"),
            ("'{{1,2},{3,4}}'", "[[1,2],[3,4]]"),
            ("'[0:1]={1,2}'", Exact({"text": "[0:1]={1,2}"})),
            ("'[1:1][2:3]={{1,2}}'", Exact({"text": "[1:1][2:3]={{1,2}}"})),
        ],
    ),
    (
        "text[]",
        [
            (
                "ARRAY['a,b', '\"', '\\', NULL, 'NULL', '', E'\\n', '{}', ' x ']",
                '["a,b","\\"","\\\\",null,"NULL","","\\n","{}"," x "]',
            )
        ],
    ),
    ("double precision[]", [("'{NaN,1e20,-Infinity,0.1}'", '["NaN",1e+20,"-Infinity",0.1]')]),
    ("numeric[]", [("'{NaN,1.50,Infinity}'", '["NaN",1.50,"Infinity"]')]),
    ("boolean[]", [("'{t,f,NULL}'", "[true,false,null]")]),
    ("date[]", [("'{2020-01-01,infinity,\"0044-03-15 BC\"}'", '["2020-01-01","infinity","0044-03-15 BC"]')]),
    (
        "timestamp[]",
        [("ARRAY['2020-01-01 00:00:00.5', 'infinity']::timestamp[]", '["2020-01-01T00:00:00.5","infinity"]')],
    ),
    (
        "timestamptz[]",
        [
            (
                "ARRAY['2020-01-01 00:00+00', '0044-03-15 00:00+00 BC']::timestamptz[]",
                '["2020-01-01T00:00:00+00:00","0044-03-15T00:00:00+00:00 BC"]',
            )
        ],
    ),
    ("jsonb[]", [("ARRAY['{\"a\": 1}', 'null']::jsonb[]", Exact({"text": '{"{\\"a\\": 1}","null"}'}))]),
    ("bytea[]", [("ARRAY['\\x00']::bytea[]", Exact({"text": '{"\\\\x00"}'}))]),
    ("box[]", [("ARRAY[box '((1,1),(0,0))']", "{(1,1),(0,0)}")]),
    (
        "int4range",
        [
            ("'[1,5]'", '{"lower": "1", "upper": "6", "bounds": "[)"}'),
            ("'empty'", '{"empty": true}'),
            ("'(,)'", '{"lower": null, "upper": null, "bounds": "()"}'),
        ],
    ),
    (
        "numrange",
        [
            ("'(1.50,NaN]'", Exact({"text": "(1.50,NaN]"})),
            ("'[1.50,2.0]'", '{"lower": "1.50", "upper": "2.0", "bounds": "[]"}'),
        ],
    ),
    (
        "tstzrange",
        [
            ("'[2020-01-01 00:00+00,)'", '{"lower": "2020-01-01T00:00:00.000000Z", "upper": null, "bounds": "[)"}'),
            ("'[2020-01-01 00:00+00,infinity]'", Exact({"text": '["2020-01-01 00:00:00+00",infinity]'})),
        ],
    ),
    ("daterange", [("'[2020-01-01,2020-02-01)'", '{"lower": "2020-01-01", "upper": "2020-02-01", "bounds": "[)"}')]),
    ("int4multirange", [("'{[1,2),[5,9)}'", "{[1,2),[5,9)}")]),
]


@pytest.mark.parametrize(("type_name", "values"), VALUES, ids=[name for name, _ in VALUES])
def test_a_value_is_this_cell_and_comes_back(
    engine: Engine, target: Engine, type_name: str, values: list[tuple[str, Cell]]
) -> None:
    execute(engine, f"CREATE TABLE t (id integer PRIMARY KEY, v {type_name}, always {type_name})")
    for number, (sql, _) in enumerate(values):
        execute(engine, f"INSERT INTO t VALUES ({number}, {sql}, {sql})")
    execute(engine, f"INSERT INTO t VALUES ({len(values)}, NULL, NULL)")
    expected = dump(engine)
    decoded = [Decoder(expected.tables[0]).decode(line) for line in expected.lines["public.t"]]
    assert [row[1] for row in decoded] == [*(cell for _, cell in values), None]
    with engine.snapshot() as snapshot:
        assert referenced(snapshot, expected.tables[0]) == expected.lines["public.t"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_bytes_of_every_length_come_back(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY, v bytea)")
    execute(engine, "INSERT INTO t SELECT n, decode(repeat('f0', n), 'hex') FROM generate_series(0, 200) n")
    expected = dump(engine)
    with engine.snapshot() as snapshot:
        assert referenced(snapshot, expected.tables[0]) == expected.lines["public.t"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_domains_are_of_their_base_types_kind(engine: Engine, target: Engine) -> None:
    types = [
        "integer",
        "numeric",
        "timestamptz",
        "interval",
        "jsonb",
        "json",
        "inet",
        "text",
        "char(3)",
        "bytea",
        "time",
    ]
    execute(engine, "CREATE EXTENSION hstore", *(f"CREATE DOMAIN d{i} AS {name}" for i, name in enumerate(types)))
    execute(
        engine, "CREATE DOMAIN pairs AS hstore", "CREATE DOMAIN many AS float8[]", "CREATE DOMAIN span AS tstzrange"
    )
    execute(engine, "CREATE DOMAIN inner_d AS d0", "CREATE DOMAIN outer_d AS inner_d CHECK (VALUE > 0)")
    columns = [f"c{i} d{i}" for i in range(len(types))] + ["p pairs", "m many", "s span", "o outer_d", "l d0[]"]
    execute(engine, f"CREATE TABLE t ({', '.join(columns)})")
    execute(
        engine,
        "INSERT INTO t VALUES (1, 'NaN', 'infinity', '1 mon', 'null', ' 1', '::1', 'x', 'y', '\\x01', '24:00', 'a=>1', "
        "'{NaN}', '[2020-01-01,infinity]', 5, '{1}')",
        "INSERT INTO t VALUES (2, 1.5, '2020-01-01', '1 day', '1', '1', '::1/64', '', '', '', '1:00', '', '{}', 'empty')",
        "INSERT INTO t DEFAULT VALUES",
    )
    expected = dump(engine)
    kinds = ["integer", "decimal", "datetime", "duration", "json", "json", "inet", "text", "text", "binary", "time"]
    assert [c.kind for c in expected.tables[0].columns] == [*kinds, "hstore", "array", "range", "integer", "array"]
    with engine.snapshot() as snapshot:
        assert referenced(snapshot, expected.tables[0]) == expected.lines["public.t"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_composites_are_not_null_when_all_that_they_hold_is(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TYPE pair AS (a integer, b text)", "CREATE TABLE t (v pair, w pair[])")
    execute(
        engine,
        "INSERT INTO t VALUES (NULL, NULL), (ROW(NULL, NULL), '{}'), (ROW(1, NULL), ARRAY[ROW(1, 'x,\"')::pair])",
    )
    expected = dump(engine)
    assert len(set(expected.lines["public.t"])) == 3
    with engine.snapshot() as snapshot:
        assert referenced(snapshot, expected.tables[0]) == expected.lines["public.t"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_arrays_of_what_json_would_nest_are_exact(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE EXTENSION hstore", "CREATE DOMAIN row_of AS integer[]")
    execute(
        engine,
        "CREATE TABLE t (a hstore[], b row_of[])",
        "INSERT INTO t VALUES (ARRAY[hstore 'a=>1'], ARRAY['{1,2}'::row_of])",
    )
    expected = dump(engine)
    row = Decoder(expected.tables[0]).decode(expected.lines["public.t"][0])
    assert all(isinstance(cell, Exact) for cell in row)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_keys_of_every_kind_bound_spans(engine: Engine) -> None:
    execute(engine, "CREATE TYPE mood AS ENUM ('b', 'a')")
    keys = {
        "numeric": ["'NaN'", "1.5", "-1", "'Infinity'"],
        "date": ["'infinity'", "'-infinity'", "'2020-01-01'"],
        "interval": ["'1 mon'", "'29 days'", "'-1 day'"],
        "mood": ["'a'", "'b'"],
        "char(3)": ["'a'", "'ab'"],
        "bytea": ["'\\x00'", "'\\xff'", "''"],
        "inet": ["'::1'", "'10.0.0.0/8'"],
        "text": ["'it''s \\ \"'", "''", "'Z'", "'a'"],
        "boolean": ["true", "false"],
        "integer[]": ["'{1}'", "'{1,2}'", "'{}'"],
    }
    for number, (name, values) in enumerate(keys.items()):
        execute(engine, f"CREATE TABLE t{number} (a {name}, b integer, PRIMARY KEY (a, b))")
        rows = ", ".join(f"({value}, {second})" for value in values for second in (1, 2))
        execute(engine, f"INSERT INTO t{number} VALUES {rows}")
    with engine.snapshot() as snapshot:
        for table in snapshot.tables():
            lines = list(snapshot.lines(table))
            spans = list(spans_between([key_of(table, line) for line in lines]))
            assert [list(snapshot.lines(table, span)) for span in spans] == [*([line] for line in lines), []]


def test_texts_with_the_very_characters_that_part_values_come_back(engine: Engine, target: Engine) -> None:
    execute(engine, "CREATE TABLE t (id integer PRIMARY KEY, a text, b text)")
    texts = ["\x01", "\x02", "a\x01b\x02c", "\\\x01", "\\\x02\\", "\\N", "\\", "\n\\.\n", "\r\n\t"]
    for number, text in enumerate(texts):
        escaped = "".join(f"\\u{ord(c):04x}" for c in text)
        execute(engine, f"INSERT INTO t VALUES ({number}, E'{escaped}', NULL)")
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_a_text_with_nul_is_refused_with_its_row_named(engine: Engine, target: Engine) -> None:
    execute(
        engine, "CREATE TABLE t (id integer PRIMARY KEY, a text)", "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'z')"
    )
    made = dump(engine)
    made.lines["public.t"][1] = changed(made.tables[0], made.lines["public.t"][1], a="nul\0")
    with pytest.raises(RestoreError, match="NUL") as caught:
        restore(made, target)
    assert (caught.value.table, caught.value.key) == ("public.t", "2")


def test_a_table_as_wide_as_can_be(engine: Engine, target: Engine) -> None:
    columns = ", ".join(f'"c{i}" integer' for i in range(1600))
    execute(engine, f"CREATE TABLE t ({columns})", "INSERT INTO t (c0, c1599) VALUES (1, 2)")
    expected = dump(engine)
    with engine.snapshot() as snapshot:
        assert referenced(snapshot, expected.tables[0]) == expected.lines["public.t"]
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_deep_json_comes_back(engine: Engine, target: Engine) -> None:
    execute(
        engine, "CREATE TABLE t (v jsonb)", "INSERT INTO t VALUES ((repeat('[', 5000) || repeat(']', 5000))::jsonb)"
    )
    expected = dump(engine)
    restore(expected, target)
    assert_same(expected, dump(target), engine)


def test_text_that_is_not_utf_8_is_an_error_with_its_row(engine: Engine, server: Server) -> None:
    name = server.new_name()
    execute(engine, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'")
    loose = engine.at(name)
    try:
        with session(loose) as connection:
            run(connection, "CREATE TABLE t (id integer PRIMARY KEY, a text)")
            run(connection, "INSERT INTO t VALUES (1, 'x'), (2, convert_from('\\xff', 'SQL_ASCII'))")
        with pytest.raises(UnreadableValue, match=r"table public\.t, primary key 2"), loose.snapshot() as snapshot:
            list(snapshot.lines(snapshot.tables()[0]))
    finally:
        loose.drop()


@pytest.mark.parametrize(("encoding", "letter"), [("LATIN1", "ä"), ("EUC_JP", "あ")])
def test_a_database_in_another_encoding_comes_back_in_it(
    engine: Engine, server: Server, encoding: str, letter: str
) -> None:
    name = server.new_name()
    execute(engine, f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING '{encoding}' LOCALE 'C'")
    source, target = engine.at(name), engine.at(server.new_name())
    try:
        with session(source) as connection:
            run(connection, "CREATE TABLE t (id integer PRIMARY KEY, a text)")
            run(connection, f"INSERT INTO t VALUES (1, 'x'), (2, '{letter}')")
        expected = dump(source)
        restore(expected, target)
        assert_same(expected, dump(target), engine)
        assert dump(target).facts.properties["encoding"] == encoding
    finally:
        source.drop()
        target.drop()


_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
_NESTED = st.lists(st.none() | _TEXT, max_size=5) | st.lists(
    st.lists(_TEXT, min_size=2, max_size=2), min_size=1, max_size=3
)


@given(_NESTED)
def test_an_array_reads_as_it_was_written(nested: list[object]) -> None:
    assert read_array(write_array(nested)) == nested


@given(st.dictionaries(_TEXT, st.none() | _TEXT))
def test_an_hstore_reads_as_it_was_written(pairs: dict[str, str | None]) -> None:
    assert read_hstore(write_hstore(pairs)) == pairs
