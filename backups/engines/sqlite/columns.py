"""Cells → the values to store, a column at a time: what ``cells.stored_of`` makes of each, in fewer steps of Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from typing import Any

from backups.engines.sqlite.cells import STORED, Stored, stored_of
from backups.rows import Cell
from backups.tables import Column, Table

SURE_DIGITS = 15  # a double holds any decimal of so many digits, and is whole where that is


def stored_columns(table: Table, columns: Sequence[Sequence[Cell]]) -> list[Sequence[Stored]]:
    """Return the values of some rows by column; ValueError or KeyError for a cell that SQLite cannot hold."""
    return [_stored(column, cells) for column, cells in zip(table.columns, columns, strict=True)]


def _stored(column: Column, cells: Sequence[Cell]) -> Sequence[Stored]:
    types = {*map(type, cells)}
    if types == {str} and column.kind in _WHOLE:
        return _WHOLE[column.kind](cells)
    if types <= {str, type(None)}:
        convert = STORED[column.kind]
        return [None if cell is None else convert(cell) for cell in cells]
    return [stored_of(column, cell) for cell in cells]


def _as_they_are(cells: Sequence[Any]) -> Sequence[Stored]:
    return cells


def _integers(cells: Sequence[Any]) -> Sequence[Stored]:
    return list(map(int, cells))


def _decimals(cells: Sequence[Any]) -> Sequence[Stored]:
    if max(map(len, cells)) > SURE_DIGITS:
        return list(map(STORED["decimal"], cells))
    numbers = list(map(float, cells))
    if not all(map(isfinite, numbers)):
        raise ValueError("it is no number")
    return [int(number) if number.is_integer() else number for number in numbers]


def _moments(cells: Sequence[Any]) -> Sequence[Stored]:
    """Take the mark of the zone, and a fraction that is zero, off the end of each."""
    joined = "\n".join(cells) + "\n"
    spaced = joined.replace("Z\n", "\n").replace(".000000\n", "\n").replace("T", " ")
    texts = spaced.split("\n")[:-1]
    return texts if len(texts) == len(cells) else list(map(STORED["datetime"], cells))


_WHOLE: dict[str, Callable[[Sequence[Any]], Sequence[Stored]]] = {
    "integer": _integers,
    "decimal": _decimals,
    "text": _as_they_are,
    "inet": _as_they_are,
    "date": _as_they_are,
    "json": _as_they_are,
    "datetime": _moments,
    "timestamp": _moments,
}
