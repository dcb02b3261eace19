r"""The digest of a span's lines, taken by the server from lines that it writes in another way than ``lines.py``.

A proof compares it with the digest of what was stored. Digests that agree prove a span without moving its rows; where they
do not, or a table holds a kind that is not written here, nothing is said: Python then reads the rows back. So what is
written here need not be right for every value, but two values must never be written alike as a canonical line.

Texts become JSON by way of ``jsonb``, moments by ``to_json``, other values are what their type's output function prints, and
``format`` puts a line together; it writes nothing for NULL, which is how a value that cannot be said ruins its line.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from backups.engines.postgresql.queries import select
from backups.engines.postgresql.session import literal, quoted
from backups.facts import Span
from backups.tables import Column, Table

# A function of the server takes at most 100 arguments, the pattern among them.
_MOST_COLUMNS = 99
_MOMENT, _CLOCK, _FRACTION = len("2026-11-22T16:43:15"), len("16:43:15"), len(".123456")


def digest_of(table: Table, span: Span, most: int) -> str | None:
    """Return the query of the SHA-256 of the first ``most`` lines of a span as one text; None where a kind is not written."""
    pattern = _pattern(table)
    if pattern is None or not 0 < len(table.columns) <= _MOST_COLUMNS:
        return None
    names = {column.name: f"lifeboat_{number}" for number, column in enumerate(table.columns)}
    printed = ", ".join(
        f"{_PRINTED.get(c.kind, '{}').format(quoted(c.name))} AS {names[c.name]}" for c in table.columns
    )
    inside = [column for column in table.columns if column.name not in table.pk]
    values = ", ".join(_value(column, names[column.name]) for column in (*map(table.column, table.pk), *inside))
    line = f"format({literal(pattern)}, {values})"
    rows = f"{select(table, printed, span)} LIMIT {most}"
    return f"SELECT sha256(convert_to(string_agg({line}, ''), 'UTF8')) FROM ({rows}) r"


def _pattern(table: Table) -> str | None:
    """Return a line with a place for each value, those of the key first; None where a kind is not written."""
    if any(column.kind not in _WRITTEN or _is_verbatim(column) for column in table.columns):
        return None
    pk = [_place(table.column(name)) for name in table.pk]
    key = f"[{','.join(pk)}]" if len(pk) > 1 else pk[0] if pk else "null"
    inside = [column for column in table.columns if column.name not in table.pk]
    fields = ",".join(f"{_said(column.field)}:{_place(column)}" for column in inside)
    return f'{{"model":{_said(table.label)},"pk":{key},"fields":{{{fields}}}}}\n'


def _is_verbatim(column: Column) -> bool:
    """Say whether a column holds JSON in the spelling that somebody wrote, in which no form of NULL can be told apart."""
    return column.kind == "json" and column.detail != "jsonb"


def _said(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("%", "%%")


def _place(column: Column) -> str:
    """Return the place of a value in the pattern, in quotes unless it may be NULL, which has none."""
    return '"%s"' if column.kind in _QUOTED and not column.nullable else "%s"


def _value(column: Column, name: str) -> str:
    written = _WRITTEN[column.kind](name)
    if not column.nullable:
        return written
    filled = f"""'"' || {written} || '"'""" if column.kind in _QUOTED else written
    return f"CASE WHEN {name} IS NULL THEN 'null' ELSE {filled} END"


def _moment(zone: str, end: str) -> Callable[[str], str]:
    """Return what writes an instant that is JSON already, but for its zone and zeros at the end of its fraction."""
    full = _MOMENT + _FRACTION

    def written(name: str) -> str:
        whole = f"substr({name}, 2, {full}) || '{end}'"
        padded = f"{_padded(f'substr({name}, 2, length({name}) - {len(zone) + 2})', name, _MOMENT, len(zone) + 2)} || '{end}'"
        return f"CASE length({name}) WHEN {full + len(zone) + 2} THEN {whole} ELSE {padded} END"

    return written


def _padded(text: str, printed: str, whole: int, around: int = 0) -> str:
    """Return a text with six digits of a second; ``whole`` is its length without any, ``around`` what is printed besides."""
    point = f"CASE length({printed}) WHEN {whole + around} THEN '.' ELSE '' END"
    return f"rpad({text} || {point}, {whole + _FRACTION}, '0')"


# Moments are printed once, and written from that text.
_PRINTED = {"datetime": "to_json({})::text", "timestamp": "to_json({})::text", "time": "{}::text"}
_QUOTED = frozenset({"decimal", "uuid", "date", "datetime", "timestamp", "time"})
_WRITTEN: dict[str, Callable[[str], str]] = {
    "integer": "{}::text".format,
    "float": "{}::text".format,
    "boolean": "CASE WHEN {} THEN 'true' ELSE 'false' END".format,
    "text": "to_jsonb({})::text".format,
    # JSON null is not NULL, which is written so.
    "json": "nullif({}::text, 'null')".format,
    "decimal": "{}::text".format,
    "uuid": "{}::text".format,
    "date": "{}::text".format,
    "datetime": _moment("+00:00", "Z"),
    "timestamp": _moment("", ""),
    "time": lambda name: _padded(name, name, _CLOCK),
}
