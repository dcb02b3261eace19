"""What a model's field says of its column where the engine's own type does not: SQLite, and MariaDB in places."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings as django_settings
from django.db.models import Field

# By Django's name of a field's type (Field.get_internal_type). Instants need zone: see ``is_instant``.
KINDS = {
    "AutoField": "integer",
    "BigAutoField": "integer",
    "BigIntegerField": "integer",
    "BinaryField": "binary",
    "BooleanField": "boolean",
    "CharField": "text",
    "DateField": "date",
    "DateTimeField": "timestamp",
    "DecimalField": "decimal",
    "DurationField": "duration",
    "FileField": "text",
    "FilePathField": "text",
    "FloatField": "float",
    "GenericIPAddressField": "inet",
    "IPAddressField": "inet",
    "IntegerField": "integer",
    "JSONField": "json",
    "PositiveBigIntegerField": "integer",
    "PositiveIntegerField": "integer",
    "PositiveSmallIntegerField": "integer",
    "SlugField": "text",
    "SmallAutoField": "integer",
    "SmallIntegerField": "integer",
    "TextField": "text",
    "TimeField": "time",
    "UUIDField": "uuid",
}


def stored_field(field: Field[Any, Any]) -> Field[Any, Any]:
    """Return the field whose values a column holds: at the end of the foreign keys, the one that they point at."""
    while field.remote_field is not None and getattr(field, "target_field", None) is not None:
        field = field.target_field  # type: ignore[attr-defined]
    return field


def is_instant(field: Field[Any, Any], settings: Mapping[str, Any]) -> bool:
    """Say whether this column holds naive UTC that stands for an instant; ``settings`` are those of the database."""
    return field.get_internal_type() == "DateTimeField" and django_settings.USE_TZ and zone_of(settings) == "UTC"


def zone_of(settings: Mapping[str, Any]) -> str:
    """Return the time zone of a database's connections, as Django's ``timezone_name`` has it."""
    return str((settings.get("TIME_ZONE") or "UTC") if django_settings.USE_TZ else django_settings.TIME_ZONE)
