"""What kind of value a SQLite column holds: by its model's field, else by its affinity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db.backends.sqlite3.base import DatabaseWrapper
from django.db.models import DecimalField, Field

from backups.engines.fields import KINDS, is_instant, stored_field


def kind_of(declared: str, field: Field[Any, Any] | None, settings: Mapping[str, Any]) -> tuple[str, int | None]:
    """Return kind and scale of a column from its declared type and the model's field that it belongs to, if any."""
    if field is not None:
        field = stored_field(field)
        internal = field.get_internal_type()
        if internal in KINDS and _word(declared) == _word(str(DatabaseWrapper.data_types[internal])):
            scale = field.decimal_places if isinstance(field, DecimalField) else None
            return ("datetime" if is_instant(field, settings) else KINDS[internal]), scale
    return (_KIND_OF_AFFINITY[affinity(declared)] if declared else "any"), None


def affinity(declared: str) -> str:
    """Return a column's affinity by SQLite's own rules (datatype3.html, 3.1)."""
    upper = declared.upper()
    for word, name in _AFFINITIES:
        if word in upper:
            return name
    return "NUMERIC" if upper else "BLOB"


_AFFINITIES = (
    ("INT", "INTEGER"),
    ("CHAR", "TEXT"),
    ("CLOB", "TEXT"),
    ("TEXT", "TEXT"),
    ("BLOB", "BLOB"),
    ("REAL", "REAL"),
    ("FLOA", "REAL"),
    ("DOUB", "REAL"),
)
# Django's own types without affinity of their own (datetime, decimal, bool) are NUMERIC: anything may be in them.
_KIND_OF_AFFINITY = {"INTEGER": "integer", "TEXT": "text", "BLOB": "binary", "REAL": "float", "NUMERIC": "any"}


def _word(declared: str) -> str:
    return declared.partition("(")[0].strip().lower()
