r"""The digest of a span's lines, taken by MariaDB from lines that it writes in another way than ``lines.py``.

A proof compares it with the digest of what was stored. Digests that agree prove a span without moving its rows; where they
do not, or a table holds a kind that is not written here, nothing is said: Python then reads the rows back. So what is
written here need not be right for every value, but two values must never be written alike as a canonical line.

Texts are escaped as bytes, so that one with a control character makes no canonical line; moments are what
``DATE_FORMAT`` and ``TIME_FORMAT`` print, whatever day there never was. ``CONCAT`` is NULL where any value cannot be said,
and that ruins the text.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from backups.engines.mysql import text
from backups.engines.mysql.columns import is_padded, is_plain_integer, is_type
from backups.rows import layout
from backups.tables import Column, Table

_RUINED = "'?'"
_REMEMBERED = 64  # expressions, asked for again for each span
Written = Callable[[str], str]


@lru_cache(maxsize=_REMEMBERED)
def line_expression(table: Table) -> str:
    """Return the expression of a line, with what ends it, of a row ``t``; empty for a table that it cannot write."""
    values = {column.name: _value(column) for column in table.columns}
    if not all(values.values()):
        return ""
    parts = [text.string(part) if isinstance(part, str) else values[part.name] for part in layout(table)]
    return f"IFNULL(CONCAT({', '.join(parts)}, '\\n'), {_RUINED})"


def _value(column: Column) -> str:
    """Return the expression of a value, NULL where it cannot be said; empty for a kind that is not written."""
    if not _is_written(column):
        return ""
    name = f"t.{text.name(column.name)}"
    written = _WRITTEN[column.kind](name)
    return f"IF({name} IS NULL, 'null', {written})" if column.nullable else written


def _is_written(column: Column) -> bool:
    if column.kind == "integer":
        return is_plain_integer(column)
    if column.kind == "decimal":
        return not is_padded(column)
    if column.kind == "uuid":
        return is_type(column, "uuid")
    return column.kind in _WRITTEN and not column.detail


def _in_quotes(name: str) -> str:
    return f"""CONCAT('"', {name}, '"')"""


def _text(name: str) -> str:
    escaped = f"CAST(CONVERT({name} USING utf8mb4) AS BINARY)"
    for special in ("\\", '"'):
        escaped = f"REPLACE({escaped}, {text.string(special)}, {text.string(f'{chr(92)}{special}')})"
    return _in_quotes(escaped)


_WRITTEN: dict[str, Written] = {
    "integer": str,
    "decimal": _in_quotes,
    "uuid": _in_quotes,
    "text": _text,
    "inet": _text,
    "boolean": "CASE {} WHEN 0 THEN 'false' WHEN 1 THEN 'true' END".format,
    # JSON null is not NULL, which is written so.
    "json": "IF(JSON_VALID({0}), NULLIF({0}, 'null'), NULL)".format,
    "date": """DATE_FORMAT({}, '"%Y-%m-%d"')""".format,
    "datetime": """DATE_FORMAT({}, '"%Y-%m-%dT%H:%i:%s.%fZ"')""".format,
    "timestamp": """DATE_FORMAT({}, '"%Y-%m-%dT%H:%i:%s.%f"')""".format,
    "time": """TIME_FORMAT({}, '"%H:%i:%s.%f"')""".format,
}
