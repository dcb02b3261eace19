"""Where the shop's rows come from."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

import pytest
from django.db.models import Model

from shop.models import Customer, Order
from shop.sources import CDNOW_CUSTOMERS, CDNOW_ORDERS, CustomerRow, OrderRow, Source, cdnow, made_up


@pytest.mark.parametrize(("model", "row"), [(Customer, CustomerRow), (Order, OrderRow)])
def test_a_row_has_the_columns_of_its_model(model: type[Model], row: type[NamedTuple]) -> None:
    assert set(row._fields) == {field.column for field in model._meta.concrete_fields}


def test_cdnow_has_as_many_rows_as_it_says() -> None:
    source = cdnow()
    assert (source.customers, source.orders) == (CDNOW_CUSTOMERS, CDNOW_ORDERS) == (23_570, 69_659)
    assert sum(1 for _ in source.customer_rows()) == 23_570
    assert sum(1 for _ in source.order_rows()) == 69_659


def test_cdnow_gives_customer_day_quantity_and_amount() -> None:
    first, second, third = islice(cdnow().order_rows(), 3)
    assert (first.customer_id, first.placed.date(), first.quantity) == (1, date(1997, 1, 1), 1)
    assert [row.amount for row in (first, second, third)] == [
        Decimal("11.77"),
        Decimal("12.00"),
        Decimal("77.00"),
    ]
    assert third.customer_id == 2
    assert third.quantity == 5


def test_cdnow_adds_up() -> None:
    orders = list(cdnow().order_rows())
    assert sum(order.quantity for order in orders) == 167_881
    assert sum(order.amount for order in orders) == Decimal("2500315.63")
    assert sum(order.amount == 0 for order in orders) == 80


@pytest.mark.parametrize("make", [cdnow, lambda: made_up(50, 500)])
def test_the_same_source_gives_the_same_rows(make: Callable[[], Source]) -> None:
    assert list(make().customer_rows()) == list(make().customer_rows())
    assert list(islice(make().order_rows(), 5_000)) == list(islice(make().order_rows(), 5_000))


def test_another_seed_gives_other_rows() -> None:
    assert list(made_up(5, 9, seed=1).customer_rows()) != list(made_up(5, 9, seed=2).customer_rows())
    assert list(made_up(5, 9, seed=1).order_rows()) != list(made_up(5, 9, seed=2).order_rows())


def test_made_up_rows_stay_as_they_were() -> None:
    customer = next(made_up(5, 9).customer_rows())
    order = next(made_up(5, 9).order_rows())
    assert customer == CustomerRow(
        id=1,
        email="customer.0000001@example.com",
        name="渡辺 葵",
        joined=datetime(2023, 5, 19, 22, 2, 39, 346482, tzinfo=UTC),
        status="active",
        preferences={"newsletter": True, "genres": ["folk", "pop"]},
    )
    assert order == OrderRow(
        id=1,
        number="CD-00000001",
        customer_id=2,
        placed=datetime(2024, 3, 5, 18, 59, 58, 617172, tzinfo=UTC),
        status="shipped",
        quantity=1,
        amount=Decimal("13.82"),
        details={
            "channel": "web",
            "coupon": None,
            "gift": False,
            "lines": [{"sku": "LP043227", "quantity": 1}],
            "note": "",
        },
    )


@pytest.mark.parametrize("source", [cdnow(), made_up(300, 3_000, seed=7)], ids=["cdnow", "made up"])
def test_rows_agree_with_each_other(source: Source) -> None:
    joined = {customer.id: customer.joined for customer in source.customer_rows()}
    assert len(joined) == source.customers
    for order in source.order_rows():
        assert order.placed > joined[order.customer_id]
        assert order.placed.tzinfo is UTC
        assert order.quantity == sum(line["quantity"] for line in order.details["lines"])
        assert all(line["quantity"] > 0 for line in order.details["lines"])
        assert order.status in Order.Status.values


def test_made_up_orders_come_in_the_order_in_which_they_were_placed() -> None:
    placed = [order.placed for order in made_up(10, 1_000).order_rows()]
    assert placed == sorted(placed)
    assert placed[-1] - placed[0] > timedelta(days=700)


def test_rows_are_awkward_enough_to_tell_a_good_backup_from_a_bad_one() -> None:
    source = made_up(200, 400)
    customers, orders = list(source.customer_rows()), list(source.order_rows())
    assert any(order.placed.microsecond % 1000 for order in orders)
    assert any(not customer.name.isascii() for customer in customers)
    assert any("🔔" in order.details["note"] for order in orders)
    assert any('"' in order.details["note"] for order in orders)
    assert {order.details["coupon"] for order in orders} > {None}


def test_orders_without_customers_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one customer"):
        made_up(0, 1)


def test_nothing_can_be_made_up() -> None:
    source = made_up(0, 0)
    assert list(source.customer_rows()) == list(source.order_rows()) == []
