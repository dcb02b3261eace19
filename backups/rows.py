"""A row ↔ its canonical line, the reference way: plain, engine-neutral, one value at a time.

A row is a list of cells, one a column in the table's order. A cell is ``None`` for SQL NULL, a string holding the
value's canonical text (what stands in the line: inside the quotes for kinds of strings, as it is for raw kinds), or an
``Exact`` for what Django's fixtures cannot say. The form is specified in docs/format.md, "Rows"; engines have faster
ways to write the same bytes, and tests hold them to these.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

import msgspec

from backups.exceptions import BackupsError
from backups.tables import RAW_KINDS, Column, Table

ROW_FORMAT = 1
JSON_NULL = "json null"
_DEEPEST = 20_000


@dataclass(frozen=True, slots=True)
class Exact:
    """A value beside the fixture form: a marker (``json null``, ``NaN``, ``Infinity``, ``-Infinity``), or a dictionary.

    The dictionary has one key: ``text`` (the engine's own text), and on SQLite, where a value's storage class need not
    be its column's, also ``integer``, ``real``, ``blob`` (base64) or ``bytes`` (base64 of text that is not UTF-8).
    """

    value: str | dict[str, str]


Cell = str | Exact | None
Row = list[Cell]


class MalformedLine(BackupsError):
    """A line is not what its table's description says. Raised while reading a chunk whose digest was right."""


quoted = encode_basestring
"""A text as a line writes it: in quotes, with no more escaped than must be."""


def layout(table: Table) -> Iterator[str | Column]:
    """Yield what a line without exact values is made of, from left to right, its line feed left out: text, and columns."""
    yield f'{{"model":{quoted(table.label)},"pk":'
    if len(table.pk) > 1:
        yield "["
    for number, name in enumerate(table.pk):
        if number:
            yield ","
        yield table.column(name)
    before = f'{"]" if len(table.pk) > 1 else "" if table.pk else "null"},"fields":{{'
    for column in table.columns:
        if column.name not in table.pk:
            yield f"{before}{quoted(column.field)}:"
            yield column
            before = ","
    yield f"{'' if before == ',' else before}}}}}"


def encode(table: Table, row: Row) -> bytes:
    """Return the canonical line of one row, with its line feed."""
    return Encoder(table).encode(row)


class Encoder:
    """Writes the canonical lines of one table."""

    def __init__(self, table: Table) -> None:
        order = {column.name: place for place, column in enumerate(table.columns)}
        self._raw = [column.kind in RAW_KINDS for column in table.columns]
        self._names = [quoted(column.field) for column in table.columns]
        pk = [order[name] for name in table.pk]
        inside = [place for place in order.values() if place not in pk]
        self._places = [*pk, *inside]
        key = ",".join(["%s"] * len(pk)) if len(pk) < 2 else f"[{','.join(['%s'] * len(pk))}]"
        fields = ",".join(f"{self._names[place].replace('%', '%%')}:%s" for place in inside)
        head = f'{{"model":{quoted(table.label)},"pk":'.replace("%", "%%")
        self._form = f'{head}{key or "null"},"fields":{{{fields}}}%s}}\n'

    def encode(self, row: Row) -> bytes:
        """Return the line of one row, with its line feed."""
        beside = ""
        if Exact in map(type, row):
            row, beside = self._without_exact(row)
        written = [
            cell if raw and cell else "null" if cell is None else quoted(cell)  # type: ignore[arg-type]
            for cell, raw in zip(row, self._raw, strict=True)
        ]
        return (self._form % (*[written[place] for place in self._places], beside)).encode()

    def _without_exact(self, row: Row) -> tuple[Row, str]:
        """Return a row without its exact values, and what stands beside its fields instead."""
        exact = [(place, cell.value) for place, cell in enumerate(row) if isinstance(cell, Exact)]
        members = ",".join(f"{self._names[place]}:{_compact(value)}" for place, value in exact)
        return [None if isinstance(cell, Exact) else cell for cell in row], f',"exact":{{{members}}}'


def _compact(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Decoder:
    """Reads the lines of one table back into rows; strict, since a line that does not fit is damage."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self._raw = [column.kind in RAW_KINDS for column in table.columns]
        self._fields = [column.field for column in table.columns]
        inside = [i for i, column in enumerate(table.columns) if column.name not in table.pk]
        order = {name: i for i, name in enumerate(c.name for c in table.columns)}
        self._raw_places = [i for i, raw in enumerate(self._raw) if raw]
        # Where each part of the key belongs, from left to right, so that it can be put between the other values.
        self._pk = sorted((order[name], part) for part, name in enumerate(table.pk))
        self._inside = [(i, attrgetter(f"f{i}")) for i in inside]
        self._values = attrgetter("model", "pk", "exact", *(f"fields.f{i}" for i in inside))
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_line_type(table, inside, self._raw))

    def decode(self, line: bytes) -> Row:
        """Return the row that a line holds; raise MalformedLine where it is not a line of this table."""
        try:
            read: Any = self._read(line)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedLine(f"A line of table {self.table.qualified} cannot be read: {error}.") from None
        model, pk, exact, *row = self._values(read)
        if model != self.table.label:
            raise MalformedLine(f"A line of table {self.table.qualified} says that it belongs to {model!r}.")
        for i, part in self._pk:
            row.insert(i, pk if len(self._pk) == 1 else pk[part])
        for i in self._raw_places:
            text = str(row[i], "utf-8")
            row[i] = None if text == "null" else text
        if exact is not msgspec.UNSET:
            self._put_exact(row, exact)
        return row

    def columns(self, lines: Sequence[bytes]) -> list[Sequence[Cell]]:
        """Return what ``decode`` returns of some lines, a column at a time, which is faster; as strict."""
        try:
            return self._columns(lines)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, _Unusual):
            return list(zip(*map(self.decode, lines), strict=True))

    def _columns(self, lines: Sequence[bytes]) -> list[Sequence[Cell]]:
        """Raise _Unusual for lines that are to be looked at one by one."""
        read = self._decoder.decode_lines(b"".join(lines))
        usual = (
            len(read) == len(lines)
            and [line.model for line in read].count(self.table.label) == len(lines)
            and [line.exact for line in read].count(msgspec.UNSET) == len(lines)
        )
        if not usual:
            raise _Unusual
        fields, keys = [line.fields for line in read], [line.pk for line in read]
        columns: list[Any] = [None] * len(self._fields)
        for i, value in self._inside:
            columns[i] = list(map(value, fields))
        parts = [keys] if len(self._pk) == 1 else list(zip(*keys, strict=True)) if self._pk else []
        for i, part in self._pk:
            columns[i] = parts[part]
        for i in self._raw_places:
            columns[i] = _texts(columns[i])
        return columns

    def _read(self, line: bytes) -> Any:
        try:
            return self._decoder.decode(line)
        except RecursionError:
            # PostgreSQL holds JSON up to some 6,000 levels deep; Python 3.11 counts them against its own limit.
            usual = sys.getrecursionlimit()
            sys.setrecursionlimit(max(usual, _DEEPEST))
            try:
                return self._decoder.decode(line)
            finally:
                sys.setrecursionlimit(usual)

    def _put_exact(self, row: Row, exact: dict[str, str | dict[str, str]]) -> None:
        for name, value in exact.items():
            if name not in self._fields or row[self._fields.index(name)] is not None:
                raise MalformedLine(f"A line of table {self.table.qualified} has no room for the exact {name!r}.")
            row[self._fields.index(name)] = Exact(value)


class _Unusual(Exception):
    """Some lines are not all plain."""


def _texts(raw: Sequence[Any]) -> Sequence[Cell]:
    """Return the texts of raw JSON, which has no line feed, and None for null."""
    texts = str(b"\n".join(raw), "utf-8").split("\n")
    if len(texts) != len(raw):
        raise _Unusual
    return [None if text == "null" else text for text in texts] if "null" in texts else texts


def _line_type(table: Table, inside: list[int], raw: list[bool]) -> type:
    """Return the msgspec structure of one line: raw kinds keep their text, the others are strings or null."""

    def kind(i: int) -> Any:
        return msgspec.Raw if raw[i] else str | None

    fields = msgspec.defstruct(
        "Fields",
        [(f"f{i}", kind(i)) for i in inside],
        rename={f"f{i}": table.columns[i].field for i in inside},
        forbid_unknown_fields=True,
        gc=False,
    )
    order = {column.name: i for i, column in enumerate(table.columns)}
    kinds = [kind(order[name]) for name in table.pk]
    pk: Any = None if not kinds else kinds[0] if len(kinds) == 1 else tuple[tuple(kinds)]  # type: ignore[misc]
    return msgspec.defstruct(
        "Line",
        [
            ("model", str),
            ("pk", pk),
            ("fields", fields),
            ("exact", dict[str, str | dict[str, str]] | msgspec.UnsetType, msgspec.UNSET),
        ],
        forbid_unknown_fields=True,
        gc=False,
    )
