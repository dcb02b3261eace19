r"""The digest of a span's lines, which SQLite writes itself: by none of the functions that wrote or loaded them.

A proof compares it with the digest of what was stored. Digests that agree prove a span without making a Python value of
any of its rows, four times as fast; where they do not, or a table holds a kind that is not written here, nothing is said,
and the rows are read back one by one. So what is written here need not be right for every value, but two values must never
be written alike as a canonical line.

That is why the storage class of each value is asked for. What no canonical line says makes a line NULL, by the ways of
``||``, and NULL ruins the text.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Iterator

from backups.engines.sqlite.columns import SURE_DIGITS
from backups.engines.sqlite.connection import quoted
from backups.engines.sqlite.reading import encoding_of, query
from backups.facts import Span
from backups.rows import layout
from backups.tables import Column, Table

_RUINED = "'?'"
_DAY, _CLOCK, _FRACTION = ("[0-9]" * 4 + "-[0-9][0-9]" * 2), "[0-9][0-9]" + ":[0-9][0-9]" * 2, "." + "[0-9]" * 6
_NO_FRACTION = ".000000"
_HEX = "[0-9a-f]" * 32

Written = Callable[[str], str]


def digests(connection: sqlite3.Connection, table: Table, ranges: Iterable[tuple[Span, int]]) -> Iterator[bytes | None]:
    """Yield the SHA-256 of each span's lines in turn, of one row more than it should have at most; None where it is not told."""
    line = _line(table) if encoding_of(connection) == "utf-8" else None
    for span, rows in ranges:
        yield _digest(connection, table, line, span, rows + 1) if line else None


def _digest(connection: sqlite3.Connection, table: Table, line: str, span: Span, most: int) -> bytes | None:
    inner, parameters = query(table, [f"{line} AS line"], span)
    # In the order of the inner query, which its limit keeps from being taken apart; any other is no digest of a chunk.
    sql = f"SELECT CAST(group_concat(ifnull(line, {_RUINED}), '') AS BLOB) FROM ({inner} LIMIT {most})"
    try:
        (text,) = connection.execute(sql, parameters).fetchone()
    except (sqlite3.OperationalError, sqlite3.DataError):
        # Too many columns, too long a text, no JSON functions: what else there is to say, reading back says.
        return None
    return None if text is None else hashlib.sha256(text).digest()


def _line(table: Table) -> str | None:
    """Return the expression of a row's line; None where a kind is not written."""
    values = {column.name: _value(column) for column in table.columns}
    if not all(values.values()):
        return None
    parts = [_literal(part) if isinstance(part, str) else values[part.name] or "" for part in layout(table)]
    return f"{' || '.join(parts)} || char(10)"


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _value(column: Column) -> str | None:
    """Return the expression of a value, NULL where it is of none of the storage classes that its kind is usually of."""
    written = _decimal(column) if column.kind == "decimal" else _WRITTEN.get(column.kind)
    if written is None:
        return None
    name = quoted(column.name)
    usual = " ".join(f"WHEN '{storage}' THEN {write(name)}" for storage, write in written.items())
    return f"CASE typeof({name}) {usual} WHEN 'null' THEN 'null' END"


def _decimal(column: Column) -> dict[str, Written] | None:
    scale = column.scale
    if scale is None:
        return None
    zeros = f".{'0' * scale}" if scale else ""
    written: dict[str, Written] = {"integer": lambda name: f"""'"' || {name} || '{zeros}"'"""}
    if 0 < scale < SURE_DIGITS:
        written["real"] = _hundredths(scale)
    return written


def _hundredths(scale: int) -> Written:
    """Return what writes a double as the decimal of so many digits behind the point whose nearest double it is.

    SQLite's own way from doubles to text and back errs in the last place now and then. A quotient of doubles does not
    (IEEE 754, 5.4.1), so that a whole number of hundredths, of few enough digits, comes from just one double. One that is
    whole is never stored as a decimal: SQLite would make an integer of it.
    """
    unit = 10**scale

    def written(name: str) -> str:
        parts = f"CAST(round({name} * {unit}.0) AS INTEGER)"
        sure = f"abs({name}) < {10 ** (SURE_DIGITS - scale)} AND {parts} / {unit}.0 = {name} AND {parts} % {unit} <> 0"
        sign = f"CASE WHEN {name} < 0 THEN '-' ELSE '' END"
        text = f"printf('\"%s%d.%0{scale}d\"', {sign}, abs({parts}) / {unit}, abs({parts}) % {unit})"
        return f"CASE WHEN {sure} THEN {text} END"

    return written


def _moment(day: str, end: str) -> Written:
    """Return what writes a time of day, after a day: as Django stores it, with six digits of a second or with none.

    The pattern is held against the text before a NUL; what is behind one stays, which no canonical line has.
    """

    def written(name: str) -> str:
        text = f"replace({name}, ' ', 'T')" if day else name
        short, long = f"{day}{_CLOCK}", f"{day}{_CLOCK}{_FRACTION}"
        return (
            f"CASE WHEN {name} GLOB '{long}' AND {name} NOT GLOB '*{_NO_FRACTION}' THEN '\"' || {text} || '{end}\"' "
            f"WHEN {name} GLOB '{short}' THEN '\"' || {text} || '{_NO_FRACTION}{end}\"' END"
        )

    return written


def _uuid(name: str) -> str:
    parts = " || '-' || ".join(f"substr({name}, {first}, {length})" for first, length in _UUID)
    # What is behind a NUL, substr() does not see.
    return f"CASE WHEN {name} GLOB '{_HEX}' AND length(CAST({name} AS BLOB)) = 32 THEN '\"' || {parts} || '\"' END"


_UUID = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
_WRITTEN: dict[str, dict[str, Written]] = {
    "integer": {"integer": str},
    "boolean": {"integer": "CASE {} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END".format},
    "text": {"text": "json_quote({})".format},
    "inet": {"text": "json_quote({})".format},
    # JSON null is not NULL, which is written so.
    "json": {"text": "CASE WHEN json_valid({0}) THEN nullif({0}, 'null') END".format},
    "date": {"text": lambda name: f"""CASE WHEN {name} GLOB '{_DAY}' THEN '"' || {name} || '"' END"""},
    "datetime": {"text": _moment(f"{_DAY} ", "Z")},
    "timestamp": {"text": _moment(f"{_DAY} ", "")},
    "time": {"text": _moment("", "")},
    "uuid": {"text": _uuid},
}
