r"""The expression that makes MariaDB write a row's canonical line itself (docs/format.md, "Rows"), for what is usual.

It is NULL, by the ways of ``CONCAT``, for a row that holds anything else: a day that no calendar has, JSON null, a boolean
that is two. A table with a kind whose text is not the canonical one (doubles, durations) has no expression. What is
easier to see in many lines at once is looked for in Python (``text_of``). Where there is no text, rows are read one by one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

import msgspec

from backups.engines.mysql import text
from backups.engines.mysql.columns import digits, is_padded, is_plain_integer, is_type
from backups.engines.values import escapes_lone_surrogate
from backups.rows import layout
from backups.tables import Column, Table

_REMEMBERED = 4096  # expressions, asked for again for each span
# JSON_QUOTE escapes these as Python does, but for the case of the digits.
_UPPER_CASE = re.compile(rb"\\u00(?:0[BEF]|1[A-F])")
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_SPACES = "(9, 32)"
_each_is_json = msgspec.json.Decoder(msgspec.Raw).decode_lines

Written = Callable[[str], Sequence[str]]


@lru_cache(maxsize=_REMEMBERED)
def line_expression(table: Table) -> str:
    """Return the expression of a line, without what ends it, of a row ``t``; empty for a table that it cannot write."""
    values = {column.name: _value(column) for column in table.columns}
    if not all(values.values()):
        return ""
    arguments: list[str] = []
    for part in layout(table):
        arguments += [text.string(part)] if isinstance(part, str) else values[part.name]
    return f"CAST(CONCAT({', '.join(arguments)}) AS BINARY)"


def text_of(table: Table, lines: Sequence[bytes | None]) -> bytes | None:
    """Return lines as one text; None where one of them may not be canonical."""
    written = [line for line in lines if line is not None]
    if len(written) != len(lines):
        return None
    joined = b"\n".join([*written, b""])
    if joined.count(b"\n") != len(lines) or b"\r" in joined:
        return None
    if b"\\u00" in joined and _UPPER_CASE.search(joined):
        return None
    if _SURROGATE.search(joined) and escapes_lone_surrogate(joined.decode()):
        return None
    return joined if _is_json(table, joined, len(lines)) else None


def _is_json(table: Table, joined: bytes, lines: int) -> bool:
    """Say whether lines with JSON values are JSON for everybody: the server is not strict."""
    if not any(column.kind == "json" for column in table.columns):
        return True
    try:
        return len(_each_is_json(joined)) == lines
    except (msgspec.MsgspecError, RecursionError):
        return False


def _value(column: Column) -> Sequence[str]:
    """Return what is to be concatenated for a value; nothing where its canonical text is not known here."""
    written = _written(column)
    if written is None:
        return ()
    name = f"t.{text.name(column.name)}"
    parts = written(name)
    return (f"IF({name} IS NULL, 'null', CONCAT({', '.join(parts)}))",) if column.nullable else parts


def _written(column: Column) -> Written | None:
    kind = column.kind
    if kind == "integer":
        return _as_it_is if is_plain_integer(column) else None
    if kind == "decimal":
        return None if is_padded(column) else _in_quotes
    if kind == "uuid":
        return _in_quotes if is_type(column, "uuid") else None
    if kind in ("text", "json", "inet") and column.detail:
        return None
    if kind in ("datetime", "timestamp"):
        return _moment(digits(column.type), "Z" if kind == "datetime" else "")
    if kind == "time":
        return _time_of_day(digits(column.type))
    return _WRITTEN.get(kind)


def _as_it_is(name: str) -> Sequence[str]:
    return (name,)


def _in_quotes(name: str, end: str = "") -> Sequence[str]:
    return ("'\"'", name, text.string(f'{end}"'))


def _text(name: str) -> Sequence[str]:
    return (f"JSON_QUOTE(CONVERT({name} USING utf8mb4))",)


def _document(name: str) -> Sequence[str]:
    # As bytes, the server need not count characters to find the last one.
    edges = f"ASCII({name}) NOT IN {_SPACES} AND ASCII(RIGHT(CAST({name} AS BINARY), 1)) NOT IN {_SPACES}"
    return (f"IF(JSON_VALID({name}) AND {name} <> 'null' AND {edges}, {name}, NULL)",)


def _date(name: str) -> Sequence[str]:
    return _in_quotes(_on_a_day(name, name))


def _on_a_day(name: str, value: str) -> str:
    """Return the value where its day is one of the calendar: neither zero nor one that MariaDB may be told to allow."""
    return f"IF(FROM_DAYS(TO_DAYS({name})) <=> DATE({name}), {value}, NULL)"


def _moment(kept: int, mark: str) -> Written:
    return lambda name: _in_quotes(_on_a_day(name, f"REPLACE({name}, ' ', 'T')"), fraction(kept) + mark)


def _time_of_day(kept: int) -> Written:
    def written(name: str) -> Sequence[str]:
        return _in_quotes(f"IF({name} >= '00:00:00' AND {name} < '24:00:00', {name}, NULL)", fraction(kept))

    return written


def fraction(kept: int) -> str:
    """Return what a time with this many digits of a second lacks of six."""
    return "0" * (6 - kept) if kept else ".000000"


_WRITTEN: dict[str, Written] = {
    "boolean": lambda name: (f"CASE {name} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END",),
    "text": _text,
    "inet": _text,
    "json": _document,
    "date": _date,
    "binary": lambda name: _in_quotes(f"REPLACE(TO_BASE64({name}), '\\n', '')"),
}
