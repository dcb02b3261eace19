"""The server's text of one value ↔ a cell, and a cell → an SQL literal: plain, strict, one value at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any, TypeGuard

from backups.engines import values
from backups.engines.mysql import text
from backups.engines.mysql.columns import is_type
from backups.rows import Cell, Exact
from backups.tables import Column

FromText = Callable[[str], Cell]
ToLiteral = Callable[[Cell], str]

_BOOLEANS = {"0": "false", "1": "true"}
_TRUTHS = {found: number for number, found in _BOOLEANS.items()}
_DECIMAL = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
# What is a literal as it stands: numbers, with a comma between them.
_NUMBERS = {
    "integer": re.compile(r"-?\d+(?:,-?\d+)*", re.ASCII),
    "decimal": re.compile(r"-?\d+(?:\.\d+)?(?:,-?\d+(?:\.\d+)?)*", re.ASCII),
}
_NATIVE_UUID = "uuid"


class Misplaced(ValueError):
    """A cell does not belong into its column."""


def reader(column: Column) -> FromText:
    """Return what makes a cell of the server's text of a value; bytes go through ``from_bytes`` instead."""
    if column.kind == "integer":
        return lambda found: str(int(found))  # ZEROFILL and YEAR have zeros in front
    if column.kind == "boolean":
        return lambda found: _BOOLEANS.get(found) or values.exact_text(found)
    if column.kind == "float":
        return lambda found: values.float_cell(float(found))
    if column.kind == "duration":
        return lambda found: values.duration_from(int(found))
    if column.kind == "json":
        return values.json_cell
    if column.kind == "datetime":
        return lambda found: _marked(values.timestamp_from(found), found)
    canonical = _CANONICAL.get(column.kind)
    if canonical is None or (column.kind == "uuid" and is_type(column, _NATIVE_UUID)):
        return lambda found: found
    return lambda found: canonical(found) or values.exact_text(found)


_CANONICAL: dict[str, Callable[[str], str | None]] = {
    "timestamp": values.timestamp_from,
    "date": values.date_from,
    "time": values.time_from,
    "uuid": values.uuid_from,
}


def _marked(instant: str | None, found: str) -> Cell:
    return f"{instant}Z" if instant else values.exact_text(found)


def from_bytes(column: Column, found: bytes) -> str:
    """Return the cell of bytes: base64, or hexadecimal digits for a type of the engine's own."""
    return values.binary_from(found) if column.kind == "binary" else found.hex().upper()


def writer(column: Column) -> ToLiteral:
    """Return what makes an SQL literal of a cell; it raises Misplaced for one that does not belong into the column."""
    write = columnwise(column)
    return lambda cell: write([cell])[0]


def columnwise(column: Column) -> Callable[[Sequence[Cell]], Sequence[str]]:
    """Return the same for many cells of a column at once, which is faster."""
    convert, numbers = _literal(column), _NUMBERS.get(column.kind)
    mark = _MARKS.get(column.kind)

    def literals(found: Sequence[Cell]) -> Sequence[str]:
        if numbers is not None and _stand_as_they_are(found, numbers):
            return found
        if mark is not None and (strings := _strings(found, mark)):
            return strings
        return [
            convert(cell) if isinstance(cell, str) else "NULL" if cell is None else _exactly(column, cell)
            for cell in found
        ]

    def checked(found: Sequence[Cell]) -> Sequence[str]:
        try:
            return literals(found)
        except (ValueError, KeyError):
            raise Misplaced(f"{column.name} cannot hold what the line says") from None

    return checked


def _stand_as_they_are(found: Sequence[Cell], numbers: re.Pattern[str]) -> TypeGuard[Sequence[str]]:
    try:
        joined = ",".join(found)  # type: ignore[arg-type]
    except TypeError:
        return False  # a NULL is among them
    return numbers.fullmatch(joined) is not None and joined.count(",") == len(found) - 1


def _strings(found: Sequence[Cell], mark: str) -> Sequence[str]:
    """Return string literals of texts that all end with ``mark``, without it; nothing where one is no such text."""
    try:
        joined = "\n".join(found)  # type: ignore[arg-type]
    except TypeError:
        return ()  # a NULL is among them
    if joined.count("\n") != len(found) - 1:
        return ()
    if mark:
        bare = f"{joined}\n".replace(f"{mark}\n", "\n")[:-1]
        if len(bare) != len(joined) - len(mark) * len(found):
            return ()
        joined = bare
    return text.string(joined).replace("\n", "'\n'").split("\n")


def _exactly(column: Column, cell: Exact) -> str:
    found = values.json_to(cell) if column.kind == "json" else values.exact_value(cell, "text")
    return text.string(found or "")


def _literal(column: Column) -> Callable[[str], str]:
    if column.kind == "uuid" and not is_type(column, _NATIVE_UUID):
        return lambda cell: text.string(values.uuid_to(cell))
    return _LITERALS.get(column.kind, text.string)


def _number(cell: str) -> str:
    return str(int(cell))


def _decimal(cell: str) -> str:
    if _DECIMAL.fullmatch(cell) is None:
        raise ValueError(cell)
    return cell


def _double(cell: str) -> str:
    """With an exponent it is a double at once; without, it would be a decimal first."""
    float(cell)
    return cell if "e" in cell else f"{cell}e0"


# Kinds whose literals are their texts in quotes, and what of each text is left out.
_MARKS = {"text": "", "json": "", "inet": "", "date": "", "timestamp": "", "datetime": "Z"}
_LITERALS: dict[str, Callable[[Any], str]] = {
    "integer": _number,
    "boolean": _TRUTHS.__getitem__,
    "float": _double,
    "decimal": _decimal,
    "duration": lambda cell: str(values.duration_to(cell)),
    "datetime": lambda cell: text.string(cell.removesuffix("Z")),
    "timestamp": text.string,
    "time": lambda cell: text.string(values.time_to(cell)),
    "binary": lambda cell: text.data(values.binary_to(cell)),
    "native": lambda cell: text.data(bytes.fromhex(cell)),
}
