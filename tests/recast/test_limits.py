"""What a column can hold, by its type as each engine spells it."""

import pytest

from backups.recast.limits import limits
from backups.rows import Exact
from backups.tables import Column

LONG = "12345678901234567890.5"


def reason(vendor: str, kind: str, spelt: str, cell: object, nullable: bool = True, scale: int | None = None) -> str:
    column = Column("a", kind, spelt, nullable=nullable, scale=scale, detail="jsonb" if spelt == "jsonb" else "")
    return next((found for limit in limits(vendor, column) if (found := limit(cell))), "")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("vendor", "kind", "spelt", "cell"),
    [
        ("postgresql", "text", "character varying(3)", "äöü"),
        ("mysql", "text", "varchar(3)", "🛟🛟🛟"),
        ("sqlite", "text", "varchar(3)", "abcdef"),
        ("postgresql", "integer", "smallint", "-32768"),
        ("mysql", "integer", "int(10) unsigned", "4294967295"),
        ("sqlite", "integer", "smallint", "9223372036854775807"),
        ("postgresql", "decimal", "numeric(5,2)", "999.990"),
        ("mysql", "decimal", "decimal(5,2)", "-999.99"),
        ("mysql", "decimal", "decimal(30,15)", f"-{'9' * 15}.{'9' * 15}"),
        ("postgresql", "decimal", "numeric", LONG),
        ("sqlite", "decimal", "decimal", "12.50"),
        ("sqlite", "decimal", "decimal", "-999999999999999"),
        ("postgresql", "float", "double precision", Exact("NaN")),
        ("sqlite", "float", "real", Exact("Infinity")),
        ("mysql", "datetime", "datetime(6)", "2026-11-22T16:43:15.123456Z"),
        ("mysql", "time", "time", "16:43:15.000000"),
        ("postgresql", "json", "jsonb", '"\\\\u0000"'),
    ],
)
def test_what_fits(vendor: str, kind: str, spelt: str, cell: object) -> None:
    assert reason(vendor, kind, spelt, cell, scale=2) == ""


@pytest.mark.parametrize(
    ("vendor", "kind", "spelt", "cell", "said"),
    [
        ("postgresql", "text", "character varying(3)", "abcd", "4 characters, and the column takes 3"),
        ("mysql", "text", "varchar(3)", "abcd", "4 characters"),
        ("mysql", "text", "text", "ü" * 40_000, "longer than 65535 bytes"),
        ("postgresql", "text", "text", "a\0b", "NUL"),
        ("postgresql", "json", "jsonb", '{"a": "\\u0000"}', "NUL"),
        ("postgresql", "integer", "smallint", "32768", "outside -32768 to 32767"),
        ("postgresql", "integer", "integer", "2147483648", "outside"),
        ("mysql", "integer", "int(10) unsigned", "-1", "outside 0 to 4294967295"),
        ("postgresql", "decimal", "numeric(5,2)", "1000.00", "more than 3 digits before the point"),
        ("mysql", "decimal", "decimal(5,2)", "1.005", "more than 2 digits after the point"),
        ("mysql", "decimal", "decimal(65,30)", "1." + "0" * 30 + "1", "more than 30 digits after"),
        ("sqlite", "decimal", "decimal", LONG, "more digits than Django reads"),
        ("sqlite", "decimal", "decimal", "1.005", "more digits than Django reads"),
        ("sqlite", "decimal", "decimal", "9007199254740993", "more digits than Django reads"),
        ("sqlite", "decimal", "decimal", "1e400", "more digits than Django reads"),
        ("sqlite", "float", "real", Exact("NaN"), "it is NaN"),
        ("mysql", "float", "double", Exact("Infinity"), "it is Infinity"),
        ("mysql", "datetime", "datetime", "2026-11-22T16:43:15.123456Z", "more than 0 digits of a second"),
        ("mysql", "timestamp", "datetime(3)", "2026-11-22T16:43:15.123456", "more than 3 digits of a second"),
    ],
)
def test_what_does_not(vendor: str, kind: str, spelt: str, cell: object, said: str) -> None:
    assert said in reason(vendor, kind, spelt, cell, scale=2)


def test_a_column_that_takes_no_null() -> None:
    assert "NULL" in reason("postgresql", "text", "text", None, nullable=False)
    assert reason("postgresql", "text", "text", None) == ""
