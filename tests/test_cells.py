"""What people type, and what fields default to, becomes the text that a backup holds."""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import models

from backups.cells import default_of, typed, written
from backups.exceptions import ConfigurationError
from backups.rows import JSON_NULL, Exact
from backups.tables import Column


@pytest.mark.parametrize(
    ("kind", "text", "cell"),
    [
        ("integer", " 007", "7"),
        ("uuid", "A0EEBC999C0B4EF8BB6D6BB9BD380A11", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
        ("decimal", "1.5", "1.50"),
        ("datetime", "2026-03-01T13:00+01:00", "2026-03-01T12:00:00.000000Z"),
        ("timestamp", "2026-03-01 13:00", "2026-03-01T13:00:00.000000"),
        ("date", "2026-03-01", "2026-03-01"),
        ("text", "Ünïcode, as it is ", "Ünïcode, as it is "),
    ],
)
def test_what_is_typed(kind: str, text: str, cell: str) -> None:
    assert typed(Column("x", kind, kind, "x", scale=2 if kind == "decimal" else None), text) == cell


@pytest.mark.parametrize(
    ("kind", "text"), [("integer", "one"), ("uuid", "1"), ("decimal", "x"), ("date", "2026-02-30")]
)
def test_what_cannot_be_is_refused_with_a_sentence(kind: str, text: str) -> None:
    with pytest.raises(ConfigurationError, match=f"is no {kind}, which x is"):
        typed(Column("x_id", kind, kind, "x"), text)


@pytest.mark.parametrize(
    ("kind", "value", "cell"),
    [
        ("boolean", True, "true"),
        ("integer", True, "1"),
        ("integer", 5, "5"),
        ("float", 0.5, "0.5"),
        ("decimal", Decimal("2"), "2.000"),
        ("binary", b"\x00\xff", "AP8="),
        ("date", date(2026, 3, 1), "2026-03-01"),
        ("datetime", datetime(2026, 3, 1, 2, tzinfo=timezone(timedelta(hours=1))), "2026-03-01T01:00:00.000000Z"),
        ("timestamp", datetime(2026, 3, 1, 2), "2026-03-01T02:00:00.000000"),
        ("duration", timedelta(days=1, hours=2), "P1DT02H00M00S"),
        ("uuid", UUID(int=1), "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_what_python_holds(kind: str, value: Any, cell: str) -> None:
    assert written(Column("x", kind, kind, "x", scale=3 if kind == "decimal" else None), value) == cell


def test_defaults_of_fields() -> None:
    json = Column("x", "json", "jsonb", "x")
    assert default_of(json, models.JSONField(default=dict)) == "{}"
    assert default_of(json, models.JSONField(default=lambda: None)) is None
    assert default_of(Column("x", "text", "text", "x"), models.CharField(default="y")) == "y"
    moment = default_of(Column("x", "datetime", "x", "x"), models.DateTimeField(default=lambda: datetime.now(UTC)))
    assert isinstance(moment, str) and moment.endswith("Z")
    assert Exact(JSON_NULL) != default_of(json, models.JSONField(default=list))
    with pytest.raises(ValueError, match="no canonical text"):
        written(json, object())
