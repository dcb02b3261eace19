"""PostgreSQL's own notation of arrays and hstore values, read and written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Nested = str | None | list["Nested"]

_ELEMENT = re.compile(r'"((?:[^"\\]|\\.)*)"|([^{},"]+)|([{},])', re.DOTALL)
_PAIR = re.compile(r'"((?:[^"\\]|\\.)*)"=>(?:NULL|"((?:[^"\\]|\\.)*)")', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


def read_array(text: str) -> Nested:
    """Return the elements of an array as its output function writes it, without a list of bounds before it."""
    top: list[Nested] = []
    open_lists = [top]
    for found in _ELEMENT.finditer(text):
        in_quotes, bare, mark = found.groups()
        if mark == "{":
            inner: list[Nested] = []
            open_lists[-1].append(inner)
            open_lists.append(inner)
        elif mark == "}":
            open_lists.pop()
        elif in_quotes is not None:
            open_lists[-1].append(_ESCAPED.sub(r"\1", in_quotes))
        elif bare:
            open_lists[-1].append(None if bare == "NULL" else _ESCAPED.sub(r"\1", bare))
    return top[0]


def write_array(nested: Any) -> str:
    """Return an array's literal from what JSON holds; numbers are strings of their digits."""
    if isinstance(nested, list):
        return f"{{{','.join(map(write_array, nested))}}}"
    if nested is None:
        return "NULL"
    if isinstance(nested, bool):
        return "t" if nested else "f"
    return _in_quotes(str(nested))


def read_hstore(text: str) -> dict[str, str | None]:
    """Return the pairs of an hstore, in its own order."""
    return {_ESCAPED.sub(r"\1", found[1]): _plain(found[2]) for found in _PAIR.finditer(text)}


def write_hstore(pairs: Mapping[str, str | None]) -> str:
    """Return an hstore's literal."""
    return ", ".join(
        f"{_in_quotes(key)}=>{'NULL' if value is None else _in_quotes(value)}" for key, value in pairs.items()
    )


def write_range(ends: Mapping[str, Any]) -> str:
    """Return a range's literal from the object that stands in a line."""
    if ends.get("empty"):
        return "empty"
    low, high = (("" if ends[end] is None else _in_quotes(ends[end])) for end in ("lower", "upper"))
    return f"{ends['bounds'][0]}{low},{high}{ends['bounds'][1]}"


def _plain(escaped: str | None) -> str | None:
    return None if escaped is None else _ESCAPED.sub(r"\1", escaped)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
