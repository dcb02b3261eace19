"""An engine's text of one value ↔ its canonical text (docs/format.md, "Kinds"): plain, strict, one value at a time.

Each ``…_from`` returns None for a text that has no canonical form; whoever asks then writes the value down as an
``Exact``. This is the reference: the fast ways (backups.engines.codec) are held to it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import sys
from datetime import date, datetime, time, timedelta
from itertools import accumulate

from django.utils.duration import duration_iso_string

from backups.rows import JSON_NULL, Cell, Exact

_JSON_SPACE = " \t\n\r"
DEEPEST_JSON = 5_000
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIME = re.compile(r"(\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?", re.ASCII)
_TIMESTAMP = re.compile(f"{_DATE.pattern} {_TIME.pattern}", re.ASCII)
_DURATION = re.compile(r"(-?)P(\d+)DT(\d\d)H(\d\d)M(\d\d)(?:\.(\d{6}))?S", re.ASCII)
_HEX_UUID = re.compile(r"[0-9a-f]{32}")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_SURROGATE_PAIR = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}")
_JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def exact_text(text: str) -> Exact:
    """Return the cell of a value that only the engine's own text can say."""
    return Exact({"text": text})


def date_from(text: str) -> str | None:
    """Return ``YYYY-MM-DD`` where the text is that, and a day that there was between the years 1 and 9999."""
    found = _DATE.fullmatch(text)
    if found is None:
        return None
    try:
        return date(*map(int, found.groups())).isoformat()
    except ValueError:
        return None


def time_from(text: str) -> str | None:
    """Return ``HH:MM:SS.ffffff`` of ``HH:MM:SS`` with up to six digits of a second; 24:00:00 is not a time of day."""
    found = _TIME.fullmatch(text)
    if found is None:
        return None
    hour, minute, second, fraction = found.groups()
    try:
        return time(int(hour), int(minute), int(second), int((fraction or "").ljust(6, "0"))).isoformat("microseconds")
    except ValueError:
        return None


def timestamp_from(text: str) -> str | None:
    """Return ``YYYY-MM-DDTHH:MM:SS.ffffff`` of a date and a time with one space between them."""
    found = _TIMESTAMP.fullmatch(text)
    if found is None:
        return None
    *numbers, fraction = found.groups("")
    year, month, day, hour, minute, second = map(int, numbers)
    try:
        moment = datetime(year, month, day, hour, minute, second, int(fraction.ljust(6, "0")))
        return moment.isoformat("T", "microseconds")
    except ValueError:
        return None


def time_to(canonical: str) -> str:
    """Return the text that Django writes for a time: the fraction is there only where it is not zero."""
    return canonical.removesuffix(".000000")


def timestamp_to(canonical: str) -> str:
    """Return the text that Django writes for a timestamp, or for an instant (``…Z``) as naive UTC."""
    return canonical.removesuffix("Z").removesuffix(".000000").replace("T", " ")


def duration_from(microseconds: int) -> str:
    """Return the ISO 8601 form that Django writes; any number of 64 bits will do."""
    return duration_iso_string(timedelta(microseconds=microseconds))


def duration_to(canonical: str) -> int:
    """Return the microseconds; ValueError where it is not what ``duration_from`` writes."""
    found = _DURATION.fullmatch(canonical)
    if found is None:
        raise ValueError(f"{canonical!r} is not a duration")
    sign, days, hours, minutes, seconds, fraction = found.groups()
    total = ((int(days) * 24 + int(hours)) * 60 + int(minutes)) * 60 + int(seconds)
    return (total * 1_000_000 + int(fraction or 0)) * (-1 if sign else 1)


def uuid_from(text: str) -> str | None:
    """Return the dashed form of 32 lower-case hexadecimal digits."""
    if _HEX_UUID.fullmatch(text) is None:
        return None
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def uuid_to(canonical: str) -> str:
    """Return 32 hexadecimal digits."""
    return canonical.replace("-", "")


def binary_from(data: bytes) -> str:
    """Return base64 on one line."""
    return base64.b64encode(data).decode()


def binary_to(canonical: str) -> bytes:
    """Return the bytes; ValueError where it is not base64."""
    return binascii.a2b_base64(canonical, strict_mode=True) if canonical else b""


def float_cell(number: float) -> Cell:
    """Return the shortest text that reads back to the same double; markers for what JSON has no number for."""
    if math.isnan(number):
        return Exact("NaN")
    if math.isinf(number):
        return Exact("Infinity" if number > 0 else "-Infinity")
    return repr(number)


def json_cell(text: str) -> Cell:
    """Return the JSON text itself where it may stand in a line as it is, else an ``Exact``."""
    if text == "null":
        return Exact(JSON_NULL)
    if text != text.strip(_JSON_SPACE) or "\n" in text or "\r" in text or not is_json(text):
        return exact_text(text)
    return text


def json_to(cell: Cell) -> str | None:
    """Return the JSON text that a cell of kind ``json`` stands for, None for SQL NULL."""
    if isinstance(cell, Exact):
        return "null" if cell.value == JSON_NULL else exact_value(cell, "text")
    return cell


def exact_value(cell: Exact, name: str) -> str:
    """Return what an ``Exact`` holds under a name; ValueError where it does not hold that."""
    if not isinstance(cell.value, dict) or set(cell.value) != {name}:
        raise ValueError(f"{cell.value!r} does not belong into this column")
    return cell.value[name]


def is_json(text: str) -> bool:
    """Say whether the text is JSON by the book: no NaN, no lone surrogate, raw or escaped, at most 5,000 deep."""
    try:
        text.encode()
        if may_be_deep(text):
            _read_deep(text)
        else:
            _STRICT_JSON.decode(text)
    except ValueError:
        return False
    return "\\u" not in text or not escapes_lone_surrogate(text)


def escapes_lone_surrogate(text: str) -> bool:
    """Say whether JSON text, or some of it with line feeds between, escapes half of a pair of surrogates."""
    return _SURROGATE_ESCAPE.search(_SURROGATE_PAIR.sub("", text.replace("\\\\", ""))) is not None


def _read_deep(text: str) -> None:
    if _depth(text) > DEEPEST_JSON:
        raise ValueError("nested too deep")
    usual = sys.getrecursionlimit()
    sys.setrecursionlimit(max(usual, 4 * DEEPEST_JSON))
    try:
        _STRICT_JSON.decode(text)
    finally:
        sys.setrecursionlimit(usual)


def may_be_deep(text: str) -> bool:
    """Say whether JSON text may be nested so deep that Python's limit matters; cheap, errs on that side."""
    return text.count("[") + text.count("{") > 200


def _depth(text: str) -> int:
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[\[\]{}]", _JSON_STRING.sub("", text)))
    return max(accumulate(steps), default=0)


def _refused(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


# Numbers are looked at as text alone: Python does not make integers of thousands of digits.
_STRICT_JSON = json.JSONDecoder(parse_int=len, parse_float=len, parse_constant=_refused)
