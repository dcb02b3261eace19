"""Rows of generated, defaulted, encrypted, oddly named, constrained, indexed and weathered columns."""

from datetime import UTC, date, datetime
from decimal import Decimal

from tests.zoo import values
from tests.zoo.models import (
    Collated,
    Commented,
    Constrained,
    DatabaseDefaults,
    Encrypted,
    Generated,
    Indexed,
    LongNames,
    Reserved,
    Weathered,
)


def fill_columns(using: str) -> None:
    """Each of the models in ``models/columns.py``."""
    Generated.objects.using(using).bulk_create(
        [
            Generated(price=Decimal("1.50"), quantity=3, name="Upper"),
            Generated(price=Decimal("99999999.99"), quantity=-1, name="GRÖSSE"),
            Generated(price=Decimal("0.00"), quantity=0, name=""),
        ]
    )
    _defaults(using)
    Encrypted.objects.using(using).bulk_create(
        [Encrypted(secret=text) for text in (None, "", "a secret", "ü \U0001f6df", "long " * 1000)]
    )
    _names(using)
    Collated.objects.using(using).bulk_create(
        [Collated(name=name, exact=f"{name} ") for name in ("a", "B", "ö", "Z", "ßa", "10", "9", "\U0001f6df")]
    )
    Commented.objects.using(using).bulk_create([Commented(plain=1, odd="plain"), Commented(plain=-1, odd="")])
    _constrained(using)
    Indexed.objects.using(using).bulk_create(
        [Indexed(first=f"First {n}", second=f"{n % 7}", number=None if n % 5 == 0 else n * 3) for n in range(40)]
    )
    Weathered.objects.using(using).bulk_create(
        [Weathered(first=f"first {n}", new_label=f"label {n}", last="last") for n in range(3)]
        + [Weathered(first="", new_label="", last="", added_in_the_middle=-1)]
    )


def _defaults(using: str) -> None:
    rows = DatabaseDefaults.objects.using(using)
    rows.create()
    rows.create(number=None, text=None, at=None, flag=None, amount=None)
    rows.create(number=0, text="", at=values.DATETIMES["first"], flag=False, amount=Decimal(0))
    # What the clock wrote would differ each time.
    rows.update(touched=values.DATETIMES["rounds up"], made=date(2024, 2, 29))
    rows.filter(number=7).update(at=datetime(2024, 5, 6, 7, 8, 9, 10, tzinfo=UTC))


def _names(using: str) -> None:
    reserved = Reserved.objects.using(using)
    first = reserved.create(order=1, group_by="a", where="b", column=2, fields="{}", model="zoo.tree", exact="x")
    reserved.create(order=None, umlaut="ü", next=first)
    LongNames.objects.using(using).create(
        a_column_whose_name_is_as_long_as_every_engine_can_hold_63_char=1,
        another_column_with_an_index_whose_name_has_to_be_cut_somewhere="cut",
    )


def _constrained(using: str) -> None:
    Constrained.objects.using(using).bulk_create(
        [
            Constrained(unit="kg", low=1, high=2, name="a", code="A", rank=1),
            Constrained(unit="lb", low=-5, high=5, name="a", code="b", active=False),
            Constrained(unit="it's", low=0, high=0, name="a", code=None, active=False),
            Constrained(unit="kg", low=2**31 - 2, high=2**31 - 1, name="no 100%", code="", rank=2),
        ]
    )
    # Only a deferred constraint lets two rows change places; elsewhere one of them has to step aside.
    rows = Constrained.objects.using(using)
    rows.filter(rank=1).update(rank=3)
    rows.filter(rank=2).update(rank=1)
