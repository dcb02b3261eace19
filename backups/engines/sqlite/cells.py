"""A stored value ↔ its cell, the reference way; a value's storage class need not be its column's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from backups.engines import values
from backups.rows import JSON_NULL, Cell, Exact
from backups.tables import Column

_LEAST, _GREATEST = -(2**63), 2**63 - 1
_INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}


class RawText(bytes):
    """Text as the bytes that are stored, because they are not text of the database's encoding."""


Stored = int | float | str | bytes | None


def cell_of(column: Column, value: Stored) -> Cell:
    """Return the cell of a stored value."""
    if value is None:
        return None
    for storage, convert in _CONVERTERS.items():
        if isinstance(value, storage):
            return convert(column)(value)
    raise TypeError(f"{type(value)} is no storage class of SQLite")


def from_integer(column: Column) -> Callable[[int], Cell]:
    """Return what makes cells of a column's integers."""
    if column.kind in {"integer", "any"}:
        return str
    if column.kind == "boolean":
        return lambda value: ("false", "true")[value] if value in {0, 1} else Exact({"integer": str(value)})
    if column.kind == "duration":
        return values.duration_from
    if column.kind == "decimal":
        form = f".{column.scale or 0}f"
        return lambda value: format(Decimal(value), form)
    return lambda value: Exact({"integer": str(value)})


def from_real(column: Column) -> Callable[[float], Cell]:
    """Return what makes cells of a column's doubles."""
    if column.kind in {"float", "any"}:
        return values.float_cell
    form = "f" if column.scale is None else f".{column.scale}f"

    def convert(value: float) -> Cell:
        if not math.isfinite(value):
            return values.float_cell(value)
        if column.kind == "decimal" and not _would_be_integer(value):
            text = format(Decimal(repr(value)) if column.scale is None else Decimal(value), form)
            if float(text) == value:
                return text
        return Exact({"real": repr(value)})

    return convert


def _would_be_integer(value: float) -> bool:
    """Say whether a decimal's text would be loaded as an integer: whole numbers of 64 bits are."""
    return value.is_integer() and _LEAST <= value <= _GREATEST


def from_text(column: Column) -> Callable[[str], Cell]:
    """Return what makes cells of a column's texts."""
    canonical = _TEXTS.get(column.kind, _no_text)

    def convert(value: str) -> Cell:
        try:
            value.encode()
        except UnicodeEncodeError:
            return Exact({"bytes": values.binary_from(value.encode("utf-8", "surrogateescape"))})
        text = canonical(value)
        return values.exact_text(value) if text is None else text

    return convert


def from_blob(column: Column) -> Callable[[bytes], Cell]:
    """Return what makes cells of a column's blobs."""
    if column.kind == "binary":
        return values.binary_from
    return lambda value: Exact({"blob": values.binary_from(value)})


def _from_raw_text(column: Column) -> Callable[[bytes], Cell]:
    return lambda value: Exact({"bytes": values.binary_from(value)})


_CONVERTERS: dict[type, Callable[[Column], Callable[[Any], Cell]]] = {
    int: from_integer,
    float: from_real,
    str: from_text,
    RawText: _from_raw_text,
    bytes: from_blob,
}


def _no_text(value: str) -> None:
    return None


def _time(value: str) -> str | None:
    return _spelt_as_django(value, values.time_from(value), values.time_to)


def _timestamp(value: str) -> str | None:
    return _spelt_as_django(value, values.timestamp_from(value), values.timestamp_to)


def _datetime(value: str) -> str | None:
    text = _timestamp(value)
    return None if text is None else f"{text}Z"


def _spelt_as_django(value: str, canonical: str | None, back: Callable[[str], str]) -> str | None:
    return canonical if canonical is not None and back(canonical) == value else None


_TEXTS: dict[str, Callable[[str], Cell]] = {
    "text": str,
    "inet": str,
    "any": lambda value: json.dumps(value, ensure_ascii=False),
    "json": values.json_cell,
    "uuid": values.uuid_from,
    "date": values.date_from,
    "time": _time,
    "timestamp": _timestamp,
    "datetime": _datetime,
}


def stored_of(column: Column, cell: Cell) -> Stored:
    """Return the value to store, of the storage class that it had; ValueError for a cell that is not SQLite's."""
    if cell is None:
        return None
    if isinstance(cell, Exact):
        return _of_exact(cell)
    return STORED[column.kind](cell)


def _of_exact(cell: Exact) -> Stored:
    if cell.value == JSON_NULL:
        return "null"
    if isinstance(cell.value, str) and cell.value in _INFINITIES:
        return _INFINITIES[cell.value]
    if isinstance(cell.value, dict) and len(cell.value) == 1:
        name, text = next(iter(cell.value.items()))
        if name in _EXACT:
            return _EXACT[name](text)
    raise ValueError(f"SQLite cannot hold {cell.value!r}")


_EXACT: dict[str, Callable[[str], Stored]] = {
    "text": str,
    "integer": int,
    "real": float,
    "blob": values.binary_to,
    "bytes": lambda text: RawText(values.binary_to(text)),
}


def _decimal(text: str) -> Stored:
    number = Decimal(text)
    whole = int(number)
    return whole if number == whole and _LEAST <= whole <= _GREATEST else float(text)


def _any(text: str) -> Stored:
    if text.startswith('"'):
        return str(json.loads(text))
    return float(text) if set(text) & set(".eE") else int(text)


def _boolean(text: str) -> Stored:
    return {"true": 1, "false": 0}[text]


STORED: dict[str, Callable[[Any], Stored]] = {
    "integer": int,
    "boolean": _boolean,
    "float": float,
    "decimal": _decimal,
    "text": str,
    "inet": str,
    "binary": values.binary_to,
    "datetime": values.timestamp_to,
    "timestamp": values.timestamp_to,
    "date": str,
    "time": values.time_to,
    "duration": values.duration_to,
    "uuid": values.uuid_to,
    "json": str,
    "any": _any,
}
