"""Rows under every kind of key, and under the keys that tools trip over."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

from django.db import connections

from tests.zoo import values
from tests.zoo.fill.insert import execute, insert, zero_allowed
from tests.zoo.models import (
    AutoKey,
    BigAutoKey,
    CharKey,
    DateKey,
    DecimalKey,
    HighWater,
    KeyHolder,
    OneToOneKey,
    Reading,
    Seat,
    SlugKey,
    SmallAutoKey,
    Snowflake,
    Tag,
    UuidKey,
)

# No two of these are equal under any collation in common use.
CHAR_KEYS = ["10", "9", "2", "_", "~", "a", "B", "c", "é", "Ω", "zz", "a b", "a/b", "a%b", "%s", "it's", 'say "hi"']
CHAR_KEYS += ["back\\slash", "new\nline", "tab\t", "\U0001f6df", "x" * 200]
# MariaDB's default collation takes most of these for equal to others.
EXACT_CHAR_KEYS = ["", " ", "a ", "A", "b", "e", "e\u0301", "É", "\U0001f6a3", "\ufffd"]

SNOWFLAKES = [-(2**63), -1, 0, 1, 2**31, 2**53 + 1, 1_700_000_000_000_000_001, 2**63 - 1]


def char_keys(vendor: str) -> list[str]:
    """The text keys that an engine can hold side by side."""
    keys = list(CHAR_KEYS)
    if vendor == "mysql":
        return [*keys, ""]
    keys += EXACT_CHAR_KEYS
    return [*keys, "NUL\x00key"] if vendor == "sqlite" else keys


def fill_keys(using: str) -> None:
    """Keys first, then what refers to them."""
    _counters(using)
    CharKey.objects.using(using).bulk_create(
        [CharKey(name=name, label=f"key {n}") for n, name in enumerate(char_keys(connections[using].vendor))]
    )
    SlugKey.objects.using(using).bulk_create([SlugKey(slug_id=name) for name in ("", "é", "\U0001f6df", "it's")])
    UuidKey.objects.using(using).bulk_create([UuidKey(id=key, label=name) for name, key in values.UUIDS.items()])
    DateKey.objects.using(using).bulk_create([DateKey(at=at, label=name) for name, at in values.DATETIMES.items()])
    DecimalKey.objects.using(using).bulk_create(
        [DecimalKey(amount=Decimal(text)) for text in ("-1.5", "0", "0.0001", "0.1", "1.5000", "12345678.9012")]
    )
    Snowflake.objects.using(using).bulk_create([Snowflake(id=key, label=f"flake {key}") for key in SNOWFLAKES])
    OneToOneKey.objects.using(using).bulk_create([OneToOneKey(snowflake_id=key) for key in SNOWFLAKES[::2]])
    _composites(using)
    _holders(using)


def _counters(using: str) -> None:
    for n in range(4):
        AutoKey(label=f"counted {n}").save(using=using)
        BigAutoKey(label=f"counted {n}").save(using=using)
        SmallAutoKey(label=f"counted {n}").save(using=using)
    with zero_allowed(using):
        insert(using, "zoo_autokey", ["id", "label"], [(0, "zero"), (-1, "minus one"), (-(2**31), "least")])
    # On PostgreSQL the counter stays far behind this one.
    insert(using, "zoo_autokey", ["id", "label"], [(1_000_000, "far above the counter")])
    # Empty again, with a counter that has been used.
    SmallAutoKey.objects.using(using).all().delete()

    for n in range(1, 8):
        HighWater(label=f"row {n}").save(using=using)
    ids = HighWater.objects.using(using).order_by("id").values_list("id", flat=True)
    HighWater.objects.using(using).filter(id__in=[ids[0], ids[3], ids[5], ids[6]]).delete()


def _composites(using: str) -> None:
    halls = [UUID(int=0), UUID(int=2**128 - 1)]
    Seat.objects.using(using).bulk_create(
        [
            Seat(hall=hall, row=row, number=number, label=f"{row}/{number}")
            for number in (10, 9, -1, 0)
            for row in ("B", "é", "a,b", "it's")
            for hall in halls
        ]
    )
    moments = [
        datetime(2024, 5, 6, 7, 8, 9, 1, tzinfo=UTC),
        datetime(2024, 5, 6, 7, 8, 9, 2, tzinfo=UTC),
        datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC),
    ]
    Reading.objects.using(using).bulk_create(
        [Reading(sensor_id=key, taken_at=at, value=0.1) for at in moments for key in SNOWFLAKES[:3]]
    )


def _holders(using: str) -> None:
    Tag.objects.using(using).bulk_create([Tag(name=name) for name in ("red", "grün", "a b", "", "\U0001f6df")])
    KeyHolder.objects.using(using).bulk_create(
        [
            KeyHolder(),
            KeyHolder(
                uuid_id=UUID(int=0),
                char_id="",
                date_id=values.DATETIMES["last"],
                decimal_id=Decimal("0.1"),
                snowflake_id=-(2**63),
                tag_id="",
            ),
            KeyHolder(
                auto_id=-1,
                uuid_id=UUID(int=2**128 - 1),
                char_id="back\\slash",
                date_id=values.DATETIMES["six digits"],
                decimal_id=Decimal("1.5"),
                snowflake_id=0,
                tag_id="\U0001f6df",
            ),
            # The column has no constraint, so this is no orphan that a check may complain about.
            KeyHolder(unenforced_id=12345),
        ]
    )
    # Django refuses 0 as a counted key on MariaDB, even in a reference to one.
    execute(using, f"UPDATE zoo_keyholder SET auto_id = 0 WHERE snowflake_id = {-(2**63)}")
