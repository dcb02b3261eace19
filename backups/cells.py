"""The canonical text of what a person types, and of what Python holds: of a key, or of a field's default."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Field
from django.utils.duration import duration_iso_string

from backups.exceptions import ConfigurationError
from backups.rows import JSON_NULL, Cell, Exact
from backups.tables import Column

_TYPED: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "decimal": Decimal,
    "float": float,
    "uuid": UUID,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "datetime": datetime.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


def typed(column: Column, text: str) -> str:
    """Return the cell that somebody means who types this text; raise ConfigurationError where it cannot be one."""
    convert = _TYPED.get(column.kind)
    try:
        return written(column, convert(text) if convert else text)
    except (ValueError, ArithmeticError):
        raise ConfigurationError(f"{text!r} is no {column.kind}, which {column.field or column.name} is.") from None


def default_of(column: Column, field: Field[Any, Any]) -> Cell:
    """Return the cell of a field's default."""
    value = field.get_default()
    if value is None:
        return None
    if column.kind == "json":
        text = json.dumps(value, cls=getattr(field, "encoder", None))
        return Exact(JSON_NULL) if text == "null" else text
    return written(column, value)


def written(column: Column, value: Any) -> str:
    """Return the canonical text of a Python value in a column; ValueError where there is none."""
    if isinstance(value, bool):
        return str(value).lower() if column.kind == "boolean" else str(int(value))
    if isinstance(value, Decimal) or column.kind == "decimal":
        return format(Decimal(value), "f" if column.scale is None else f".{column.scale}f")
    if isinstance(value, datetime):
        instant = column.kind == "datetime"
        moment = value.astimezone(UTC) if value.tzinfo else value
        return moment.replace(tzinfo=None).isoformat("T", "microseconds") + ("Z" if instant else "")
    if isinstance(value, time):
        return value.isoformat("microseconds")
    if isinstance(value, timedelta):
        return duration_iso_string(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, (str, int, date, UUID)):
        return str(value)
    raise ValueError(f"{type(value).__name__} has no canonical text")
