"""A row ↔ its canonical line, the reference way: plain, engine-neutral, one value at a time.

A row is a list of cells, one a column in the table's order. A cell is ``None`` for SQL NULL, a string holding the
value's canonical text (what stands in the line: inside the quotes for kinds of strings, as it is for raw kinds), or an
``Exact`` for what Django's fixtures cannot say. The form is specified in docs/format.md, "Rows"; engines have faster
ways to write the same bytes, and tests hold them to these.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from json.encoder import encode_basestring
from operator import attrgetter
from typing import Any

import msgspec

from backups.exceptions import BackupsError
from backups.tables import RAW_KINDS, Table

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


def _quoted(text: str) -> str:
    return encode_basestring(text)


def encode(table: Table, row: Row) -> bytes:
    """Return the canonical line of one row, with its line feed."""
    return Encoder(table).encode(row)


class Encoder:
    """Writes the canonical lines of one table."""

    def __init__(self, table: Table) -> None:
        order = {column.name: place for place, column in enumerate(table.columns)}
        self._raw = [column.kind in RAW_KINDS for column in table.columns]
        self._names = [_quoted(column.field) for column in table.columns]
        self._pk = [order[name] for name in table.pk]
        self._inside = [(place, self._names[place]) for place in order.values() if place not in self._pk]
        self._head = f'{{"model":{_quoted(table.label)},"pk":'

    def encode(self, row: Row) -> bytes:
        """Return the line of one row, with its line feed."""
        exact: list[str] = []
        written: list[str] = []
        for place, (cell, raw) in enumerate(zip(row, self._raw, strict=True)):
            if cell is None:
                written.append("null")
            elif isinstance(cell, Exact):
                written.append("null")
                exact.append(f"{self._names[place]}:{_compact(cell.value)}")
            else:
                written.append(cell if raw else _quoted(cell))
        fields = ",".join([f"{name}:{written[place]}" for place, name in self._inside])
        beside = f',"exact":{{{",".join(exact)}}}' if exact else ""
        return f'{self._head}{self._key(written)},"fields":{{{fields}}}{beside}}}\n'.encode()

    def _key(self, written: list[str]) -> str:
        if not self._pk:
            return "null"
        parts = [written[place] for place in self._pk]
        return parts[0] if len(parts) == 1 else f"[{','.join(parts)}]"


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


def _line_type(table: Table, inside: list[int], raw: list[bool]) -> type:
    """Return the msgspec structure of one line: raw kinds keep their text, the others are strings or null."""

    def kind(i: int) -> Any:
        return msgspec.Raw if raw[i] else str | None

    fields = msgspec.defstruct(
        "Fields",
        [(f"f{i}", kind(i)) for i in inside],
        rename={f"f{i}": table.columns[i].field for i in inside},
        forbid_unknown_fields=True,
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
    )
