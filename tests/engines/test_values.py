"""Conversions between an engine's text and canonical text."""

import binascii
from datetime import timedelta

import pytest
from django.utils.duration import duration_iso_string
from hypothesis import given
from hypothesis import strategies as st

from backups.engines import values
from backups.rows import Exact
from tests.zoo.values import JSONS


@given(st.datetimes())
def test_every_timestamp_that_django_writes_is_read_and_written_back(moment):
    canonical = values.timestamp_from(str(moment))
    assert canonical == moment.isoformat(timespec="microseconds")
    assert values.timestamp_to(canonical) == values.timestamp_to(f"{canonical}Z") == str(moment)


@given(st.times(), st.dates())
def test_every_time_and_date_that_django_writes_is_read_and_written_back(time, date):
    assert values.time_to(values.time_from(str(time))) == str(time)
    assert values.date_from(str(date)) == str(date)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-02-29",
        "0000-01-01",
        "10000-01-01",
        "2026-1-1",
        "20260101",
        "2026-01-01\n",
        "２０２６-01-01",
        "-026-01-01",
    ],
)
def test_what_is_no_day_is_no_date(text):
    assert values.date_from(text) is None
    assert values.timestamp_from(f"{text} 00:00:00") is None


@pytest.mark.parametrize(
    "text", ["", "24:00:00", "12:60:00", "12:00:60", "12:00", "12:00:00.", "12:00:00.1234567", "-1:00:00"]
)
def test_what_is_no_time_of_day_is_no_time(text):
    assert values.time_from(text) is None
    assert values.timestamp_from(f"2026-01-01 {text}") is None


@pytest.mark.parametrize("text", ["2026-01-01T00:00:00", "2026-01-01  00:00:00", "2026-01-01", "2026-01-01 00:00:00Z"])
def test_a_timestamp_is_a_date_a_space_and_a_time(text):
    assert values.timestamp_from(text) is None


def test_a_fraction_is_filled_up_to_six_digits():
    assert values.timestamp_from("2026-01-01 00:00:00.5") == "2026-01-01T00:00:00.500000"


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_duration_of_64_bits_is_written_as_django_does_and_read_back(microseconds):
    text = values.duration_from(microseconds)
    assert text == duration_iso_string(timedelta(microseconds=microseconds))
    assert values.duration_to(text) == microseconds


@pytest.mark.parametrize("text", ["", "P1D", "P1DT00H00M", "P1DT00H00M00.1S", "--P1DT00H00M00S", "P1DT0H0M0S"])
def test_what_django_does_not_write_is_no_duration(text):
    with pytest.raises(ValueError, match="duration"):
        values.duration_to(text)


@given(st.uuids())
def test_a_uuid_is_dashed_and_undashed(uuid):
    assert values.uuid_from(uuid.hex) == str(uuid)
    assert values.uuid_to(str(uuid)) == uuid.hex


@pytest.mark.parametrize("text", ["", "F" * 32, "f" * 31, "f" * 33, "g" * 32, "f" * 32 + "\n"])
def test_other_spellings_of_a_uuid_are_none(text):
    assert values.uuid_from(text) is None


@given(st.binary())
def test_bytes_are_base64_and_back(data):
    assert values.binary_to(values.binary_from(data)) == data


@pytest.mark.parametrize("text", ["a", "ab=", "a b=", "####", "AAAA\n"])
def test_what_is_not_base64_is_refused(text):
    with pytest.raises(binascii.Error):
        values.binary_to(text)


@given(st.floats())
def test_a_float_is_its_shortest_text_or_a_marker(number):
    cell = values.float_cell(number)
    if isinstance(cell, Exact):
        assert cell.value == {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(number)]
    else:
        assert float(cell) == number


@pytest.mark.parametrize("text", JSONS.values(), ids=JSONS)
def test_json_text_comes_back_verbatim(text):
    assert values.json_to(values.json_cell(text)) == text


PLAIN_JSON = [
    "{}",
    "[1,  2]",
    '{"a": 1, "a": 2}',
    "1e400",
    "9" * 5000,
    "-0",
    "[" * 5000 + "]" * 5000,
    f'"{"[" * 9000}"',
]
PLAIN_JSON += ['"\\ud83d\\ude00"', '"\\\\ud83d"', '"\x7f\u2028"']
OTHER_TEXT = [
    "",
    " {}",
    "{}\n",
    "[1,\r2]",
    "NaN",
    "[Infinity]",
    "{'a': 1}",
    "01",
    "[1] [2]",
    '"\t"',
    "\ufeff{}",
    "nul",
    '"\\x"',
]
OTHER_TEXT += ['"\\ud83d"', '"\\ude00\\ud83d"', '"\ud83d"', "[" * 5001 + "]" * 5001, "[" * 9000]


@pytest.mark.parametrize("text", PLAIN_JSON, ids=lambda text: ascii(text)[:30])
def test_json_stands_in_a_line_as_it_is(text):
    assert values.json_cell(text) == text


@pytest.mark.parametrize("text", OTHER_TEXT, ids=lambda text: ascii(text)[:30])
def test_what_may_not_stand_in_a_line_is_exact_text(text):
    assert values.json_cell(text) == Exact({"text": text})


def test_json_null_is_not_null():
    assert values.json_cell("null") == Exact("json null")
    assert values.json_to(Exact("json null")) == "null"
    assert values.json_to(None) is None


def test_an_exact_of_another_column_is_refused():
    with pytest.raises(ValueError, match="belong"):
        values.json_to(Exact({"integer": "1"}))
