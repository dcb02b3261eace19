"""Filling the shop's tables."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count

import pytest
from django.db import IntegrityError, connection
from django.db.models import ProtectedError
from django.test.utils import CaptureQueriesContext

from shop import seeding
from shop.models import Customer, Order
from shop.seeding import NotEmptyError, seed
from shop.sources import OrderRow, made_up

pytestmark = pytest.mark.django_db


def test_what_is_read_is_what_was_generated() -> None:
    source = made_up(20, 60)
    seed(source)
    assert list(Customer.objects.order_by("id").values_list()) == list(source.customer_rows())
    names = OrderRow._fields
    assert list(Order.objects.order_by("id").values_list(*names)) == list(source.order_rows())


def test_rows_are_valid_for_the_models_too() -> None:
    seed(made_up(20, 60))
    for instance in (*Customer.objects.all(), *Order.objects.all()):
        instance.full_clean()


@pytest.mark.parametrize("held", ["customers", "customers and orders"])
def test_a_shop_that_is_not_empty_is_left_as_it_is(held: str) -> None:
    seed(made_up(3, 6 if "orders" in held else 0))
    before = list(Order.objects.values_list())
    with pytest.raises(NotEmptyError, match=f"The shop holds {held} already. Give --clear"):
        seed(made_up(5, 10))
    assert Customer.objects.count() == 3
    assert list(Order.objects.values_list()) == before


def test_clearing_makes_room() -> None:
    seed(made_up(30, 60))
    seed(made_up(5, 10), clear=True)
    assert (Customer.objects.count(), Order.objects.count()) == (5, 10)


@pytest.mark.django_db(transaction=True)
def test_a_failure_half_way_changes_nothing() -> None:
    def failing() -> Iterator[OrderRow]:
        yield from made_up(5, 10).order_rows()
        raise OSError("The disk is gone.")

    seed(made_up(5, 10))
    before = list(Order.objects.values_list())
    with pytest.raises(OSError, match="The disk is gone"):
        seed(replace(made_up(5, 10, seed=1), order_rows=failing), clear=True)
    assert list(Order.objects.values_list()) == before


def test_the_next_rows_follow_the_seeded_ones() -> None:
    seed(made_up(5, 10))
    customer = Customer.objects.create(email="new@example.com", name="New", joined=datetime.now(UTC))
    order = new_order(customer)
    # SQLite goes on where earlier tests' rows ended, which is after the seeded ones too.
    assert customer.pk > 5 and order.pk > 10


def test_rows_are_taken_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "BATCH", 7)
    taken = count()
    most_ahead = 0
    written = 0

    def watched() -> Iterator[OrderRow]:
        nonlocal most_ahead
        for row in made_up(5, 40).order_rows():
            most_ahead = max(most_ahead, next(taken) + 1 - written)
            yield row

    def progress(done: int) -> None:
        nonlocal written
        written = max(0, done - 5)

    seed(replace(made_up(5, 40), order_rows=watched), progress=progress)
    assert written == 40
    assert most_ahead == 7


def test_progress_counts_customers_and_orders_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seeding, "BATCH", 4)
    seen: list[int] = []
    seed(made_up(5, 6), progress=seen.append)
    assert seen == [4, 5, 9, 11]


def test_the_log_of_queries_does_not_grow_with_the_rows() -> None:
    with CaptureQueriesContext(connection) as queries:
        seed(made_up(2_000, 2_000))
    assert len(queries) < 12
    assert sum(len(query["sql"]) for query in queries) < 2_000


def new_order(customer: Customer, number: str = "X-1", quantity: int = 1, amount: str = "9.99") -> Order:
    """An order of the shop's own making."""
    return Order.objects.create(
        number=number,
        customer=customer,
        placed=datetime.now(UTC),
        quantity=quantity,
        amount=Decimal(amount),
    )


class TestConstraints:
    """What the database itself refuses."""

    @pytest.fixture(autouse=True)
    def customer(self) -> Customer:
        seed(made_up(2, 4))
        return Customer.objects.get(pk=1)

    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ({"quantity": 0}, "shop_order_quantity_positive"),
            ({"amount": "-0.01"}, "shop_order_amount_not_negative"),
            ({"number": "CD-00000001"}, "number"),
        ],
    )
    def test_a_wrong_order_is_refused(self, customer: Customer, values: dict, constraint: str) -> None:
        with pytest.raises(IntegrityError, match=constraint):
            new_order(customer, **values)

    def test_an_amount_of_nothing_is_allowed(self, customer: Customer) -> None:
        assert new_order(customer, amount="0.00").pk

    def test_an_e_mail_address_belongs_to_one_customer(self, customer: Customer) -> None:
        with pytest.raises(IntegrityError, match="email"):
            Customer.objects.create(email=customer.email, name="Twin", joined=customer.joined)

    def test_a_customer_with_orders_stays(self, customer: Customer) -> None:
        new_order(customer)
        with pytest.raises(ProtectedError):
            customer.delete()

    def test_names_for_people(self, customer: Customer) -> None:
        assert str(customer) == "渡辺 葵 <customer.0000001@example.com>"
        assert str(new_order(customer, number="X-7")) == "X-7"
