"""Rows as the server prints them → canonical lines, a column of a batch at a time, in Python: the path that proves ``lines``.

Values are told by their length and the places of their marks, so that most are seen only by functions that take them
all; where that does not tell, the reference (cells.py) writes the value, or the whole row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from json.encoder import encode_basestring

from backups.engines import codec
from backups.engines.codec import Codec, Misfit, Writer
from backups.engines.postgresql.cells import converter, row_converter, split
from backups.tables import RAW_KINDS, Column, Table

_MOMENT = len("2026-11-22 16:43:15.123456")
_DATE = len("2026-11-22")
_UTC = "+00"
_BEFORE_CHRIST = "BC"


def read_back(table: Table, printed: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the lines of rows, each given as COPY prints it."""
    rows = (split(str(line, "utf-8")) for line in printed) if table.columns else ([] for _ in printed)
    return Codec(table, [_writer(column) for column in table.columns], row_converter(table.columns)).lines(rows)


def _writer(column: Column) -> Writer:
    if column.kind == "json" and column.detail == "jsonb":
        return _WRITERS["jsonb"]
    convert = converter(column)
    return _WRITERS.get(column.kind) or (_converted(column, convert) if convert else codec.texts)


def _converted(column: Column, convert: Callable[[str], object]) -> Writer:
    """Return a writer that asks the reference for each value."""

    def written(text: str) -> str:
        cell = convert(text)
        if not isinstance(cell, str):
            raise Misfit
        return cell if column.kind in RAW_KINDS else encode_basestring(cell)

    return codec.each(written, str)


def _as_they_are(values: Sequence[str]) -> Sequence[str]:
    return values


def _booleans(values: Sequence[str]) -> Sequence[str]:
    return ["true" if value == "t" else "false" for value in values]


def _finite(values: Sequence[str]) -> Sequence[str]:
    """Raise Misfit where one is infinite or not a number."""
    joined = "\n".join(values)
    if "N" in joined or "I" in joined:
        raise Misfit
    return values


def _decimals(values: Sequence[str]) -> Sequence[str]:
    return codec.surrounded("\n".join(_finite(values)))


def _documents(values: Sequence[str]) -> Sequence[str]:
    if "null" in values:
        raise Misfit  # JSON null, which is not NULL
    return values


def _uuids(values: Sequence[str]) -> Sequence[str]:
    return codec.surrounded("\n".join(values))


def _dates(values: Sequence[str]) -> Sequence[str]:
    return codec.surrounded(_in_columns(values, _DATE, {4: "-", 7: "-"}))


def _moments(zone: str, end: str) -> Writer:
    """Return a writer of instants. The server drops zeros at the end of a fraction."""
    marks = {4: "-", 10: " ", 19: "."} | {_MOMENT + i: mark for i, mark in enumerate(zone)}
    width = _MOMENT + len(zone)

    def padded(value: str) -> str:
        moment = value.removesuffix(zone)
        return (moment if "." in moment else f"{moment}.").ljust(_MOMENT, "0") + zone

    def written(values: Sequence[str]) -> Sequence[str]:
        full = [value if len(value) == width else padded(value) for value in values]
        joined = _in_columns(full, width, marks).replace(" ", "T")
        if _BEFORE_CHRIST in joined:
            raise Misfit
        return codec.surrounded(f"{joined}\n".replace(f"{zone}\n", "\n")[:-1], end)

    return codec.whole(written, str)


def _in_columns(values: Sequence[str], width: int, marks: dict[int, str]) -> str:
    """Return texts joined by line feeds; raise Misfit where not all are so long, with these marks at these places."""
    joined, count = "\n".join(values), len(values)
    step = width + 1
    aligned = len(joined) == count * step - 1 and joined[width::step] == "\n" * (count - 1)
    if not aligned or any(joined[place::step] != mark * count for place, mark in marks.items()):
        raise Misfit
    return joined


_WRITERS: dict[str, Writer] = {
    "integer": codec.whole(_as_they_are, str),
    "boolean": codec.whole(_booleans, str),
    "float": codec.whole(_finite, str),
    "decimal": codec.whole(_decimals, str),
    "date": codec.whole(_dates, str),
    "datetime": _moments(_UTC, "Z"),
    "timestamp": _moments("", ""),
    "uuid": codec.whole(_uuids, str),
    "jsonb": codec.whole(_documents, str),
}
