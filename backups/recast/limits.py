"""What a column of an engine can hold: length, range, precision, NULL, characters; by its type as the engine spells it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Context, Decimal

from backups.rows import Cell, Exact
from backups.tables import Column

Limit = Callable[[Cell], str]
"""Returns why a cell does not fit, without its value; empty where it does."""

_BITS = {
    "tinyint": 8,
    "smallint": 16,
    "smallserial": 16,
    "mediumint": 24,
    "int": 32,
    "integer": 32,
    "serial": 32,
    "bigint": 64,
    "bigserial": 64,
}
_CHARACTERS = re.compile(r"(?:character varying|varchar|character|char|bpchar)\((\d+)\)", re.IGNORECASE)
_DIGITS = re.compile(r"(?:numeric|decimal)\((\d+)(?:,\s*(-?\d+))?\)", re.IGNORECASE)
_BYTES = {"tinytext": 255, "text": 65_535, "mediumtext": 16_777_215}
_SECONDS = re.compile(r"\w+\((\d)\)", re.ASCII)
# Python's own context rounds to 28 digits.
_EXACTLY = Context(prec=200_000)
_READ_BY_DJANGO = Context(prec=15)
_FRACTIONAL = frozenset({"datetime", "timestamp", "time"})


def limits(vendor: str, column: Column, source: str = "") -> list[Limit]:
    """Return what is to be asked of each cell that is to go into a column; ``source`` is the vendor that it comes from."""
    return list(_limits(vendor, column, source))


def _limits(vendor: str, column: Column, source: str) -> Iterator[Limit]:
    if not column.nullable:
        yield lambda cell: "it is NULL, and the column takes none" if cell is None else ""
    if column.kind == "integer":
        yield _range(vendor, column.type)
    if column.kind in ("float", "decimal"):
        yield _special(vendor, column.kind)
    # What SQLite has kept as a decimal it keeps again.
    if column.kind == "decimal" and not vendor == source == "sqlite":
        yield from _precision(vendor, column)
    if column.kind in ("text", "json", "native", "inet"):
        yield from _text(vendor, column)
    if vendor == "mysql" and column.kind in _FRACTIONAL:
        yield from _fraction(column.type)


def _range(vendor: str, kind: str) -> Limit:
    words = kind.lower().split()
    bits = 64 if vendor == "sqlite" else _BITS.get(words[0].partition("(")[0], 64)
    unsigned = vendor == "mysql" and "unsigned" in words
    least, greatest = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    said = f"it is outside {least} to {greatest}"
    return lambda cell: said if isinstance(cell, str) and not least <= int(cell) <= greatest else ""


def _special(vendor: str, kind: str) -> Limit:
    """Numbers that are none: SQLite keeps infinity in a REAL, MariaDB nothing of the sort."""
    kept = {"postgresql": {"NaN", "Infinity", "-Infinity"}, "sqlite": {"Infinity", "-Infinity"}}.get(vendor, set())
    kept = kept if kind == "float" or vendor == "postgresql" else set()
    return lambda cell: f"it is {cell.value}" if isinstance(cell, Exact) and cell.value not in kept else ""


def _precision(vendor: str, column: Column) -> Iterator[Limit]:
    if vendor == "sqlite":
        scale = column.scale
        yield lambda cell: _as_double(cell, scale) if isinstance(cell, str) else ""
        return
    found = _DIGITS.fullmatch(column.type)
    if found:
        scale = int(found[2] or 0)
        whole = int(found[1]) - scale
        yield lambda cell: _digits(cell, whole, scale) if isinstance(cell, str) else ""


def _as_double(cell: str, scale: int | None) -> str:
    """SQLite has no decimals: Django keeps doubles, and reads 15 digits of them, no more after the point than the field has.

    django/db/backends/sqlite3/operations.py, get_decimalfield_converter
    """
    number = Decimal(cell)
    read = _READ_BY_DJANGO.create_decimal_from_float(float(number))
    if scale is not None and read.is_finite():
        read = read.quantize(Decimal(1).scaleb(-scale), context=_EXACTLY)
    return "" if read == number else "it has more digits than Django reads from SQLite, which has no decimals"


def _digits(cell: str, whole: int, scale: int) -> str:
    number = Decimal(cell)
    if number.copy_abs() >= Decimal(10) ** whole:
        return f"it has more than {whole} digits before the point"
    _, digits, exponent = number.normalize(_EXACTLY).as_tuple()
    if isinstance(exponent, int) and -exponent > scale and digits != (0,):
        return f"it has more than {scale} digits after the point"
    return ""


def _text(vendor: str, column: Column) -> Iterator[Limit]:
    found = _CHARACTERS.fullmatch(column.type)
    if found and vendor != "sqlite":
        most = int(found[1])
        yield lambda cell: _too_long(cell, most) if isinstance(cell, str) else ""
    if vendor == "postgresql" and column.kind != "json":
        yield lambda cell: "it contains the character NUL" if isinstance(cell, str) and "\0" in cell else ""
    if vendor == "postgresql" and column.kind == "json" and column.detail == "jsonb":
        yield lambda cell: "it contains the character NUL" if isinstance(cell, str) and _nul(cell) else ""
    if vendor == "mysql" and column.type.lower() in _BYTES:
        room = _BYTES[column.type.lower()]
        yield (
            lambda cell: (
                f"it is longer than {room} bytes" if isinstance(cell, str) and len(cell.encode()) > room else ""
            )
        )


def _too_long(cell: str, most: int) -> str:
    return f"it has {len(cell)} characters, and the column takes {most}" if len(cell) > most else ""


def _nul(cell: str) -> bool:
    return "\\u0000" in cell.replace("\\\\", "")


def _fraction(kind: str) -> Iterator[Limit]:
    found = _SECONDS.match(kind)
    kept = int(found[1]) if found else 0
    if kept < 6:
        yield lambda cell: _too_fine(cell, kept) if isinstance(cell, str) else ""


def _too_fine(cell: str, kept: int) -> str:
    fraction = cell.removesuffix("Z").rpartition(".")[2]
    return f"it has more than {kept} digits of a second" if fraction[kept:].strip("0") else ""
