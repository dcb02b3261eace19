"""The fast way to write lines writes what the reference writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.engines import codec, values
from backups.engines.codec import Codec, Misfit
from backups.rows import Decoder, Exact, encode
from backups.tables import Column, Table

COLUMNS = ["id", "text", "float", "flag", "data", "json", "uuid", "duration"]
KINDS = ["integer", "text", "float", "boolean", "binary", "json", "uuid", "duration"]
WRITERS = [
    codec.integers,
    codec.texts,
    codec.each(codec.float_text, float),
    codec.each(codec.boolean, int),
    codec.each(codec.base64_text, bytes),
    codec.documents,
    codec.each(codec.uuid_text, str),
    codec.each(codec.duration_text, int),
]


def table(pk=("id",)):
    columns = tuple(Column(name, kind, "", name) for name, kind in zip(COLUMNS, KINDS, strict=True))
    return Table("t", "app.t", columns, pk=pk, key=pk)


def text_cell(value):
    try:
        value.encode()
    except UnicodeEncodeError:
        return Exact({"text": ascii(value)})
    return value


def uuid_cell(value):
    return values.uuid_from(value) or Exact({"text": ascii(value)})


def boolean_cell(value):
    return {0: "false", 1: "true"}.get(value) or Exact({"integer": str(value)})


def json_cell(value):
    cell = values.json_cell(value)
    return cell if isinstance(text_cell(value), str) else Exact({"text": ascii(value)})


CELLS = [
    str,
    text_cell,
    values.float_cell,
    boolean_cell,
    values.binary_from,
    json_cell,
    uuid_cell,
    values.duration_from,
]


def cells(row):
    return [None if value is None else convert(value) for convert, value in zip(CELLS, row, strict=True)]


TEXT = st.text(st.characters(codec=None)) | st.sampled_from(["\ud800", '\x00\x1f\x7f\u2028"\\/'])
JSON = st.sampled_from(
    [
        '{"a":  1}',
        "null",
        " 1",
        "1\t",
        "1\n",
        "[1,\r2]",
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
        "1e400",
        "[" * 300 + "]" * 300,
        "NaN",
        '"\\u00e9"',
    ]
)
ROW = st.tuples(
    st.none() | st.integers(-(2**63), 2**64 - 1),
    st.none() | TEXT,
    st.none() | st.floats(),
    st.none() | st.integers(-1, 2),
    st.none() | st.binary(),
    st.none() | JSON | TEXT,
    st.none() | st.uuids().map(lambda uuid: uuid.hex) | TEXT,
    st.none() | st.integers(-(2**63), 2**63 - 1),
)


@pytest.mark.parametrize("pk", [("id",), ("uuid", "id"), (), tuple(COLUMNS)])
def test_lines_are_those_of_the_reference(pk):
    described = table(pk)

    @given(st.lists(ROW, max_size=20))
    def same(rows):
        lines = list(Codec(described, WRITERS, cells).lines(iter(rows)))
        assert lines == [encode(described, cells(row)) for row in rows]
        assert list(map(Decoder(described).decode, lines)) == [cells(row) for row in rows]

    same()


def test_integers_that_only_python_has_are_left_to_the_reference():
    row = [2**70, *[None] * 7]
    assert Codec(table(), WRITERS, cells).batch([row]) == [encode(table(), cells(row))]


@pytest.mark.parametrize(
    ("write", "value"),
    [
        (codec.integers, "1"),
        (codec.integers, True),
        (codec.texts, b"1"),
        (codec.each(codec.float_text, float), 1),
        (codec.each(codec.float_text, float), float("nan")),
        (codec.each(codec.float_text, float), float("inf")),
        (codec.each(codec.boolean, int), 2),
        (codec.each(codec.uuid_text, str), "F" * 32),
        (codec.documents, "null"),
        (codec.documents, "{}\n"),
        (codec.documents, " {}"),
        (codec.documents, "{} "),
        (codec.documents, "\t{}"),
        (codec.documents, "{}\t"),
        (codec.documents, "{}\r"),
        (codec.documents, "[1,\r2]"),
        (codec.documents, '"\\ud83d"'),
        (codec.documents, "[" * 201 + "]" * 201),
    ],
)
def test_a_value_of_another_kind_is_a_misfit(write, value):
    assert list(write((None,))) == ["null"]
    with pytest.raises(Misfit):
        write((None, value))


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_written_as_python_writes_them(number):
    described = Table("t", "t", (Column("f", "float", "", "f"),))
    (line,) = Codec(described, [codec.each(codec.float_text, float)], lambda row: []).batch([[number]])
    assert line == b'{"model":"t","pk":null,"fields":{"f":%s}}\n' % repr(number).encode()


@pytest.mark.parametrize(
    "values",
    [
        ["[1", ",2]", "3 4"],  # as many documents as values, if a line feed may lie within one
        ["1 2", ""],
        ["1", "", "2 3"],
        ["{}", "[1\n]", "2"],
    ],
)
def test_documents_are_values_each_by_itself(values):
    with pytest.raises(Misfit):
        codec.documents(values)


def test_names_are_names_whatever_is_in_them():
    described = Table(
        "t", "t.100%s", (Column("a", "integer", "", "100%"), Column("b", "text", "", 'quo"te')), pk=("a",)
    )
    (line,) = Codec(described, [codec.integers, codec.texts], lambda row: []).batch([[1, "%s"]])
    assert line == encode(described, ["1", "%s"])


def test_no_more_rows_are_read_ahead_than_make_half_a_megabyte():
    described = Table("t", "t", (Column("s", "text", "", "s"),))
    taken = []

    def rows():
        for number in range(2000):
            taken.append(number)
            yield ("x" * 100_000,)

    lines = Codec(described, [codec.texts], lambda row: []).lines(rows())
    next(lines)
    assert len(taken) <= 8
    for _ in range(500):
        next(lines)
    assert len(taken) - 501 <= 8
