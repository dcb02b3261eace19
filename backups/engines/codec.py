"""A table's rows → canonical lines, the fast way: driver values, a batch of rows at a time, one function a column.

``Codec`` is made once a table from the table and one ``Writer`` a column. A writer turns a column of a batch into the
texts that stand in the lines, in as few steps of Python as there can be: most values are seen only by functions in C
that take them all. A value that is not of its column's kind makes the writer raise ``Misfit``; the rows of such values
are written by the reference (``rows.Encoder``, from the cells that the engine makes of them).
"""

from __future__ import annotations

from binascii import b2a_base64
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice, repeat
from json.encoder import encode_basestring
from typing import Any

import msgspec

from backups.engines.values import escapes_lone_surrogate, may_be_deep
from backups.rows import Encoder, Row
from backups.tables import Table

Writer = Callable[[Sequence[Any]], Sequence[str]]
NativeRow = Sequence[Any]

_NULL = type(None)
_HEX = "0123456789abcdef"
_FEWEST_ROWS, _MOST_ROWS, _BATCH_BYTES = 8, 1024, 512 * 1024
_SHALLOW = 200  # characters of JSON, or brackets in it, which cannot be nested deep
_TRUTHS = {0: "false", 1: "true"}
_PLACE = "%s"
_documents_in = msgspec.json.Decoder(msgspec.Raw).decode_lines


class Misfit(ValueError):
    """A value is not of its column's kind, so the reference writes its row."""


def whole(write: Writer, *types: type) -> Writer:
    """Return a writer of columns that may hold NULL, from one of columns of values of exactly these types."""
    only = {*types}

    def written(values: Sequence[Any]) -> Sequence[str]:
        found = {*map(type, values)}
        if found <= only:
            return write(values)
        if not found <= only | {_NULL}:
            raise Misfit
        filled = [value for value in values if value is not None]
        texts = iter(write(filled) if filled else ())
        return ["null" if value is None else next(texts) for value in values]

    return written


def each(convert: Callable[[Any], str], *types: type) -> Writer:
    """Write what ``convert`` makes of each value of exactly these types; it raises ValueError for a misfit."""
    return whole(lambda values: list(map(convert, values)), *types)


integers: Writer = each(str, int)
texts: Writer = each(encode_basestring, str)


def float_text(value: float) -> str:
    """Write a double as Python's ``repr`` does."""
    if value - value != 0:
        raise Misfit  # infinite, or not a number
    return repr(value)


def boolean(value: int) -> str:
    """Write 0 and 1 as false and true."""
    if value not in _TRUTHS:
        raise Misfit
    return _TRUTHS[value]


def base64_text(value: bytes) -> str:
    """Write bytes as base64."""
    return f'"{b2a_base64(value, newline=False).decode()}"'


def _documents(values: Sequence[str]) -> Sequence[str]:
    """Write JSON verbatim; whatever may need a second look is a misfit."""
    # As bytes, which are searched several times as fast as a text with a character beyond the usual ones.
    encoded = "\n".join(values).encode()
    if "null" in values or b"\r" in encoded:
        raise Misfit
    if _may_be_deep(values) or any(map(escapes_lone_surrogate, [value for value in values if "\\u" in value])):
        raise Misfit
    found = _documents_in(encoded)
    # With as many line feeds as stand between them, none is inside of one: then each document is one value. Blanks around it
    # are not found again.
    if len(found) != len(values) or encoded.count(b"\n") != len(values) - 1 or b"\n".join(found) != encoded:
        raise Misfit
    return values


def _may_be_deep(values: Sequence[str]) -> bool:
    """Say whether one of many JSON texts may be nested deep, without a look of Python's own at each of most of them."""
    long = [value for value in values if len(value) > _SHALLOW]
    brackets = (max(map(str.count, long, repeat(bracket)), default=0) for bracket in "[{")
    return sum(brackets) > _SHALLOW and any(map(may_be_deep, long))


documents: Writer = whole(_documents, str)


def surrounded(joined: str, end: str = "") -> Sequence[str]:
    """Return texts, joined by line feeds and with nothing to be escaped, in quotes and with ``end`` behind each."""
    separator = f'{end}"\n"'
    return f'"{joined.replace(chr(10), separator)}{end}"'.split("\n")


def uuid_text(value: str) -> str:
    """Write 32 lower-case hexadecimal digits with dashes."""
    if len(value) != 32 or value.strip(_HEX):
        raise Misfit
    return f'"{value[:8]}-{value[8:12]}-{value[12:16]}-{value[16:20]}-{value[20:]}"'


def duration_text(value: int) -> str:
    """Write microseconds as Django writes durations."""
    sign, value = ("-", -value) if value < 0 else ("", value)
    seconds, fraction = divmod(value, 1_000_000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    part = f".{fraction:06d}" if fraction else ""
    return f'"{sign}P{days}DT{hours:02d}H{minutes:02d}M{seconds:02d}{part}S"'


class Codec:
    """Writes the lines of one table. ``reference`` makes the cells of one row of driver values."""

    def __init__(self, table: Table, writers: Sequence[Writer], reference: Callable[[NativeRow], Row]) -> None:
        order = {column.name: i for i, column in enumerate(table.columns)}
        pk = [order[name] for name in table.pk]
        inside = [i for i, column in enumerate(table.columns) if column.name not in table.pk]
        self._encode = Encoder(table).encode
        self._writers = writers
        self._reference = reference
        self._order = [*pk, *inside]
        self._line = _line([table.columns[i].field for i in inside], len(pk), table.label)

    def lines(self, rows: Iterator[NativeRow]) -> Iterator[bytes]:
        """Yield the line of each row."""
        return chain.from_iterable(self.batches(rows))

    def batches(self, rows: Iterator[NativeRow]) -> Iterator[list[bytes]]:
        """Yield the lines of some rows at a time, which make about half a megabyte."""
        size = _FEWEST_ROWS
        while batch := list(islice(rows, size)):
            lines = self.batch(batch)
            yield lines
            usual = _BATCH_BYTES * len(lines) // sum(map(len, lines))
            size = min(max(usual, _FEWEST_ROWS), 2 * size, _MOST_ROWS)

    def batch(self, rows: Sequence[NativeRow]) -> list[bytes]:
        """Return the lines of some rows."""
        misfits: set[int] = set()
        columns = [
            self._written(write, values, misfits)
            for write, values in zip(self._writers, zip(*rows, strict=True), strict=True)
        ]
        values = zip(*(columns[i] for i in self._order), strict=True)
        written = list(map(self._line.__mod__, values)) if columns else [self._line] * len(rows)
        lines = self._encoded(written, misfits)
        for number in misfits:
            lines[number] = self._encode(self._reference(rows[number]))
        return lines

    @staticmethod
    def _written(write: Writer, values: Sequence[Any], misfits: set[int]) -> Sequence[str]:
        """Return a column as it is written; rows of misfits have nothing there, and their numbers are noted."""
        try:
            return write(values)
        except ValueError:
            written: list[str] = []
            for number, value in enumerate(values):
                try:
                    written += write((value,))
                except ValueError:
                    misfits.add(number)
                    written.append("")
            return written

    @staticmethod
    def _encoded(written: Sequence[str], misfits: set[int]) -> list[bytes]:
        """Return lines as bytes; those with text that is not UTF-8, which shows only now, are misfits."""
        try:
            return [line.encode() for line in written]
        except UnicodeEncodeError:
            misfits.update(number for number, line in enumerate(written) if not _is_encodable(line))
            return [line.encode("utf-8", "replace") for line in written]


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _line(fields: Sequence[str], pk: int, label: str) -> str:
    """Return the line of every row as a template, with a place for each column: first those of the key."""
    key = "null" if pk == 0 else _PLACE if pk == 1 else f"[{','.join([_PLACE] * pk)}]"
    inside = ",".join(f"{_literally(field)}:{_PLACE}" for field in fields)
    return f'{{"model":{_literally(label)},"pk":{key},"fields":{{{inside}}}}}\n'


def _literally(text: str) -> str:
    return encode_basestring(text).replace("%", "%%")
