"""Reads a table's rows in two ways: as driver values for the lines, and as SQLite's own text for the rows."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import chain
from json.encoder import encode_basestring
from typing import Any

from backups.engines import codec
from backups.engines.codec import Codec, Misfit, Writer
from backups.engines.sqlite.cells import (
    RawText,
    Stored,
    cell_of,
    from_blob,
    from_integer,
    from_real,
    from_text,
    stored_of,
)
from backups.engines.sqlite.connection import pragma, quoted
from backups.engines.sqlite.kinds import affinity
from backups.facts import Among, Key, Span
from backups.rows import Cell, Row
from backups.tables import Column, Table

# As Django writes them: with six digits of a second, or with none where they are zero.
_MOMENTS = re.compile(r"(?:\d{4}-\d\d-\d\d (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{6})?\n)*+", re.ASCII)
_LONG, _NO_FRACTION = 26, ".000000"
_EXACT = 2**53  # integers up to here are exact as doubles


def lines(connection: sqlite3.Connection, table: Table, span: Span | Among) -> Iterator[bytes]:
    """Yield the lines of the rows in a span, or of those among some keys, from driver values."""
    return chain.from_iterable(batches(connection, table, span))


def batches(connection: sqlite3.Connection, table: Table, span: Span | Among) -> Iterator[list[bytes]]:
    """Yield the same lines, some of them at a time."""
    values, native = _values(connection, table)
    rows = connection.execute(*query(table, values, span))
    writers = [_WRITERS[column.kind](column) for column in table.columns]
    return Codec(table, writers, partial(_cells, table)).batches(map(native, rows) if native else rows)


def _cells(table: Table, values: codec.NativeRow) -> Row:
    return [cell_of(column, value) for column, value in zip(table.columns, values, strict=True)]


def _values(connection: sqlite3.Connection, table: Table) -> tuple[list[str], Callable[[Any], list[Stored]] | None]:
    """Return what to select, and what to make of a row where it is not the driver's values themselves.

    Text of a database in UTF-16 is fetched as it is stored: the driver asks SQLite to convert it, which makes something
    else of text that is not UTF-16.
    """
    names = [quoted(column.name) for column in table.columns]
    encoding = encoding_of(connection)
    if encoding == "utf-8":
        return names, None
    stored = [f"CASE typeof({name}) WHEN 'text' THEN CAST({name} AS BLOB) END" for name in names]

    def native(row: tuple[Any, ...]) -> list[Stored]:
        pairs = zip(row[: len(names)], row[len(names) :], strict=True)
        return [value if data is None else _decoded(data, encoding) for value, data in pairs]

    return [*names, *stored], native


def encoding_of(connection: sqlite3.Connection) -> str:
    """Return Python's name of the encoding of the database's text."""
    return pragma(connection, "encoding").lower()


def _decoded(data: bytes, encoding: str) -> str | RawText:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return RawText(data)


def rows(connection: sqlite3.Connection, table: Table, span: Span) -> Iterator[Row]:
    """Yield the cells of the rows in a span, from storage classes and SQLite's text of each value."""
    names = [quoted(column.name) for column in table.columns]
    storages = " || ' ' || ".join(f"typeof({name})" for name in names)
    encoding = encoding_of(connection)
    readers: dict[str, list[Callable[[bytes], Cell]]] = {}
    for types, *texts in connection.execute(*query(table, [storages, *map(_text, names)], span)):
        if types not in readers:
            pairs = zip(table.columns, types.split(" "), strict=True)
            readers[types] = [_reader(column, storage, encoding) for column, storage in pairs]
        yield [read(text) for read, text in zip(readers[types], texts, strict=True)]


def _text(name: str) -> str:
    """Return SQL for a value's text, as bytes.

    Twenty digits behind the point are enough for any double: with seventeen in all SQLite's arithmetic sometimes errs.
    """
    sign = f"CASE WHEN {name} = 0 AND lifeboat_sign({name}) < 0 THEN '-' ELSE '' END"
    return f"CAST(CASE typeof({name}) WHEN 'real' THEN {sign} || printf('%!.20e', {name}) ELSE {name} END AS BLOB)"


def _reader(column: Column, storage: str, encoding: str) -> Callable[[bytes], Cell]:
    """Return what makes a cell of SQLite's text of a value of one storage class."""
    if storage == "null":
        return lambda data: None
    if storage == "blob":
        return from_blob(column)
    if storage == "text":
        read = from_text(column)

        def decoded(data: bytes) -> Cell:
            value = _decoded(data, encoding)
            return read(value) if isinstance(value, str) else cell_of(column, value)

        return decoded
    make: Callable[[Any], Cell] = from_integer(column) if storage == "integer" else from_real(column)
    number = int if storage == "integer" else float
    return lambda data: make(number(data.decode(encoding)))


def query(table: Table, select: list[str], span: Span | Among) -> tuple[str, list[Any]]:
    """Return the statement of some expressions for each row of a span, or among some keys, and its parameters."""
    condition, parameters = _among(table, span) if isinstance(span, Among) else _within(table, span)
    where = f" WHERE {condition}" if condition else ""
    order = ", ".join(map(quoted, table.key)) or ", ".join(_total_order(table))
    return f"SELECT {', '.join(select)} FROM {quoted(table.name)}{where} ORDER BY {order}", parameters


def _within(table: Table, span: Span) -> tuple[str, list[Any]]:
    bounds = [(sign, key) for sign, key in ((">", span.after), ("<=", span.upto)) if key is not None]
    conditions, parameters = [], []
    for sign, key in bounds:
        places, values = bound(table, table.key, key)
        conditions.append(f"({', '.join(map(quoted, table.key))}) {sign} ({', '.join(places)})")
        parameters += values
    return " AND ".join(conditions), parameters


def _among(table: Table, among: Among) -> tuple[str, list[Any]]:
    found = [bound(table, among.columns, key) for key in among.keys]
    parameters = [value for _, values in found for value in values]
    if len(among.columns) == 1:
        return f"{quoted(among.columns[0])} IN ({', '.join(places[0] for places, _ in found)})", parameters
    names = [quoted(name) for name in among.columns]
    equal = (
        " AND ".join(f"{name} = {place}" for name, place in zip(names, places, strict=True)) for places, _ in found
    )
    return " OR ".join(f"({each})" for each in equal) or "FALSE", parameters


def bound(table: Table, columns: tuple[str, ...], key: Key) -> tuple[list[str], list[Stored]]:
    """Return the placeholders and the values of a key."""
    values = [stored_of(table.column(name), cell) for name, cell in zip(columns, key, strict=True)]
    return [placeholder(value) for value in values], values


def placeholder(value: Stored) -> str:
    """Return how a value is written in a statement: text that Python cannot hold is passed as bytes."""
    return "CAST(? AS TEXT)" if isinstance(value, RawText) else "?"


def _total_order(table: Table) -> Iterator[str]:
    """Yield an order in which only equal rows are equal: 1 and 1.0 are not, nor are 0.0 and -0.0."""
    for column in table.columns:
        name = quoted(column.name)
        yield f"{name} COLLATE BINARY"
        yield f"typeof({name})"
        if affinity(column.type) == "BLOB":
            yield f"CASE WHEN typeof({name}) = 'real' AND {name} = 0 THEN lifeboat_sign({name}) END"


def _moments(suffix: str) -> Writer:
    def write(values: Sequence[str]) -> Sequence[str]:
        joined = "\n".join(values)
        if _MOMENTS.fullmatch(f"{joined}\n") is None or f"{_NO_FRACTION}\n" in f"{joined}\n":
            raise Misfit
        list(map(datetime.fromisoformat, values))  # raises ValueError for a day that there was not
        if len(joined) != len(values) * (_LONG + 1) - 1:
            joined = "\n".join(value if len(value) == _LONG else value + _NO_FRACTION for value in values)
        return codec.surrounded(joined.replace(" ", "T"), suffix)

    return codec.whole(write, str)


def _dates(values: Sequence[str]) -> Sequence[str]:
    if list(map(str, map(date.fromisoformat, values))) != list(values):
        raise Misfit
    return codec.surrounded("\n".join(values))


def _times(values: Sequence[str]) -> Sequence[str]:
    if list(map(str, map(time.fromisoformat, values))) != list(values) or not {*map(len, values)} <= {8, 15}:
        raise Misfit
    return codec.surrounded("\n".join(f"{value}.000000" if len(value) == 8 else value for value in values))


def _decimals(column: Column) -> Writer:
    scale = column.scale
    if scale is None:
        return codec.each(_misfit, int, float)

    def write(values: Sequence[float]) -> Sequence[str]:
        if max(values) > _EXACT or min(values) < -_EXACT:
            raise Misfit
        joined = (f"%.{scale}f\n" * len(values) % tuple(values))[:-1]
        if list(map(float, joined.split("\n"))) != list(values):
            raise Misfit
        # A double that is whole would be loaded as an integer.
        if any(map(float.is_integer, (value for value in values if type(value) is float))):
            raise Misfit
        return codec.surrounded(joined)

    return codec.whole(write, int, float)


def _misfit(value: object) -> str:
    raise Misfit


def _any(value: float | str) -> str:
    if type(value) is str:
        return encode_basestring(value)
    return codec.float_text(value) if type(value) is float else str(value)


def _same(writer: Writer) -> Callable[[Column], Writer]:
    return lambda column: writer


_WRITERS: dict[str, Callable[[Column], Writer]] = {
    "integer": _same(codec.integers),
    "boolean": _same(codec.each(codec.boolean, int)),
    "float": _same(codec.each(codec.float_text, float)),
    "decimal": _decimals,
    "text": _same(codec.texts),
    "inet": _same(codec.texts),
    "binary": _same(codec.each(codec.base64_text, bytes)),
    "datetime": _same(_moments("Z")),
    "timestamp": _same(_moments("")),
    "date": _same(codec.whole(_dates, str)),
    "time": _same(codec.whole(_times, str)),
    "duration": _same(codec.each(codec.duration_text, int)),
    "uuid": _same(codec.each(codec.uuid_text, str)),
    "json": _same(codec.documents),
    "any": _same(codec.each(_any, int, float, str)),
}
