"""A table's rows → canonical lines, the fast way: driver values, a batch of rows at a time, one function a column.

``Codec`` is made once a table from the table and one ``Writer`` a column. A writer turns a column of a batch into what
orjson writes as that column's canonical text. A value that is not of its column's kind makes the writer raise
``Misfit``; the rows of such values are written by the reference (``rows.encode`` of the cells that the engine makes of
them).
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice, repeat
from typing import Any

import msgspec
import orjson

from backups.engines.values import may_be_deep
from backups.rows import Row, encode
from backups.tables import Table

Writer = Callable[[Sequence[Any]], Sequence[object]]
NativeRow = Sequence[Any]

_NULL = type(None)
_HEX = "0123456789abcdef"
_JSON_SPACE = " \t\n\r"
_FEWEST_ROWS, _MOST_ROWS, _BATCH_BYTES = 8, 256, 512 * 1024
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_skip_json = msgspec.json.Decoder(msgspec.Raw).decode


class Misfit(ValueError):
    """A value is not of its column's kind, so the reference writes its row."""


def plain(*types: type) -> Writer:
    """Write values of exactly these types as orjson does: int, str, bool; others are misfits."""
    allowed = {*types, _NULL}

    def write(values: Sequence[Any]) -> Sequence[object]:
        if not allowed.issuperset(map(type, values)):
            raise Misfit
        return values

    return write


def each(convert: Callable[[Any], object], *types: type) -> Writer:
    """Write what ``convert`` makes of each value of exactly these types; it raises ValueError for a misfit."""
    allowed = {*types, _NULL}

    def write(values: Sequence[Any]) -> Sequence[object]:
        if not allowed.issuperset(map(type, values)):
            raise Misfit
        return [None if value is None else convert(value) for value in values]

    return write


def float_text(value: float) -> object:
    """Write a double as Python's ``repr`` does, which orjson does too where there is no exponent."""
    if 1e-3 < value < 1e15 or -1e15 < value < -1e-3:
        return value
    if value - value != 0:
        raise Misfit  # infinite, or not a number
    return orjson.Fragment(repr(value))


def boolean(value: int) -> bool:
    """Write 0 and 1 as false and true."""
    if value not in {0, 1}:
        raise Misfit
    return value == 1


def base64_text(value: bytes) -> str:
    """Write bytes as base64."""
    return b2a_base64(value, newline=False).decode()


def json_text(value: str) -> orjson.Fragment:
    """Write JSON text verbatim; whatever may need a second look is a misfit."""
    if value == "null" or value.strip(_JSON_SPACE) != value or "\n" in value or "\r" in value or may_be_deep(value):
        raise Misfit
    if "\\u" in value and _SURROGATE_ESCAPE.search(value):
        orjson.loads(value)  # refuses lone surrogates, which skipping overlooks
    _skip_json(value)
    return orjson.Fragment(value)


def uuid_text(value: str) -> str:
    """Write 32 lower-case hexadecimal digits with dashes."""
    if len(value) != 32 or value.strip(_HEX):
        raise Misfit
    return f"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"


def duration_text(value: int) -> str:
    """Write microseconds as Django writes durations."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    seconds, fraction = divmod(value, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if fraction:
        return f"{sign}P{days}DT{hours:02d}H{minutes:02d}M{seconds:02d}.{fraction:06d}S"
    return f"{sign}P{days}DT{hours:02d}H{minutes:02d}M{seconds:02d}S"


class Codec:
    """Writes the lines of one table. ``reference`` makes the cells of one row of driver values."""

    def __init__(self, table: Table, writers: Sequence[Writer], reference: Callable[[NativeRow], Row]) -> None:
        order = {column.name: i for i, column in enumerate(table.columns)}
        self._table = table
        self._writers = writers
        self._reference = reference
        self._pk = [order[name] for name in table.pk]
        self._inside = [i for i, column in enumerate(table.columns) if column.name not in table.pk]
        self._names = [table.columns[i].field for i in self._inside]

    def lines(self, rows: Iterator[NativeRow]) -> Iterator[bytes]:
        """Yield the line of each row; reads ahead by as many rows as make about half a megabyte."""
        size = _FEWEST_ROWS
        while batch := list(islice(rows, size)):
            lines = self.batch(batch)
            yield from lines
            usual = _BATCH_BYTES * len(lines) // sum(map(len, lines))
            size = min(max(usual, _FEWEST_ROWS), 2 * size, _MOST_ROWS)

    def batch(self, rows: Sequence[NativeRow]) -> list[bytes]:
        """Return the lines of some rows."""
        misfits: set[int] = set()
        columns = [
            self._written(write, values, misfits)
            for write, values in zip(self._writers, zip(*rows, strict=True), strict=True)
        ]
        lines = []
        for number, structure in enumerate(self._structures(columns)):
            if number in misfits:
                lines.append(encode(self._table, self._reference(rows[number])))
                continue
            try:
                lines.append(orjson.dumps(structure, None, orjson.OPT_APPEND_NEWLINE))
            except orjson.JSONEncodeError:  # text that is not UTF-8 shows only now
                lines.append(encode(self._table, self._reference(rows[number])))
        return lines

    @staticmethod
    def _written(write: Writer, values: Sequence[Any], misfits: set[int]) -> Sequence[object]:
        """Return a column as it is written; rows of misfits have nothing there, and their numbers are noted."""
        try:
            return write(values)
        except ValueError:
            written: list[object] = []
            for number, value in enumerate(values):
                try:
                    written += write((value,))
                except ValueError:
                    misfits.add(number)
                    written.append(None)
            return written

    def _structures(self, columns: Sequence[Sequence[object]]) -> Iterator[dict[str, object]]:
        """Yield what orjson writes as the line of each row."""
        label, names = self._table.label, self._names
        fields: Iterable[Sequence[object]] = zip(*(columns[i] for i in self._inside), strict=True)
        for pk, values in zip(self._keys(columns), fields if names else repeat(()), strict=False):
            yield {"model": label, "pk": pk, "fields": dict(zip(names, values, strict=True))}

    def _keys(self, columns: Sequence[Sequence[object]]) -> Iterable[object]:
        if not self._pk:
            return repeat(None)
        if len(self._pk) == 1:
            return columns[self._pk[0]]
        return zip(*(columns[i] for i in self._pk), strict=True)
