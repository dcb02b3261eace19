"""A cell as text that the server takes in, and whole rows as the text of COPY."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Sequence

from backups.engines.postgresql.literals import write_array, write_hstore, write_range
from backups.rows import JSON_NULL, Decoder, Exact, Row
from backups.tables import Table

_DURATION = re.compile(r"-P(\d+)DT(\d+)H(\d+)M(\d+)(\.\d+)?S")

# What parts values and rows and stands for NULL in the text of COPY, so chosen that ordinary values hold none of them
# and many rows can be escaped at once. A row's end becomes a line feed when those of the values have been escaped.
_NEXT, _END, _NULL = "\x01", "\0", "\x02"
COPY_OPTIONS = "FORMAT text, DELIMITER E'\\x01', NULL E'\\x02'"
DELIMITER, NULL = _NEXT.encode(), _NULL.encode()


class NotText(ValueError):
    """A value that PostgreSQL's text cannot hold; the message says why."""


def is_converted(kind: str) -> bool:
    """Say whether the text of a kind's values is not what stands in a line."""
    return kind in _CONVERTERS


def text_of(kind: str, cell: str | Exact) -> str:
    """Return the text that the server reads the same value from; raise NotText where there is none."""
    if isinstance(cell, Exact):
        return _exact_text(kind, cell.value)
    convert = _CONVERTERS.get(kind)
    return convert(cell) if convert else cell


class CopyText:
    """Turns lines of one table into the text that COPY reads under COPY_OPTIONS."""

    def __init__(self, table: Table) -> None:
        self._decode = Decoder(table).decode
        self._kinds = [column.kind for column in table.columns]
        self._converters = [(i, _CONVERTERS[kind]) for i, kind in enumerate(self._kinds) if kind in _CONVERTERS]

    def write(self, lines: Sequence[bytes]) -> bytes:
        """Return the text of these rows; raise NotText where a value has none, and MalformedLine."""
        text, nulls = self._together(lines)
        if text.count(_END) != len(lines):
            raise NotText("a text that contains the character NUL, which PostgreSQL cannot hold")
        if text.count(_NEXT) == len(lines) * (len(self._kinds) - 1) and text.count(_NULL) == nulls:
            return _escaped(text).replace(_END, "\n").encode()
        return "".join(self._one_by_one(lines)).encode()

    def _together(self, lines: Sequence[bytes]) -> tuple[str, int]:
        """Return all rows in one text, not escaped yet, and how many NULLs they have."""
        written = []
        nulls = 0
        for line in lines:
            row = self._row(line)
            in_row = row.count(None)
            nulls += in_row
            # No list of a row outlives its turn: the garbage collector would look at all of them again and again.
            written.append(self._joined([_NULL if cell is None else cell for cell in row] if in_row else row))
        return _END.join(written) + _END, nulls

    def _one_by_one(self, lines: Sequence[bytes]) -> Iterator[str]:
        """Yield rows some of which hold the very characters that part values."""
        for line in lines:
            row = self._texts(self._row(line))
            yield _NEXT.join([_NULL if text is None else _marked(_escaped(text)) for text in row]) + "\n"

    def _row(self, line: bytes) -> Row:
        row = self._decode(line)
        for i, convert in self._converters:
            cell = row[i]
            if isinstance(cell, str):
                row[i] = convert(cell)
        return row

    def _joined(self, row: Row) -> str:
        try:
            return _NEXT.join(row)  # type: ignore[arg-type]
        except TypeError:  # an exact value is among them, which is rarer than it is costly to look
            return _NEXT.join(text for text in self._texts(row) if text is not None)

    def _texts(self, row: Row) -> Iterator[str | None]:
        for kind, cell in zip(self._kinds, row, strict=True):
            yield _exact_text(kind, cell.value) if isinstance(cell, Exact) else cell


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")


def _marked(text: str) -> str:
    return text.replace(_NEXT, f"\\{_NEXT}").replace(_NULL, f"\\{_NULL}")


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
