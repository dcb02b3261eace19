r"""Lines of a table → statements of COPY with their data, many rows at a time, without making values of Python.

What parts the values of a line is known beforehand: names of fields, quotes, commas. So one pattern takes the values of
all lines of a chunk apart, as the bytes that they are, and they are joined by COPY's own delimiter. A line that does not
fit (an escape in a text, an exact value, damage) goes the way of ``CopyText``, as do tables with a kind whose text is another.

A text has no quote inside, since an escape would stand before it; numbers have neither quotes nor commas. So of a line that
fits, all is told apart in one way only, but for JSON values, which hold whatever they like: where a line has several of
them, what follows each must occur once a line. The control characters that part values for COPY occur in no JSON at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain, pairwise
from typing import Any

from backups.chunks import split_lines
from backups.engines.postgresql.session import quoted, relation
from backups.engines.postgresql.values import COPY_OPTIONS, DELIMITER, NULL, CopyText, is_converted
from backups.tables import RAW_KINDS, Column, Table

# Bytes of lines, all of whose values need little memory.
_AT_ONCE = 128 * 1024
_EXACT = b'},"exact":'
_JSON = RAW_KINDS - {"integer", "boolean", "float"}
_NUMBER, _TEXT, _ANY = rb'[^,"\\}\n]*', rb'[^"\\\n]*', rb".*"

Values = Sequence[bytes]
Rows = list[Any]
"""What a pattern finds: the values of each row, or of a table with a single column, its value."""


class Copying:
    """Makes what COPY needs for one table.

    ``frozen`` rows are seen by every transaction once they are committed, also by one that began before: only in the
    transaction that made the table.
    """

    def __init__(self, table: Table, *, frozen: bool = False) -> None:
        self._table = table
        self._frozen = ", FREEZE" if frozen else ""
        self._text = CopyText(table)
        inside = [column for column in table.columns if column.name not in table.pk]
        columns = [*map(table.column, table.pk), *inside]
        self._as_text, self._as_plain = self._statement(table.columns), self._statement(columns)
        plain = columns and not any(is_converted(column.kind) for column in columns)
        self._pattern = _pattern(table, inside) if plain else None
        self._single = len(columns) == 1
        self._nullable = [(i, _printed(column)) for i, column in enumerate(columns) if column.nullable]
        several = [column for column in columns if column.kind in _JSON]
        after = [right for left, right in pairwise(columns) if left in several]
        self._once = [_name(column) for column in after] if len(several) > 1 else []
        self._escapes = bool(several)

    def write(self, texts: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
        """Yield statements with data for them, for texts of whole lines, piece by piece and one statement after the other.

        Raises NotText where a value has none, and MalformedLine.
        """
        others: list[bytes] = []
        for some in chain.from_iterable(map(_some_at_a_time, texts)):
            data, rest = self._parted(some)
            if data:
                yield self._as_plain, data
            others += rest
        for lines in grouped(others, _AT_ONCE):
            yield self._as_text, self._text.write(lines)

    def _statement(self, columns: Sequence[Column]) -> bytes:
        names = ", ".join(quoted(column.name) for column in columns)
        options = COPY_OPTIONS + self._frozen
        return f"COPY {relation(self._table.schema, self._table.name)} ({names}) FROM STDIN ({options})".encode()

    def _parted(self, lines: bytes) -> tuple[bytes, list[bytes]]:
        """Return the data of the lines whose values are as they stand, and the other lines."""
        plain, others = _without_exact(lines)
        fitting, unfit = self._fitted(plain)
        return self._data(fitting), [*unfit, *others]

    def _fitted(self, lines: bytes) -> tuple[Rows, list[bytes]]:
        """Return the values of the lines that fit the pattern, and the lines that do not."""
        number = lines.count(b"\n")
        misread = DELIMITER in lines or NULL in lines or any(lines.count(name) != number for name in self._once)
        if self._pattern is None or misread:
            return [], list(split_lines(lines))
        rows, fits = self._pattern.findall(lines), self._pattern.fullmatch
        return rows, [] if len(rows) == number else [line for line in split_lines(lines) if not fits(line)]

    def _data(self, rows: Rows) -> bytes:
        if not rows:
            return b""
        if self._nullable:
            rows = self._with_nulls(rows)
        joined = rows if self._single and not self._nullable else map(DELIMITER.join, rows)
        data = b"\n".join([*joined, b""])
        # Only in JSON values an escape stays one.
        return data.replace(b"\\", b"\\\\") if self._escapes and b"\\" in data else data

    def _with_nulls(self, rows: Rows) -> Rows:
        columns: list[Values] = [rows] if self._single else list(zip(*rows, strict=True))
        for place, printed in self._nullable:
            columns[place] = printed(columns[place])
        return list(zip(*columns, strict=True))


def _some_at_a_time(lines: bytes) -> Iterator[bytes]:
    """Yield whole lines, so many at a time that all their values need little memory."""
    start = 0
    while start < len(lines):
        end = lines.find(b"\n", start + _AT_ONCE) + 1 or len(lines)
        yield lines[start:end]
        start = end


def grouped(texts: Iterable[bytes], size: int) -> Iterator[list[bytes]]:
    """Yield texts, so many at a time that they have ``size`` bytes or a little more; the last ones may have fewer."""
    group: list[bytes] = []
    held = 0
    for text in texts:
        group.append(text)
        held += len(text)
        if held >= size:
            yield group
            group, held = [], 0
    if group:
        yield group


def _without_exact(lines: bytes) -> tuple[bytes, list[bytes]]:
    """Part lines without exact values from those that have any, or a JSON value that looks like it."""
    if _EXACT not in lines:
        return lines, []
    each = list(split_lines(lines))
    return b"".join(line for line in each if _EXACT not in line), [line for line in each if _EXACT in line]


def _printed(column: Column) -> Callable[[Values], Values]:
    return _without_quotes if column.kind not in RAW_KINDS else _as_it_is


def _without_quotes(values: Values) -> Values:
    return [NULL if value == b"null" else value[1:-1] for value in values]


def _as_it_is(values: Values) -> Values:
    return [NULL if value == b"null" else value for value in values] if b"null" in values else values


def _pattern(table: Table, inside: Sequence[Column]) -> re.Pattern[bytes]:
    """Return what fits whole lines, a group for each value; a text that may be NULL keeps its quotes."""
    keys = [_group(table.column(name)) for name in table.pk]
    pk = rb"\[%b\]" % b",".join(keys) if len(keys) > 1 else keys[0] if keys else b"null"
    fields = b"".join(re.escape(_name(column)) + _group(column) for column in inside)
    head = re.escape(f'{{"model":{_json(table.label)},"pk":'.encode())
    return re.compile(rb'^%b%b,"fields":\{%b\}\}\n' % (head, pk, fields.removeprefix(b",")), re.MULTILINE)


def _group(column: Column) -> bytes:
    if column.kind in RAW_KINDS:
        return rb"(%b)" % (_ANY if column.kind in _JSON else _NUMBER)
    return rb'("%b"|null)' % _TEXT if column.nullable else rb'"(%b)"' % _TEXT


def _name(column: Column) -> bytes:
    """Return what stands before a column's value, inside the fields."""
    return f",{_json(column.field)}:".encode()


_json = partial(json.dumps, ensure_ascii=False)
