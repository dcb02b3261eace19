"""The values of a row as the server's own text, turned into cells by Python alone: the path that proves ``lines``."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from datetime import date, datetime, time

from backups.engines.postgresql.literals import Nested, read_array, read_hstore
from backups.rows import JSON_NULL, Cell, Exact, Row
from backups.tables import Column

Converter = Callable[[str], Cell]

_MARKERS = frozenset({"NaN", "Infinity", "-Infinity"})
_LONGEST_MOMENT = len("2026-11-22 16:43:15.123456+00")
_DAY = 86_400_000_000
_LEAST_DAYS = -(2**31)
_INTERVAL = re.compile(
    r"P(?:(?P<Y>-?\d+)Y)?(?:(?P<M>-?\d+)M)?(?:(?P<D>-?\d+)D)?"
    r"(?:T(?:(?P<h>-?\d+)H)?(?:(?P<m>-?\d+)M)?(?:(?P<s>-?\d+)(?P<f>\.\d+)?S)?)?"
)
_RANGE = re.compile(r'([\[(])("[^"]*"|[^,"]*),("[^"]*"|[^,"]*)([\])])')
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_COPY_ESCAPE = re.compile(r"\\(.)")
_COPY_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")


def split(line: str) -> Row:
    """Return the texts of a row that COPY wrote, None for NULL."""
    parts = line[:-1].split("\t")
    if "\\" not in line:
        return [*parts]
    return [part if "\\" not in part else None if part == "\\N" else _plain(part) for part in parts]


def _plain(part: str) -> str:
    # Nearly always nothing but backslashes is escaped.
    if part.count("\\") == 2 * part.count("\\\\"):
        return part.replace("\\\\", "\\")
    return _COPY_ESCAPE.sub(_unescaped, part)


def _unescaped(found: re.Match[str]) -> str:
    return _COPY_ESCAPES.get(found[1], found[1])


def row_converter(columns: Sequence[Column]) -> Callable[[Sequence[Cell]], Row]:
    """Return what turns the texts of a row of these columns into its cells."""
    converters = [(i, convert) for i, column in enumerate(columns) if (convert := converter(column))]

    def converted(texts: Sequence[Cell]) -> Row:
        row = [*texts]
        for i, convert in converters:
            text = row[i]
            if isinstance(text, str):
                row[i] = convert(text)
        return row

    return converted


def converter(column: Column) -> Converter | None:
    """Return what turns a column's text into a cell; None where the text is the cell."""
    if column.kind == "json":
        return _jsonb if column.detail == "jsonb" else _json
    if column.kind == "array":
        elements = column.detail
        return lambda text: _array(text, elements)
    if column.kind == "range":
        ends = column.detail
        return lambda text: _range(text, ends)
    return _CONVERTERS.get(column.kind)


def _boolean(text: str) -> Cell:
    return "true" if text == "t" else "false"


def _number(text: str) -> Cell:
    return Exact(text) if text in _MARKERS else text


def _binary(text: str) -> Cell:
    return b64encode(bytes.fromhex(text.removeprefix("\\x"))).decode()


def _datetime(text: str) -> Cell:
    if len(text) == _LONGEST_MOMENT and text.endswith("+00") and text[4] == "-":
        return f"{text[:10]}T{text[11:26]}Z"  # six digits stand there already
    if not text.endswith("+00") or text[4] != "-":
        return Exact({"text": text})
    return datetime.fromisoformat(text[:-3]).isoformat(timespec="microseconds") + "Z"


def _timestamp(text: str) -> Cell:
    if not text[-1].isdigit() or text[4] != "-":
        return Exact({"text": text})
    return datetime.fromisoformat(text).isoformat(timespec="microseconds")


def _date(text: str) -> Cell:
    if len(text) != len("2026-11-22") or text[4] != "-":
        return Exact({"text": text})
    return date.fromisoformat(text).isoformat()


def _time(text: str) -> Cell:
    if text == "24:00:00":
        return Exact({"text": text})
    return time.fromisoformat(text).isoformat(timespec="microseconds")


def _duration(text: str) -> Cell:
    found = _INTERVAL.fullmatch(text)
    if not found or found["Y"] or found["M"]:
        return Exact({"text": text})
    part = {name: int(found[name] or 0) for name in "Dhms"}
    fraction = int((found["f"] or ".")[1:].ljust(6, "0"))
    below = (found["s"] or "").startswith("-")
    clock = (part["h"] * 3600 + part["m"] * 60 + part["s"]) * 1_000_000 + (-fraction if below else fraction)
    if not 0 <= clock < _DAY or part["D"] == _LEAST_DAYS:
        return Exact({"text": text})
    total = part["D"] * _DAY + clock
    days, rest = divmod(abs(total), _DAY)
    minutes, seconds = divmod(rest // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    micros = f".{rest % 1_000_000:06d}" if rest % 1_000_000 else ""
    return f"{'-' if total < 0 else ''}P{days}DT{hours:02d}H{minutes:02d}M{seconds:02d}{micros}S"


def _jsonb(text: str) -> Cell:
    return Exact(JSON_NULL) if text == "null" else text


def _json(text: str) -> Cell:
    if text == "null":
        return Exact(JSON_NULL)
    if "\n" in text or "\r" in text or text != text.strip(" \t\r\n") or _has_lone_surrogate(text):
        return Exact({"text": text})
    return text


def _has_lone_surrogate(text: str) -> bool:
    """Say whether a ``\\u`` escape stands for half a character."""
    high_ended_at = -1
    for found in _ESCAPE.finditer(text):
        code = int(found[1], 16) if found[1] else 0
        follows = high_ended_at == found.start()
        if high_ended_at >= 0 and not (follows and 0xDC00 <= code < 0xE000):
            return True
        if 0xDC00 <= code < 0xE000 and not follows:
            return True
        high_ended_at = found.end() if 0xD800 <= code < 0xDC00 else -1
    return high_ended_at >= 0


def _array(text: str, elements: str) -> Cell:
    if elements == "exact" or text.startswith("["):
        return Exact({"text": text})
    write = _ELEMENTS.get(elements, _quoted)

    def written(nested: Nested) -> str:
        if isinstance(nested, list):
            return f"[{','.join(map(written, nested))}]"
        return "null" if nested is None else write(nested)

    return written(read_array(text))


def _hstore(text: str) -> Cell:
    return json.dumps(read_hstore(text), ensure_ascii=False)


def _range(text: str, kind: str) -> Cell:
    if text == "empty":
        return '{"empty": true}'
    found = _RANGE.fullmatch(text)
    if not found:
        return Exact({"text": text})
    ends: list[Cell] = [_end(found[2].strip('"'), kind), _end(found[3].strip('"'), kind)]
    if any(isinstance(end, Exact) for end in ends):
        return Exact({"text": text})
    return json.dumps({"lower": ends[0], "upper": ends[1], "bounds": found[1] + found[4]})


def _end(text: str, kind: str) -> Cell:
    convert = _CONVERTERS.get(kind)
    if not text:
        return None
    return convert(text) if convert else text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _moment_in_json(text: str) -> str:
    return _quoted(text.replace(" ", "T", 1).replace("+00", "+00:00", 1))


_CONVERTERS: dict[str, Converter] = {
    "boolean": _boolean,
    "float": _number,
    "decimal": _number,
    "binary": _binary,
    "datetime": _datetime,
    "timestamp": _timestamp,
    "date": _date,
    "time": _time,
    "duration": _duration,
    "hstore": _hstore,
}
_ELEMENTS: dict[str, Callable[[str], str]] = {
    "boolean": lambda text: "true" if text == "t" else "false",
    "number": lambda text: text if _NUMBER.fullmatch(text) else _quoted(text),
    "timestamp": _moment_in_json,
    "datetime": _moment_in_json,
}
