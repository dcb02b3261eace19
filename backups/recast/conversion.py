"""A cell of one engine's column → the cell that another engine's column holds for the same value, or why there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from backups.engines import values
from backups.recast import moments
from backups.recast.moments import Unfit, Zones
from backups.rows import JSON_NULL, Cell, Exact
from backups.tables import Column

_NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
_INTEGER = re.compile(r"-?\d+", re.ASCII)
_TRUTHS = {"0": "false", "1": "true", "false": "false", "true": "true"}
# What a column says of any engine where it is no column of a model's: the target's own word is more than these.
_VAGUE = frozenset({"any", "native", "array", "hstore", "range"})


def column_for(vendor: str, source: Column, built: Column, zones: Zones) -> Column:
    """Return the column that takes a source's values: as it was built, under the field's name in the backup's lines."""
    scale = source.scale if built.scale is None else built.scale
    kind = _kind_for(vendor, source.kind, built.kind, zones)
    return Column(built.name, kind, built.type, source.field, built.nullable, scale, built.detail)


def _kind_for(vendor: str, source: str, built: str, zones: Zones) -> str:
    """PostgreSQL's types tell the kind. Elsewhere the model's field did, when the backup was taken, and that is better
    than today's models: the column may be of a model that they have no more. But how a moment is kept is the target's.
    """
    if vendor == "postgresql" or source in _VAGUE or {source, built} <= moments.KINDS:
        return built
    if source in moments.KINDS:
        return "datetime" if zones.target == "UTC" else "timestamp"
    return source


def converter(source: Column, target: Column, zones: Zones) -> Callable[[Cell], Cell]:
    """Return what makes a target's cell of a source's; it raises Unfit."""
    into = _into(target.kind, zones) if changes(source, target, zones) else None

    def convert(cell: Cell) -> Cell:
        if cell is None:
            return None
        if isinstance(cell, Exact):
            return _exactly(target, cell)
        return cell if into is None else _read(into, target, _plain(source, cell))

    return convert


def changes(source: Column, target: Column, zones: Zones) -> bool:
    """Say whether a value may be written in another way in the target's lines than in the source's."""
    return source.kind != target.kind or (target.kind == "timestamp" and not zones.alike)


def _into(kind: str, zones: Zones) -> Callable[[str], str | None]:
    if kind in moments.KINDS:
        return lambda text: zones.moment(text, kind)
    return _INTO.get(kind, _no_form)


def _read(into: Callable[[str], str | None], target: Column, text: str) -> str:
    try:
        found = into(text)
    except Unfit:
        raise
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
    "decimal": lambda text: text if _NUMBER.fullmatch(text) else None,
    "duration": lambda text: values.duration_from(int(text)),
    "float": _float,
    "inet": str,
    "integer": _whole,
    "json": lambda text: text if values.is_json(text) else None,
    "text": str,
    "time": values.time_from,
    "uuid": _uuid,
}
