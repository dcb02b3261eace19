"""The reference codec: what it writes it reads back, and what is not a line of the table is refused."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.rows import Decoder, Exact, MalformedLine, encode
from backups.tables import RAW_KINDS, Column, Table, labelled

KINDS = (
    "integer",
    "text",
    "json",
    "float",
    "decimal",
    "datetime",
    "binary",
    "boolean",
    "any",
    "uuid",
    "array",
    "native",
)
CELLS = {
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "float": st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "json": st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    ).map(json.dumps).filter(lambda text: text != "null"),
    "boolean": st.sampled_from(["true", "false"]),
    "any": st.sampled_from(["1", "1.5", '"text"', "-0.0"]),
    "array": st.lists(st.integers()).map(json.dumps),
}  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
EXACTS = st.one_of(
    st.sampled_from(["json null", "NaN", "Infinity", "-Infinity"]).map(Exact),
    st.dictionaries(st.sampled_from(["text", "blob", "real"]), TEXT, min_size=1, max_size=1).map(Exact),
)


def table(*kinds: str, pk: tuple[str, ...] = ("c0",)) -> Table:
    return Table("t", "tables.t", tuple(Column(f"c{i}", kind, kind, f"c{i}") for i, kind in enumerate(kinds)), pk, pk)


def rows_of(kinds: tuple[str, ...]) -> st.SearchStrategy[list]:
    return st.tuples(*(st.none() | EXACTS | CELLS.get(kind, TEXT) for kind in kinds)).map(list)


@given(
    st.lists(st.sampled_from(KINDS), min_size=1, max_size=6)
    .map(tuple)
    .flatmap(lambda k: st.tuples(st.just(k), rows_of(k)))
)
def test_what_is_written_is_read_back(case):
    kinds, row = case
    line = encode(table(*kinds), row)
    assert Decoder(table(*kinds)).decode(line) == row
    assert line.count(b"\n") == 1 and line.endswith(b"\n")


@given(rows_of(("integer", "text", "json")))
def test_a_line_is_json_that_loaddata_can_read(row):
    read = json.loads(encode(table("integer", "text", "json"), row))
    assert list(read)[:3] == ["model", "pk", "fields"]
    if isinstance(row[2], str):
        assert read["fields"]["c2"] == json.loads(row[2])


@pytest.mark.parametrize("depth", [10, 900, 1100, 5000])
def test_deep_json_is_read_back(depth):
    nested = "[" * depth + "]" * depth
    wide = table("integer", "json")
    assert Decoder(wide).decode(encode(wide, ["1", nested])) == ["1", nested]


@pytest.mark.parametrize(
    ("pk", "text"),
    [
        ((), '{"model":"tables.t","pk":null,"fields":{"c0":1,"c1":"a"}}\n'),
        (("c0",), '{"model":"tables.t","pk":1,"fields":{"c1":"a"}}\n'),
        (("c1", "c0"), '{"model":"tables.t","pk":["a",1],"fields":{}}\n'),
    ],
)
def test_the_primary_key_stands_apart(pk, text):
    two = table("integer", "text", pk=pk)
    assert encode(two, ["1", "a"]) == text.encode()
    assert Decoder(two).decode(text.encode()) == ["1", "a"]


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'{"model":"tables.t","pk":1,"fields":{"c1":"a"}',
        b'{"model":"tables.other","pk":1,"fields":{"c1":"a"}}',
        b'{"model":"tables.t","pk":1,"fields":{}}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":5}}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":"a","c2":"b"}}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":"a"},"more":1}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":"a"},"exact":{"c1":"NaN"}}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":null},"exact":{"c9":"NaN"}}',
        b'{"model":"tables.t","pk":1,"fields":{"c1":"\xff"}}',
    ],
)
def test_what_is_not_a_line_of_the_table_is_refused(line):
    with pytest.raises(MalformedLine):
        Decoder(table("integer", "text")).decode(line)


def test_columns_that_no_model_knows_keep_apart_from_its_fields():
    awkward = Table("t", "", (Column('we"ird%\\', "text", "text"), Column("plain", "text", "text")))
    assert [column.field for column in labelled(awkward, None).columns] == ["we%22ird%25%5c", "plain"]
    assert labelled(awkward, None).label == "tables.t"


def test_raw_kinds_are_written_as_they_stand():
    assert {"integer", "json"} <= RAW_KINDS
    assert encode(table("integer", "json"), ["7", '{"b":  1, "a": 2}']) == (
        b'{"model":"tables.t","pk":7,"fields":{"c1":{"b":  1, "a": 2}}}\n'
    )


@pytest.mark.parametrize("pk", [(), ("id",), ("doc", "id")])
def test_columns_are_the_rows_that_decode_returns(pk):
    kinds = {"id": "integer", "name": "text", "doc": "json"}
    columns = tuple(Column(name, kind, "", name) for name, kind in kinds.items())
    described = Table("t", "app.t", columns, pk=pk, key=pk)
    plain = [["1", "a\nb", '{"a":  [1]}'], ["-2", None, "null" if pk else None], ["3", "", '"null"']]
    plain[1][2] = "[]" if pk else None
    exact = ["4", Exact({"text": "x"}), '{"b":1}']
    decoder = Decoder(described)
    for rows in (plain, [*plain, exact], [exact]):
        lines = [encode(described, row) for row in rows]
        assert [list(row) for row in zip(*decoder.columns(lines), strict=True)] == rows
    lines = [encode(described, row) for row in plain]
    for wrong in (b"{}\n", b"\n", encode(Table("t", "app.u", columns, pk=pk, key=pk), plain[0]), lines[0][:-2] + b"\n"):
        with pytest.raises(MalformedLine):
            decoder.columns([lines[0], wrong, lines[1]])
