"""A cell as text that the server takes in, and whole rows as the text of COPY."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Sequence

from backups.engines.postgresql.literals import write_array, write_hstore, write_range
from backups.rows import JSON_NULL, Exact, Row
from backups.tables import Table

_DURATION = re.compile(r"-P(\d+)DT(\d+)H(\d+)M(\d+)(\.\d+)?S")

# PostgreSQL's text holds no NUL, so two characters that begin with one can stand for what COPY makes of tabs, line
# feeds and NULL until everything else is escaped, in one pass over many rows.
_NEXT, _END, _NULL = "\0a", "\0b", "\0c"


class NotText(ValueError):
    """A value that PostgreSQL's text cannot hold; the message says why."""


def text_of(kind: str, cell: str | Exact) -> str:
    """Return the text that the server reads the same value from; raise NotText where there is none."""
    if isinstance(cell, Exact):
        return _exact_text(kind, cell.value)
    convert = _CONVERTERS.get(kind)
    return convert(cell) if convert else cell


class CopyText:
    """Writes rows of one table as the text that COPY reads."""

    def __init__(self, table: Table) -> None:
        self._kinds = [column.kind for column in table.columns]
        self._plain = not any(kind in _CONVERTERS for kind in self._kinds)

    def write(self, rows: Sequence[Row]) -> bytes:
        """Return the text of these rows; raise NotText where a value has none."""
        text = _END.join(map(self._row, rows)) + _END
        if text.count("\0") != sum(map(len, rows)) + self._nulls(rows):
            raise NotText("a text that contains the character NUL, which PostgreSQL cannot hold")
        for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
            text = text.replace(plain, escaped)
        return text.replace(_NEXT, "\t").replace(_END, "\n").replace(_NULL, "\\N").encode()

    def _row(self, row: Row) -> str:
        if self._plain:
            try:
                return _NEXT.join(row)  # type: ignore[arg-type]
            except TypeError:
                pass  # a NULL or an exact value is in it
        pairs = zip(self._kinds, row, strict=True)
        return _NEXT.join(_NULL if cell is None else text_of(kind, cell) for kind, cell in pairs)

    @staticmethod
    def _nulls(rows: Sequence[Row]) -> int:
        return sum(row.count(None) for row in rows)


def _exact_text(kind: str, value: str | dict[str, str]) -> str:
    if value == JSON_NULL:
        return "null"
    if isinstance(value, str):
        return value
    form, text = next(iter(value.items()))
    if form == "blob":
        return _hex(text) if kind == "binary" else b64decode(text).decode()
    if form == "bytes":
        raise NotText("a text that is not UTF-8, which PostgreSQL cannot hold")
    return text


def _hex(coded: str) -> str:
    return "\\x" + b64decode(coded).hex()


def _duration(cell: str) -> str:
    """Return an interval as Django's driver sends it: days that may be negative, and a time of day that is not."""
    found = _DURATION.fullmatch(cell)
    if not found:
        return cell
    days, hours, minutes, seconds = map(int, found.groups()[:4])
    clock = (hours * 3600 + minutes * 60 + seconds) * 1_000_000 + int((found[5] or ".")[1:].ljust(6, "0"))
    if not clock:
        return f"{-days} days"
    return f"{-days - 1} days {86_400_000_000 - clock} microseconds"


def _array(cell: str) -> str:
    return write_array(json.loads(cell, parse_int=str, parse_float=str))


_CONVERTERS: dict[str, Callable[[str], str]] = {
    "binary": _hex,
    "duration": _duration,
    "array": _array,
    "hstore": lambda cell: write_hstore(json.loads(cell)),
    "range": lambda cell: write_range(json.loads(cell)),
    "any": lambda cell: json.loads(cell) if cell.startswith('"') else cell,
}
