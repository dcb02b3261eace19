"""A cell of one kind → a cell of another, and why there is none."""

import pytest

from backups.recast.conversion import converter
from backups.recast.moments import Unfit, Zones
from backups.rows import Exact
from backups.tables import Column


def convert(source: str, target: str, cell: object) -> object:
    return converter(Column("a", source, ""), Column("a", target, ""), Zones("UTC", "UTC"))(cell)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("source", "target", "cell", "found"),
    [
        ("any", "datetime", '"2026-11-22 16:43:15.123456"', "2026-11-22T16:43:15.123456Z"),
        ("timestamp", "datetime", "2026-11-22T16:43:15.000000", "2026-11-22T16:43:15.000000Z"),
        ("datetime", "timestamp", "2026-11-22T16:43:15.000000Z", "2026-11-22T16:43:15.000000"),
        ("any", "boolean", "1", "true"),
        ("integer", "boolean", "0", "false"),
        ("boolean", "integer", "true", "1"),
        ("text", "uuid", "3f9a2c00ffffffffffffffffffffffff", "3f9a2c00-ffff-ffff-ffff-ffffffffffff"),
        ("any", "decimal", "1.50", "1.50"),
        ("integer", "duration", "90000000", "P0DT00H01M30S"),
        ("duration", "integer", "P0DT00H01M30S", "90000000"),
        ("integer", "float", "3", "3.0"),
        ("text", "json", '{"a": 1}', '{"a": 1}'),
        ("json", "json", Exact("json null"), Exact("json null")),
        ("json", "json", Exact({"text": " [1]"}), Exact({"text": " [1]"})),
        ("float", "float", Exact("NaN"), Exact("NaN")),
        ("text", "integer", None, None),
    ],
)
def test_it_means_the_same(source: str, target: str, cell: object, found: object) -> None:
    assert convert(source, target, cell) == found


@pytest.mark.parametrize(
    ("source", "target", "cell"),
    [
        ("integer", "boolean", "2"),
        ("any", "datetime", '"yesterday"'),
        ("any", "datetime", '"2026-11-22 16:43:15+02:00"'),
        ("text", "uuid", "3f9a"),
        ("text", "integer", "1.5"),
        ("text", "integer", "١"),
        ("any", "decimal", '"a lot"'),
        ("text", "json", "{"),
        ("text", "binary", "abc"),
        ("json", "json", Exact({"text": "{"})),
        ("datetime", "datetime", Exact({"text": "infinity"})),
        ("text", "text", Exact({"bytes": "/w=="})),
        ("boolean", "boolean", Exact({"integer": "2"})),
        ("text", "text", Exact("NaN")),
    ],
)
def test_what_means_nothing_there_is_refused(source: str, target: str, cell: object) -> None:
    with pytest.raises(Unfit):
        convert(source, target, cell)
