"""Puts into every table of the PostgreSQL zoo what only PostgreSQL can hold, once, after ``migrate``."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connections, transaction
from django.db.backends.postgresql.psycopg_any import DateRange, DateTimeTZRange, NumericRange

from tests.zoo import values
from tests.zoo.fill.insert import execute
from tests.zoo_pg.models import Arrays, Booking, IndexedPg, MoodKey, Ranges, Searched, Store, Typed
from tests.zoo_pg.types_rows import TYPES_ROWS

MOODS = ["sad", "gloomy", "it's ok", "happy", "Zen", 'a,b "c"', ""]


def fill_pg(using: str) -> None:
    """Fill each table; the same rows each time."""
    with transaction.atomic(using=using):
        _arrays(using)
        _ranges(using)
        _others(using)
        execute(using, *EXTREMES, *TYPES_ROWS, *TABLES)
        if _has_table(using, "zoo_pg_icu"):
            execute(using, "INSERT INTO zoo_pg_icu VALUES ('a', 'ä'), ('B', 'z'), ('é', 'Z'), ('e', NULL)")
        if _has_table(using, "zoo_pg_18"):
            execute(
                using,
                "INSERT INTO zoo_pg_18 VALUES (1, 21, DEFAULT, '[2024-01-01,2024-02-01)')",
                "INSERT INTO zoo_pg_18 VALUES (2, 21, DEFAULT, '[2024-02-01,)'), (3, -1, DEFAULT, '(,)')",
            )
    execute(using, "REFRESH MATERIALIZED VIEW zoo_pg_moods")


def _has_table(using: str, name: str) -> bool:
    with connections[using].cursor() as cursor:
        return name in connections[using].introspection.table_names(cursor)


def _arrays(using: str) -> None:
    texts = [text for text in values.TEXTS.values() if len(text) <= 100]
    Arrays.objects.using(using).bulk_create(
        [
            Arrays(texts=None),
            Arrays(
                integers=[],
                texts=[],
                nested=[],
                dates=[],
                datetimes=[],
                decimals=[],
                floats=[],
                booleans=[],
                uuids=[],
                jsons=[],
                binaries=[],
                sized=[],
                moods=[],
            ),
            Arrays(
                integers=[1, None, -(2**31)],
                texts=[*texts, "a,b", "{}", "{a}", "NULL", "null"],
                nested=[[1, 2, 3], [4, 5, 6]],
                dates=list(values.DATES.values()),
                datetimes=list(values.DATETIMES.values()),
                decimals=list(values.FINE.values()),
                floats=[*values.FLOATS.values(), float("nan"), float("inf"), float("-inf")],
                booleans=[True, False, None],
                uuids=list(values.UUIDS.values()),
                jsons=[{"z": 1, "a": [None, "it's"]}, [], "", 1.5, None],
                binaries=list(values.BINARIES.values()),
                sized=[1, -(2**15), 2**15 - 1],
                moods=MOODS,
            ),
            Arrays(integers=[None], texts=[None, ""], nested=[[None]], booleans=[None, None]),
        ]
    )
    # What psycopg would not write: bounds that begin elsewhere than at 1, and moments that are none.
    execute(
        using,
        """INSERT INTO zoo_pg_arrays (integers, texts, nested, dates, datetimes, decimals, jsons) VALUES
        ('[0:2]={7,8,9}', '[-3:-2]={a,NULL}', '[2:3][-1:0]={{1,2},{3,4}}',
            '{infinity,-infinity,"0044-03-15 BC",NULL,5874897-12-31}', '{infinity,-infinity,"4713-01-01 BC"}', '{NaN,NULL}',
            ARRAY['null', '"a\\\\b"', NULL]::jsonb[])""",
    )


def _ranges(using: str) -> None:
    start, end = datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=UTC), datetime(2024, 5, 6, 7, 8, 9, 999_999, tzinfo=UTC)
    Ranges.objects.using(using).bulk_create(
        [
            Ranges(),
            Ranges(
                integers=NumericRange(1, 5, "[]"),  # the engine makes it [1,6)
                big_integers=NumericRange(-(2**63), 2**63 - 1),
                decimals=NumericRange(Decimal("0.10"), Decimal("1.000"), "(]"),
                datetimes=DateTimeTZRange(start, end, "()"),
                dates=DateRange(date(2024, 2, 28), date(2024, 2, 29), "[]"),
            ),
            Ranges(
                integers=NumericRange(empty=True),
                big_integers=NumericRange(empty=True),
                decimals=NumericRange(empty=True),
                datetimes=DateTimeTZRange(empty=True),
                dates=DateRange(empty=True),
            ),
            Ranges(
                integers=NumericRange(None, None),
                big_integers=NumericRange(None, 5),
                decimals=NumericRange(Decimal("NaN"), None, "[]"),
                datetimes=DateTimeTZRange(start, None),
                dates=DateRange(None, date.min),
            ),
        ]
    )
    execute(
        using,
        """INSERT INTO zoo_pg_ranges (decimals, datetimes, dates) VALUES
        ('[-Infinity,Infinity]', '[-infinity,infinity]', '[-infinity,infinity)'),
        ('[1.50,1.50]', '["0044-03-15 00:00:00+00 BC",infinity)', '["0044-03-15 BC",5874897-12-31)')""",
    )
    Booking.objects.using(using).bulk_create(
        [
            Booking(room=1, during=DateTimeTZRange(start, end)),
            Booking(room=1, during=DateTimeTZRange(end, None)),
            Booking(room=1, during=DateTimeTZRange(start, None), cancelled=True),
            Booking(room=2, during=DateTimeTZRange(None, None)),
        ]
    )


def _others(using: str) -> None:
    odd = {str(n): text for n, text in enumerate(values.TEXTS.values())}
    Store.objects.using(using).bulk_create(
        [
            Store(data=data)
            for data in (None, {}, {"": "", "a": None, "NULL": "NULL", '"=>"': "=>,\\"}, {"b": "1", "aa": "2"}, odd)
        ]
    )
    Searched.objects.using(using).bulk_create(
        [Searched(title="The lifeboats' proofs"), Searched(title=""), Searched(title="it's 100% 'quoted' \\ back")]
    )
    execute(
        using,
        r"""UPDATE zoo_pg_searched SET written = CASE WHEN title = '' THEN ''::tsvector
        ELSE 'a:1A,2B boat''s:3 ''it''''s'':5C ''back\\slash'':16383 nowhere'::tsvector END""",
    )
    Typed.objects.using(using).bulk_create(
        [
            Typed(mood=mood, even=even, nickname=name)
            for mood, even, name in zip(
                [*MOODS, None],
                [0, 2, -2, None, 2**31 - 2, -(2**31), 4, 6],
                ["Ann", "bo", "É", "", "Z", "a", "1", "~"],
                strict=True,
            )
        ]
    )
    MoodKey.objects.using(using).bulk_create([MoodKey(mood=mood) for mood in sorted(MOODS)])
    IndexedPg.objects.using(using).bulk_create(
        [
            IndexedPg(name=f"Name {n}", number=n - 20, data={"n": n, "id": str(UUID(int=n))}, address=f"192.0.2.{n}")
            for n in range(50)
        ]
    )


EXTREMES = (
    """INSERT INTO zoo_pg_extremes (datetime, date, time, duration, "decimal", "float", json) VALUES
    ('infinity', 'infinity', '24:00:00', '1 year 2 mons -3 days +04:05:06.789012', 'NaN', 'NaN', 'null'),
    ('-infinity', '-infinity', '00:00:00', '-1 mons +1 day -00:00:00.000001', '0.0000', 'Infinity', '[1e1000]'),
    ('4713-01-01 00:00:00+00 BC', '4713-01-01 BC', '23:59:59.999999', '30 days', '-0.0001', '-Infinity', '"\\ufeff"'),
    ('0001-12-31 23:59:59.999999+00 BC', '0001-12-31 BC', NULL, '720:00:00', NULL, '-0', '{}'),
    ('294276-12-31 23:59:59.999999+00', '5874897-12-31', NULL, '1 mon', NULL, '5e-324', '-0'),
    ('10000-01-01 00:00:00+00', '10000-01-01', NULL, '-178000000 years', NULL, '1e15', '1.10'),
    (NULL, NULL, NULL, '1 day -24:00:00', NULL, '1e16', '""'),
    (NULL, NULL, NULL, '00:00:00', NULL, '123456789012345678', NULL),
    (NULL, NULL, NULL, '2147483647 days', NULL, NULL, NULL)""",
)

TABLES = (
    # ALWAYS refuses a value of the application's, unless it is overruled.
    "INSERT INTO zoo_pg_counters (label) VALUES ('one'), ('two'), ('three')",
    "INSERT INTO zoo_pg_counters (always_, by_default, label) OVERRIDING SYSTEM VALUE VALUES (7, 1000, 'by hand')",
    "DELETE FROM zoo_pg_counters WHERE label = 'three'",
    "INSERT INTO zoo_pg_shared_counter (word) VALUES ('  Spaces  '), (DEFAULT), (NULL)",
    """INSERT INTO zoo_pg_event
    SELECT n, timestamptz '2022-12-31 23:59:59.999999+00' + n * interval '40 days', 'kind ' || n % 3,
        jsonb_build_object('n', n)
    FROM generate_series(0, 40) AS n""",
    "INSERT INTO zoo_pg_event VALUES (-1, '-infinity', NULL, NULL), (99, 'infinity', '', 'null')",
    "INSERT INTO zoo_pg_listed VALUES ('it''s', 'one'), (NULL, 'two'), (NULL, 'two'), ('other', 'rest')",
    "INSERT INTO zoo_pg_city VALUES (1, 'Genoa'), (2, DEFAULT)",
    # Equal to a key of the parent: inheritance has no key in common.
    "INSERT INTO zoo_pg_capital VALUES (1, 'Rome', 'Italy'), (3, DEFAULT, NULL)",
    "INSERT INTO zoo_pg_holes (id, label, late) VALUES (100, 'new', 7)",
    "INSERT INTO zoo_pg_unlogged VALUES (1, 'lost in a crash'), (2, 'deleted by rule')",
    "DELETE FROM zoo_pg_unlogged WHERE id = 2",
    """INSERT INTO "zoo elsewhere".zoo_tree (mood, held_by)
    VALUES ('other', (SELECT min(id) FROM public.zoo_tree)), (NULL, NULL)""",
    "INSERT INTO zoo_pg_composite_reference VALUES (-1, '-infinity', 'kept'), (NULL, NULL, 'free')",
    "INSERT INTO zoo_pg_cycle (id) VALUES (1), (2)",
    "SELECT nextval('zoo_pg_down')",
)
