"""Tables of awkward values by kind, each as name and value; for the zoo, and for any test of rows or engines."""

import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

CONTROL = "".join(map(chr, range(1, 32))) + "\x7f"

TEXTS: dict[str, str] = {
    "empty": "",
    "space": " ",
    "spaces at the ends": "  both ends  ",
    "tab": "\ta\t",
    "line feed": "first\nsecond\n",
    "carriage return": "first\rsecond\r\nthird",
    "quotes": 'it\'s "quoted", `so` and $tag$so$tag$',
    "backslashes": "\\ \\n \\\\ \\x41 \\",
    "end of COPY": "\\.",
    "NULL of COPY": "\\N",
    "word null": "NULL",
    "percent": "100% %s %(a)s %% {0} {a}",
    "line separators": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg",
    "emoji": "\U0001f6df \U0001f6a3\u200d\u2640\ufe0f",
    "combining": "e\u0301 is not \u00e9",
    "Turkish": "\u0130\u0131Ii",
    "sharp s": "\u00df \u1e9e SS",
    "control": CONTROL,
    "C1 control": "".join(map(chr, range(0x80, 0xA0))),
    "byte order mark": "\ufeffmark",
    "not characters": "\uffff\ufdd0\U0010ffff",
    "private use": "\ue000\U000f0000",
    "right to left": "\u202eabc\u202c \u05d0",
    "CJK": "\u6551\u547d\u8247",
    "like JSON": '{"a": [1, "b"]}',
    "like SQL": "'; DROP TABLE zoo_tree; --",
    "like HTML": "</script>&amp;<!--",
    "like a number": "007",
    "like a float": "1e5",
    "like NaN": "nan",
    "like a date": "2024-01-01",
    "like bytes": "\\x00ff",
    "like base64": "AAEC",
    "as long as allowed": "\u00fc" * 255,
}

# PostgreSQL refuses NUL in text.
TEXTS_WITH_NUL: dict[str, str] = {"NUL": "a\x00b", "only NUL": "\x00", "NUL at the end": "end\x00"}

DATES: dict[str, date] = {
    "first": date.min,
    "last": date.max,
    "leap day": date(2024, 2, 29),
    "leap day of a century": date(2000, 2, 29),
    "skipped by Gregory": date(1582, 10, 10),
    "year of three digits": date(987, 6, 5),
    "before the epoch": date(1969, 12, 31),
}

DATETIMES: dict[str, datetime] = {
    "first": datetime(1, 1, 1, tzinfo=UTC),
    "first microsecond": datetime(1, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    "last": datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "six digits": datetime(2024, 5, 6, 7, 8, 9, 123_456, tzinfo=UTC),
    "rounds up": datetime(2024, 5, 6, 7, 8, 9, 999_999, tzinfo=UTC),
    "one microsecond": datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=UTC),
    "trailing zeros": datetime(2024, 5, 6, 7, 8, 9, 120_000, tzinfo=UTC),
    "whole second": datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    "midnight": datetime(2024, 5, 6, tzinfo=UTC),
    "before spring in Europe": datetime(2024, 3, 31, 0, 59, 59, 999_999, tzinfo=UTC),
    "spring in Europe": datetime(2024, 3, 31, 1, tzinfo=UTC),
    "first half past two": datetime(2024, 10, 27, 0, 30, tzinfo=UTC),
    "second half past two": datetime(2024, 10, 27, 1, 30, tzinfo=UTC),
    "spring in New York": datetime(2024, 3, 10, 7, tzinfo=UTC),
    "autumn in New York": datetime(2024, 11, 3, 6, 30, tzinfo=UTC),
    "leap second": datetime(2016, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "before the epoch": datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    "epoch": datetime(1970, 1, 1, tzinfo=UTC),
    "past 32 bits": datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC),
    "before standard time": datetime(1883, 11, 18, 12, 3, 58, tzinfo=UTC),
}

TIMES: dict[str, time] = {
    "midnight": time.min,
    "last": time.max,
    "six digits": time(7, 8, 9, 123_456),
    "one microsecond": time(7, 8, 9, 1),
    "trailing zeros": time(7, 8, 9, 120_000),
    "whole second": time(7, 8, 9),
    "whole minute": time(7, 8),
}

# SQLite and MariaDB hold microseconds in 64 bits, which ends long before timedelta does.
LONGEST = timedelta(microseconds=2**63 - 1)

DURATIONS: dict[str, timedelta] = {
    "zero": timedelta(),
    "microsecond": timedelta(microseconds=1),
    "negative microsecond": timedelta(microseconds=-1),
    "negative": timedelta(days=-1, hours=3, microseconds=7),
    "negative day": timedelta(days=-1),
    "more hours than a day": timedelta(hours=49, minutes=1),
    "thirty days": timedelta(days=30),
    "year": timedelta(days=365, seconds=1),
    "longest": LONGEST,
    "most negative": -LONGEST,
}

MONEY: dict[str, Decimal] = {
    "zero": Decimal("0.00"),
    "negative zero": Decimal("-0.00"),
    "trailing zero": Decimal("1.50"),
    "tenth": Decimal("0.10"),
    "whole": Decimal("100.00"),
    "largest": Decimal("99999999.99"),
    "smallest": Decimal("-99999999.99"),
}

FINE: dict[str, Decimal] = {
    "all digits": Decimal("123456789012345.123456789012345"),
    "largest": Decimal("999999999999999.999999999999999"),
    "smallest": Decimal("-999999999999999.999999999999999"),
    "last digit": Decimal("0.000000000000001"),
    "no double": Decimal("0.100000000000000"),
    "seventeen digits": Decimal("0.300000000000000"),
}

WHOLE: dict[str, Decimal] = {
    "zero": Decimal("0"),
    "largest": Decimal("9" * 20),
    "smallest": Decimal("-" + "9" * 20),
    "past a double": Decimal("9007199254740993"),
    "past 64 bits": Decimal("18446744073709551616"),
}

FRACTIONS: dict[str, Decimal] = {
    "last digit": Decimal("0.000000001"),
    "largest": Decimal("0.999999999"),
    "smallest": Decimal("-0.999999999"),
    "zero": Decimal("0.000000000"),
}

FLOATS: dict[str, float] = {
    "zero": 0.0,
    "negative zero": -0.0,  # SQLite and MariaDB make it 0
    "whole": 1.0,
    "tenth": 0.1,
    "three tenths": 0.1 + 0.2,
    "third": 1 / 3,
    "largest": 1.7976931348623157e308,
    "most negative": -1.7976931348623157e308,
    "smallest normal": 2.2250738585072014e-308,
    "below normal": 1e-310,
    "smallest": 5e-324,
    "where whole numbers end": 9007199254740992.0,
    "where texts change form": 1e15,
    "where Python's text changes form": 1e16,
    "past 64 bits": 1e19,
    "past 64 bits below": -9.3e18,
    "tiny": 1.5e-300,
    "epsilon": 2.220446049250313e-16,
    "rounded to even": 5e22,
    "seventeen digits": 0.12345678901234568,
}

BINARIES: dict[str, bytes] = {
    "empty": b"",
    "every byte": bytes(range(256)),
    "NUL": b"\x00",
    "line feed": b"\n",
    "not UTF-8": b"\xff\xfe\xc3\x28",
    "text": "it's \U0001f6df".encode(),
    "57 bytes": b"5" * 57,  # PostgreSQL's base64 breaks lines after these
    "58 bytes": b"8" * 58,
    "backslash": b"\\x41\\",
    "large": bytes(range(256)) * 300,
}

UUIDS: dict[str, uuid.UUID] = {
    "nil": uuid.UUID(int=0),
    "max": uuid.UUID(int=2**128 - 1),
    "leading zeros": uuid.UUID(int=1),
    "version 4": uuid.UUID("3f9a2c1e-0b7d-4e58-9c61-7a5d0e3b2f48"),
    "version 7": uuid.UUID("018f4d2a-7c3e-7b21-8a4f-0123456789ab"),
}

# As texts: what a JSON column holds to the letter, where the engine keeps the letter.
JSONS: dict[str, str] = {
    "null": "null",
    "true": "true",
    "zero": "0",
    "negative zero": "-0.0",
    "empty object": "{}",
    "empty array": "[]",
    "empty string": '""',
    "empty key": '{"": ""}',
    "word null": '"null"',
    "key order": '{"z": 1, "a": 2, "aa": 3, "B": 4}',
    "same key twice": '{"a": 1, "a": 2}',
    "spaces": '{ "a" :  [1,2 ,3] }',
    "compact": '{"a":[1,2,3],"b":{"c":null}}',
    "escapes": '"\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9 \\u2028 \\ud83d\\udedf"',
    "unescaped": '"\u00e9 \u2028 \U0001f6df \x7f / <b>"',
    "large integer": "123456789012345678901234567890",
    "past a double": "9007199254740993",
    "past 64 bits": "[18446744073709551615, 18446744073709551616, -9223372036854775809]",
    "trailing zeros": "[1.0, 1.10, 100, 1e2, 1E+2, 1.5e-7]",
    "many digits": "0.1234567890123456789012345678901234567890",
    "nested": "[" * 30 + "]" * 30,
    "past every double": "[1e400, -1e400]",
    "mixed": '[1, "1", 1.0, true, null, [], {}]',
    "keys like fixtures": '{"model": "zoo.tree", "pk": 1, "fields": {}, "exact": {"a": "json null"}}',
}

# PostgreSQL's jsonb refuses this.
JSONS_WITH_NUL: dict[str, str] = {"escaped NUL": '"a\\u0000b"'}

# MariaDB and PostgreSQL's jsonb refuse this.
JSONS_WITH_SURROGATE: dict[str, str] = {"lone surrogate": '"\\ud800"'}

IPS: dict[str, str] = {
    "version 4": "192.0.2.1",
    "any 4": "0.0.0.0",
    "all 4": "255.255.255.255",
    "version 6": "2001:db8::1",
    "any 6": "::",
    "all 6": "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "4 in 6": "::ffff:192.0.2.1",
}

BIG_INTEGERS = (0, 1, -1, 2**31, -(2**31) - 1, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31))
SMALL_INTEGERS = (0, 1, -1, 2**15 - 1, -(2**15))
