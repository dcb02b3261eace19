"""A cell of one engine's column → the cell that another engine's column holds for the same value, or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from backups.engines import values
from backups.rows import JSON_NULL, Cell, Exact
from backups.tables import Column

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_TRUTHS = {"0": "false", "1": "true", "false": "false", "true": "true"}
# What a column says of any engine where it is no column of a model's: the target's own word is more than these.
_VAGUE = frozenset({"any", "native", "array", "hstore", "range"})


class Unfit(ValueError):
    """A value has no form in the other column; the message says why, without the value."""


def column_for(vendor: str, source: Column, built: Column) -> Column:
    """Return the column that takes a source's values: as it was built, under the field's name in the backup's lines.

    PostgreSQL's types tell the kind. Elsewhere the model's field did, when the backup was taken, and that is better than
    today's models: the column may be of a model that they have no more.
    """
    kind = built.kind if vendor == "postgresql" or source.kind in _VAGUE else source.kind
    scale = source.scale if built.scale is None else built.scale
    return Column(built.name, kind, built.type, source.field, built.nullable, scale, built.detail)


def converter(source: Column, target: Column) -> Callable[[Cell], Cell]:
    """Return what makes a target's cell of a source's; it raises Unfit."""
    into = None if source.kind == target.kind else _INTO.get(target.kind, _no_form)

    def convert(cell: Cell) -> Cell:
        if cell is None:
            return None
        if isinstance(cell, Exact):
            return _exactly(target, cell)
        return cell if into is None else _read(into, target, _plain(source, cell))

    return convert


def _read(into: Callable[[str], str | None], target: Column, text: str) -> str:
    try:
        found = into(text)
    except ValueError:
        found = None
    if found is None:
        raise Unfit(f"it cannot be read as {target.kind}")
    return found


def _plain(source: Column, cell: str) -> str:
    """Return a cell as the text that people write for its value."""
    if source.kind == "any":
        return str(json.loads(cell)) if cell.startswith('"') else cell
    return str(values.duration_to(cell)) if source.kind == "duration" else cell


def _exactly(target: Column, cell: Exact) -> Cell:
    if target.kind == "json":
        if cell.value == JSON_NULL:
            return cell
        text = cell.value.get("text", "") if isinstance(cell.value, dict) else ""
        if values.is_json(text):
            return cell
        raise Unfit("it is not JSON")
    if isinstance(cell.value, str) and target.kind in ("float", "decimal"):
        return cell
    raise Unfit(
        f"it is nothing that a column of kind {target.kind} usually holds, and only its own engine has a form for it"
    )


def _no_form(text: str) -> None:
    return None


def _moment(text: str) -> str | None:
    """Return a date and time without a zone; a zone is only understood where it is UTC."""
    text = text.strip().replace("T", " ").removesuffix("Z").removesuffix("+00:00").removesuffix("+00")
    return values.timestamp_from(text)


def _instant(text: str) -> str | None:
    moment = _moment(text)
    return f"{moment}Z" if moment else None


def _uuid(text: str) -> str | None:
    return values.uuid_from(text.replace("-", "").lower())


def _whole(text: str) -> str | None:
    found = {"true": "1", "false": "0"}.get(text, text)
    return str(int(found)) if _INTEGER.fullmatch(found) else None


def _float(text: str) -> str | None:
    cell = values.float_cell(float(text))
    return cell if isinstance(cell, str) else None


_INTO: dict[str, Callable[[str], str | None]] = {
    "any": lambda text: text if _INTEGER.fullmatch(text) else json.dumps(text, ensure_ascii=False),
    "boolean": _TRUTHS.get,
    "date": values.date_from,
    "datetime": _instant,
    "decimal": lambda text: text if _NUMBER.fullmatch(text) else None,
    "duration": lambda text: values.duration_from(int(text)),
    "float": _float,
    "inet": str,
    "integer": _whole,
    "json": lambda text: text if values.is_json(text) else None,
    "text": str,
    "time": values.time_from,
    "timestamp": _moment,
    "uuid": _uuid,
}
