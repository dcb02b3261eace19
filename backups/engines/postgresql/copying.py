"""Lines of a table → statements of COPY with their data, many rows at a time, without making values of Python.

JSON and CSV write most values alike: a text without an escape in quotes, a number without, ``null`` bare. So a line's
values are told apart by the JSON reader, stay the bytes that they were, and are joined by commas; only JSON values have
their quotes doubled, a whole column at a time. Rows for which that is not enough (an escape, an exact value) go the way
of ``CopyText``, as do tables with a kind whose text is another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from backups.chunks import split_lines
from backups.engines.postgresql.session import quoted, relation
from backups.engines.postgresql.values import COPY_OPTIONS, CopyText, is_converted
from backups.tables import RAW_KINDS, Column, Table

_CSV_OPTIONS = "FORMAT csv, NULL 'null'"
_JSON = RAW_KINDS - {"integer", "boolean", "float"}
_APART = b"\x01"  # no JSON holds it

Rows = Sequence[Sequence[Any]]


class Copying:
    """Makes what COPY needs for one table."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._text = CopyText(table)
        self._as_text = self._statement(table.columns, COPY_OPTIONS)
        inside = [column for column in table.columns if column.name not in table.pk]
        columns = [*map(table.column, table.pk), *inside]
        self._as_csv = self._statement(columns, _CSV_OPTIONS)
        self._json = [i for i, column in enumerate(columns) if column.kind in _JSON]
        self._texts = [i for i, column in enumerate(columns) if column.kind not in RAW_KINDS]
        plain = not any(is_converted(column.kind) for column in columns)
        self._read = _reader(table, inside) if plain else None

    def write(self, lines: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield statements and their data for some whole lines; raise NotText where a value has none, and MalformedLine."""
        csv, others = self._parted(lines)
        if csv:
            yield self._as_csv, csv
        if others:
            yield self._as_text, self._text.write(others)

    def _statement(self, columns: Sequence[Column], options: str) -> bytes:
        names = ", ".join(quoted(column.name) for column in columns)
        return f"COPY {relation(self._table.schema, self._table.name)} ({names}) FROM STDIN ({options})".encode()

    def _parted(self, lines: bytes) -> tuple[bytes, list[bytes]]:
        """Return what can be said as CSV, and the lines that cannot."""
        if self._read is None:
            return b"", list(split_lines(lines))
        try:
            read = self._read(lines)
        except (msgspec.MsgspecError, RecursionError):
            # The careful way goes deeper, or says which line it is, and why.
            return b"", list(split_lines(lines))
        values = self._values(read)
        odd = set(self._odd(lines, read, values))
        rows = list(map(b",".join, self._with_json_quoted(values)))
        if odd:
            rows = [row for number, row in enumerate(rows) if number not in odd]
        others = [line for number, line in enumerate(split_lines(lines)) if number in odd] if odd else []
        return b"\n".join([*rows, b""]), others

    def _odd(self, lines: bytes, read: list[Any], values: Rows) -> Iterator[int]:
        """Yield the numbers of rows that CSV would say otherwise. In a JSON value an escape stays one."""
        if b',"exact":' in lines:
            yield from (number for number, line in enumerate(read) if line.exact is not msgspec.UNSET)
        if b"\\" in lines:
            for place in self._texts:
                column = [row[place] for row in values]
                if b"\\" in b"".join(column):
                    yield from (number for number, value in enumerate(column) if b"\\" in bytes(value))

    def _values(self, read: list[Any]) -> Rows:
        values = msgspec.structs.astuple
        if len(self._table.pk) == 1:
            return [(line.pk, *values(line.fields)) for line in read]
        if self._table.pk:
            return [(*line.pk, *values(line.fields)) for line in read]
        return [values(line.fields) for line in read]

    def _with_json_quoted(self, rows: Rows) -> Rows:
        if not self._json or not rows:
            return rows
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for place in self._json:
            columns[place] = _quoted(columns[place])
        return list(zip(*columns, strict=True))


def _quoted(values: Sequence[Any]) -> list[bytes]:
    """Return JSON values as texts of CSV; NULL stays bare."""
    inside = _APART.join(values).replace(b'"', b'""').replace(_APART, b'"\x01"')
    texts = b'"%b"' % inside
    return [b"null" if text == b'"null"' else text for text in texts.split(_APART)]


def _reader(table: Table, inside: Sequence[Column]) -> Callable[[bytes], list[Any]]:
    """Return what reads lines into structures whose values are the bytes that stand in them."""
    names = {f"f{i}": column.field for i, column in enumerate(inside)}
    fields = msgspec.defstruct(
        "Fields", [(name, msgspec.Raw) for name in names], rename=names, forbid_unknown_fields=True, gc=False
    )
    width = len(table.pk)
    pk: Any = msgspec.Raw if width == 1 else tuple[(msgspec.Raw,) * width] if width else None  # type: ignore[misc]
    exact: Any = dict[str, msgspec.Raw] | msgspec.UnsetType
    line = msgspec.defstruct(
        "Line",
        [("pk", pk), ("fields", fields), ("exact", exact, msgspec.UNSET)],
        tag_field="model",
        tag=table.label,
        forbid_unknown_fields=True,
        gc=False,
    )
    return msgspec.json.Decoder(line).decode_lines
