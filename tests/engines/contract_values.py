"""The contract of values: each is read exactly, written in the one way, and comes back the same."""

import base64
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.db import connections
from django.db.models import JSONField, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backups.engines.base import Engine
from backups.rows import JSON_NULL, Cell, Decoder, Exact
from tests.databases import Server
from tests.engines.dumps import Dump, assert_same, dump, named, referenced, restore
from tests.zoo.models import AllFields

AWKWARD_TEXTS = [
    "",
    " ",
    " before and after ",
    "null",
    "\\N",
    "\\.",
    "\t\b\f\v\x01\x1f\x7f\x80\x9f",
    "line\nfeed\r\nand\rreturn",
    "quote ' \" ` \\ \\n \\u0041 %s %(a)s {} ${x}",
    "\u2028\u2029\u200b\u202e\ufeff\ufffd\uffff",
    "é e\u0301 ß ẞ İ ı ﬁ",
    "\U0001f6df\U0001f468\u200d\U0001f469\u200d\U0001f467\U0010ffff",
    "<script>&amp;</script>",
    "1e5",
    "0x1F",
    "2020-01-01",
]
BYTES = [b"", b"\0", bytes(range(256)), b"\xff" * 3, b"\\x00"]
# Values by field of AllFields, and the cell that each is on every engine.
ON_EVERY_ENGINE: dict[str, list[tuple[Any, Cell]]] = {
    "big_integer": [(n, str(n)) for n in (0, -1, 2**63 - 1, -(2**63))],
    "integer": [(n, str(n)) for n in (2**31 - 1, -(2**31))],
    "small_integer": [(n, str(n)) for n in (32767, -32768)],
    "positive_big_integer": [(n, str(n)) for n in (0, 2**63 - 1)],
    "boolean": [(True, "true"), (False, "false")],
    "char": [(text, text) for text in AWKWARD_TEXTS],
    "text": [(text, text) for text in [*AWKWARD_TEXTS, "long " * 50_000]],
    "date": [(day, day.isoformat()) for day in (date(1000, 1, 1), date(9999, 12, 31), date(2024, 2, 29))],
    "datetime": [
        (datetime(2026, 11, 22, 16, 43, 15, tzinfo=UTC), "2026-11-22T16:43:15.000000Z"),
        (datetime(2026, 11, 22, 16, 43, 15, 1, tzinfo=UTC), "2026-11-22T16:43:15.000001Z"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "1969-12-31T23:59:59.999999Z"),
        (datetime(1000, 1, 1, tzinfo=UTC), "1000-01-01T00:00:00.000000Z"),
        (datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), "9999-12-31T23:59:59.999999Z"),
    ],
    "time": [(time(0, 0), "00:00:00.000000"), (time(23, 59, 59, 999_999), "23:59:59.999999")],
    "duration": [
        (timedelta(0), "P0DT00H00M00S"),
        (timedelta(days=1, hours=2, minutes=3, seconds=4), "P1DT02H03M04S"),
        (timedelta(microseconds=-1), "-P0DT00H00M00.000001S"),
        (timedelta(days=100_000, microseconds=5), "P100000DT00H00M00.000005S"),
        (timedelta(days=-3), "-P3DT00H00M00S"),
    ],
    "decimal_money": [
        (Decimal(text), text) for text in ("0.00", "-0.01", "10.00", "99999999.99", "0.10", "-1234567.80")
    ],
    "decimal_fine": [(Decimal("1.00000000000001"), "1.000000000000010")],
    "decimal_whole": [(Decimal(text), text) for text in ("0", "-7", "123456789012345")],
    "decimal_fraction": [(Decimal(text), text) for text in ("0.000000001", "-0.999999999", "0.000000000")],
    "binary": [(data, base64.b64encode(data).decode()) for data in BYTES],
    "uuid": [(UUID(int=n), str(UUID(int=n))) for n in (0, 1, 2**128 - 1, 0xA << 124)],
    "json": [
        (Value(None, JSONField()), Exact(JSON_NULL)),
        ({"a": [1, 2.5, None, True, "x"]}, '{"a": [1, 2.5, null, true, "x"]}'),
        ([], "[]"),
        ("", '""'),
        (0, "0"),
        (2**70, str(2**70)),
        ("line\nfeed", '"line\\nfeed"'),
    ],
    "ip": [(ip, ip) for ip in ("192.0.2.1", "2001:db8::1", "::")],
    "ipv4": [(ip, ip) for ip in ("0.0.0.0", "255.255.255.255")],
}
FLOATS = [0.0, 1.0, -1.5, 0.1, 1e15, 1e16, 1e-4, 1e-5, 5e-324, 1.7976931348623157e308, 123456789.12345679, 2.0**53]

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=80)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4),
    max_leaves=10,
)
_VALUES = {
    "big_integer": st.integers(-(2**63), 2**63 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "char": _TEXT,
    "text": _TEXT | st.sampled_from(AWKWARD_TEXTS),
    "date": st.dates(date(1000, 1, 1)),
    "datetime": st.datetimes(datetime(1000, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),
    "time": st.times(),
    "duration": st.timedeltas(timedelta(days=-100_000), timedelta(days=100_000)),
    "decimal_money": st.decimals(-99_999_999, 99_999_999, places=2),
    "decimal_fine": st.decimals(-999_999, 999_999, places=15),
    "decimal_fraction": st.decimals(0, Decimal("0.999999999"), places=9),
    "float": st.floats(allow_nan=False, allow_infinity=False),
    "binary": st.binary(max_size=200),
    "uuid": st.uuids(version=4),  # MariaDB refuses some of those that no version ever made
    "json": _JSON,
    "ip": st.ip_addresses(v=4).map(str),
}
ROWS = st.lists(st.fixed_dictionaries({n: st.none() | values for n, values in _VALUES.items()}), min_size=1, max_size=9)


class Values:
    """Facts of values."""

    @pytest.fixture
    def fields(self, engine: Engine) -> Engine:
        """An engine whose database has the table of all fields."""
        with connections[engine.alias].schema_editor() as editor:
            editor.create_model(AllFields)
        return engine

    def test_a_value_is_the_same_cell_on_every_engine(self, fields: Engine) -> None:
        expected = {}
        for name, pairs in ON_EVERY_ENGINE.items():
            for value, cell in pairs:
                row = AllFields.objects.using(fields.alias).create(**{name: value})
                expected[str(row.pk), name] = cell
        found = cells_of(dump(fields))
        assert {key: found[key] for key in expected} == expected
        filled = {key for key, cell in found.items() if cell is not None and key[1] in ON_EVERY_ENGINE}
        assert filled == set(expected)

    def test_a_float_reads_back_to_the_same_double(self, fields: Engine) -> None:
        keys = [AllFields.objects.using(fields.alias).create(float=number).pk for number in FLOATS]
        found = cells_of(dump(fields))
        assert [float(str(found[str(key), "float"])) for key in keys] == FLOATS

    def test_the_kinds_are_those_of_the_fields(self, fields: Engine) -> None:
        kinds = {column.field: column.kind for column in dump(fields).tables[0].columns}
        named_after_field = {
            "integer",
            "boolean",
            "float",
            "text",
            "date",
            "time",
            "duration",
            "uuid",
            "json",
            "binary",
        }
        assert {name: kinds[name] for name in named_after_field} == {name: name for name in named_after_field}
        assert {kinds[name] for name in ("char", "slug", "email", "url", "file", "choice")} == {"text"}
        assert {kinds[name] for name in kinds if name.startswith("decimal")} == {"decimal"}
        assert {kinds["datetime"], kinds["ip"]} == {"datetime", "inet"}

    @pytest.mark.slow
    def test_what_any_row_holds_comes_back(self, fields: Engine, server: Server) -> None:
        table = AllFields.objects.using(fields.alias)

        @settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
        @given(ROWS)
        def comes_back(rows: list[dict[str, Any]]) -> None:
            table.all().delete()
            table.bulk_create(AllFields(**row) for row in rows)
            with fields.snapshot() as snapshot:
                found = named(snapshot.tables(), AllFields._meta.db_table)
                assert list(snapshot.lines(found)) == referenced(snapshot, found)
            expected = dump(fields)
            target = fields.at(server.new_name())
            try:
                restore(expected, target)
                assert_same(expected, dump(target), fields)
            finally:
                target.drop()

        comes_back()


def cells_of(made: Dump) -> dict[tuple[str, str], Cell]:
    """Return each cell of the table of all fields, by primary key and field."""
    table = made.table(AllFields._meta.db_table)
    rows = map(Decoder(table).decode, made.lines[table.qualified])
    return {(str(row[0]), c.field): cell for row in rows for c, cell in zip(table.columns, row, strict=True)}
