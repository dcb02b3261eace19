"""A row of ``AllFields`` for every awkward value of every kind."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db import connections

from tests.zoo import values
from tests.zoo.fill.insert import quoted
from tests.zoo.models import AllFields


def columns(vendor: str) -> dict[str, list[Any]]:
    """By field, the values that an engine can hold; the JSON texts come by another way."""
    texts = list(values.TEXTS.values())
    if vendor != "postgresql":
        texts += values.TEXTS_WITH_NUL.values()
    unsigned = vendor == "mysql"
    return {
        "big_integer": list(values.BIG_INTEGERS),
        "integer": list(values.INTEGERS),
        "small_integer": list(values.SMALL_INTEGERS),
        "positive_big_integer": [0, 2**64 - 1 if unsigned else 2**63 - 1],
        "positive_integer": [0, 2**32 - 1 if unsigned else 2**31 - 1],
        "positive_small_integer": [0, 2**16 - 1 if unsigned else 2**15 - 1],
        "boolean": [True, False],
        "char": texts,
        "choice": ["a", "?", ""],
        "text": [*texts, "long line " * 20_000],
        "slug": ["plain-slug_1", "größe", "", "not a slug!"],
        "email": ["a@example.com", "ü@exämple.com", "no address", ""],
        "url": ["https://example.com/?a=1&b=%20#c", "ftp://[::1]:21/ü", "no url", ""],
        "date": list(values.DATES.values()),
        "datetime": list(values.DATETIMES.values()),
        "time": list(values.TIMES.values()),
        "duration": list(values.DURATIONS.values()),
        "decimal_money": list(values.MONEY.values()),
        "decimal_fine": list(values.FINE.values()),
        "decimal_whole": list(values.WHOLE.values()),
        "decimal_fraction": list(values.FRACTIONS.values()),
        "float": list(values.FLOATS.values()),
        "binary": list(values.BINARIES.values()),
        "uuid": list(values.UUIDS.values()),
        "json_encoded": [
            {"at": datetime(2024, 5, 6, 7, 8, 9, 999_999, tzinfo=UTC), "amount": Decimal("1.10")},
            [UUID(int=7), "é", None, True],
            "text",
        ],
        "ip": list(values.IPS.values()),
        "ipv4": ["192.0.2.1"],
        "file_path": ["files/a b.txt", ""],
        "file": ["files/2024/ü b'c.txt", "../outside.txt", "no/such.file", ""],
    }


def jsons(vendor: str) -> list[str]:
    """The JSON texts that an engine can hold."""
    texts = list(values.JSONS.values())
    if vendor != "postgresql":
        texts += values.JSONS_WITH_NUL.values()
    if vendor == "sqlite":
        texts += values.JSONS_WITH_SURROGATE.values()
    return texts


def fill_fields(using: str) -> None:
    """The n-th row holds the n-th value of each kind; the last row holds nothing but NULL."""
    connection = connections[using]
    by_field = columns(connection.vendor)
    rows = [
        AllFields(**{name: held[n] for name, held in by_field.items() if n < len(held)})
        for n in range(max(map(len, by_field.values())))
    ]
    for row in rows:
        row.save(using=using, force_insert=True)
    AllFields().save(using=using, force_insert=True)

    # JSON goes in as text: the ORM would parse it and write it anew.
    place = "%s::jsonb" if connection.vendor == "postgresql" else "%s"
    column = quoted(using, "json")
    with connection.cursor() as cursor:
        for row, text in zip(rows, jsons(connection.vendor), strict=False):
            cursor.execute(f"UPDATE zoo_allfields SET {column} = {place} WHERE id = %s", [text, row.pk])
