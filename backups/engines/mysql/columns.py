"""What each column holds: from the server's own type, and from the model's field where the type does not tell."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Field

from backups.engines.fields import is_instant, stored_field
from backups.tables import Column

_INTEGERS = ("tinyint", "smallint", "mediumint", "int", "bigint")
_KINDS = {
    **dict.fromkeys((*_INTEGERS, "year", "bit"), "integer"),
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), "text"),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), "binary"),
    **dict.fromkeys(("inet4", "inet6"), "inet"),
    **dict.fromkeys(("datetime", "timestamp"), "timestamp"),
    **dict.fromkeys(("float", "double"), "float"),
    "decimal": "decimal",
    "date": "date",
    "time": "time",
    "json": "json",
    "uuid": "uuid",
}
# By Django's name of a field's type: what its column's type must begin with, and the kind of its values then.
_FIELD_KINDS = {
    "BooleanField": ("tinyint(1)", "boolean"),
    "DurationField": ("bigint", "duration"),
    "GenericIPAddressField": ("char(39)", "inet"),
    "IPAddressField": ("char(15)", "inet"),
    "JSONField": ("longtext", "json"),
    "UUIDField": ("char(32)", "uuid"),
}
# Character sets that lose nothing on the way to utf8mb4, byte for byte; of others each value is tried.
_FAITHFUL = {"utf8mb4", "utf8mb3", "utf8", "ascii", "latin1"}
# An index on one of these orders by something else than the value that stands in a line.
_UNORDERED = ("enum", "set", "json", "bit")


@dataclass(frozen=True, slots=True)
class Described:
    """One column as information_schema describes it."""

    table: str
    name: str
    base: str
    type: str
    nullable: bool
    charset: str
    collation: str
    scale: int | None
    generated: bool


def query(database: str) -> str:
    """Return the statement that describes all columns of a database; ``database`` is a literal."""
    return (
        "SELECT TABLE_NAME, COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME, COLLATION_NAME, "
        "NUMERIC_SCALE, GENERATION_EXPRESSION FROM information_schema.COLUMNS "
        f"WHERE TABLE_SCHEMA = {database} ORDER BY TABLE_NAME, ORDINAL_POSITION"
    )


def described(row: tuple[Any, ...]) -> Described:
    """Return a column from a row of that statement's result."""
    table, name, base, kind, nullable, charset, collation, scale, generation = row
    return Described(
        table,
        name,
        base.lower(),
        _spelt(kind),
        nullable == "YES",
        charset or "",
        collation or "",
        scale,
        bool(generation),
    )


def _spelt(kind: Any) -> str:
    return kind.decode() if isinstance(kind, bytes) else str(kind)


def column(found: Described, field: Field[Any, Any] | None, settings: Mapping[str, Any]) -> Column:
    """Return a column with its kind; ``settings`` are those of the database, ``field`` is the model's, if any."""
    kind = _KINDS.get(found.base, "native")
    if field is not None:
        kind = _kind_by_field(found, kind, stored_field(field), settings)
    return Column(
        found.name,
        kind,
        found.type,
        nullable=found.nullable,
        scale=found.scale if kind == "decimal" else None,
        detail="" if found.charset in _FAITHFUL else found.charset,
    )


def _kind_by_field(found: Described, kind: str, field: Field[Any, Any], settings: Mapping[str, Any]) -> str:
    if kind == "timestamp" and is_instant(field, settings):
        return "datetime"
    usual, named = _FIELD_KINDS.get(field.get_internal_type(), (None, kind))
    fits = usual is not None and found.type.startswith(usual) and "unsigned" not in found.type
    return named if fits else kind


def orders_rows(found: Described) -> bool:
    """Say whether the server orders and compares this column as the value in the line says, and it holds no NULL."""
    ordered = found.base in _KINDS and found.base not in _UNORDERED
    return ordered and not found.nullable and not found.generated


def is_plain_integer(column: Column) -> bool:
    """Say whether the server prints a column's integers as a line writes them."""
    return is_type(column, *_INTEGERS) and not is_padded(column)


def is_padded(column: Column) -> bool:
    """Say whether the server puts zeros before a column's numbers."""
    return "zerofill" in column.type


def digits(kind: str) -> int:
    """Return how many digits of a second a temporal type keeps: ``datetime(6)`` keeps 6, ``time`` none."""
    found = re.match(r"\w+\((\d)\)", kind)
    return int(found[1]) if found else 0


def is_type(column: Column, *bases: str) -> bool:
    """Say whether the column's own type is one of these."""
    found = re.match(r"\w+", column.type)
    return found is not None and found[0].lower() in bases
