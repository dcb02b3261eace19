"""What a proof reads back of PostgreSQL: lines that Python makes of what the server prints, many values at a time."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import example, given
from hypothesis import strategies as st

from backups.engines.postgresql.cells import converter, split
from backups.engines.postgresql.reading_back import read_back
from backups.rows import Encoder
from backups.tables import Column, Table

MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.isoformat(" ")),
    st.datetimes().map(
        lambda moment: moment.isoformat(" ").rstrip("0") if moment.microsecond else moment.isoformat(" ")
    ),
    st.sampled_from(
        ["infinity", "-infinity", "0044-03-15 00:00:00 BC", "12026-01-01 10:00:00.5", "0044-03-15 00:00:00.123 BC"]
    ),
)


def in_utc(moment: str) -> str:
    """Return an instant as the server prints it."""
    if moment.endswith("infinity"):
        return moment
    return moment.replace(" BC", "+00 BC") if moment.endswith(" BC") else f"{moment}+00"


MARKERS = ["NaN", "Infinity", "-Infinity"]
NUMBERS = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map("{:f}".format),
    st.sampled_from(MARKERS),
)
PRINTED = {
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "boolean": st.sampled_from("tf"),
    "float": st.one_of(
        st.floats(allow_nan=False, allow_infinity=False).map(repr), st.sampled_from([*MARKERS, "1e+20"])
    ),
    "decimal": NUMBERS,
    "date": st.one_of(st.dates().map(str), st.sampled_from(["infinity", "0044-03-15 BC", "12026-01-01"])),
    "timestamp": MOMENTS,
    "datetime": MOMENTS.map(in_utc),
    "time": st.one_of(st.times().map(str), st.just("24:00:00")),
    "uuid": st.uuids().map(str),
    "text": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    "json": st.sampled_from(["null", '{"a": null}', '"\\\\u00e9 \\\\"', "[1, 2]", '"null"']),
}
KINDS = sorted(PRINTED)
TABLE = Table(
    "t",
    "tables.t",
    tuple(Column(kind, kind, kind, kind, detail="jsonb" if kind == "json" else "") for kind in KINDS),
    pk=("integer",),
    key=("integer",),
)
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v"})
ROWS = st.tuples(*(PRINTED[kind] if kind == "integer" else st.none() | PRINTED[kind] for kind in KINDS))

# As long as a moment of our time with all its digits.
AS_LONG_AS_ANY = tuple({"integer": "0", "timestamp": "0044-03-15 00:00:00.123 BC"}.get(kind) for kind in KINDS)


def printed(texts: Sequence[str | None]) -> bytes:
    """Return a row as COPY prints it."""
    cells = ["\\N" if text is None else text.translate(ESCAPES) for text in texts]
    return ("\t".join(cells) + "\n").encode()


def referenced(line: bytes) -> bytes:
    """Return the line that the reference makes of a printed row."""
    converters = [converter(column) for column in TABLE.columns]
    cells = zip(split(line.decode()), converters, strict=True)
    return Encoder(TABLE).encode(
        [convert(text) if convert and isinstance(text, str) else text for text, convert in cells]
    )


@example([AS_LONG_AS_ANY])
@given(st.lists(ROWS, min_size=1, max_size=40))
def test_many_rows_at_once_are_read_back_as_the_reference_reads_each(rows: list[tuple[str | None, ...]]) -> None:
    lines = [printed(row) for row in rows]
    assert [split(line.decode()) for line in lines] == [list(row) for row in rows]
    assert list(read_back(TABLE, iter(lines))) == [referenced(line) for line in lines]
