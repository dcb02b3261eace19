"""The shop's invariants hold in what it is seeded with, and speak when a row is spoilt."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from shop.invariants import orders_after_joining, quantities
from shop.models import Customer, Order


@pytest.fixture(autouse=True)
def seeded(db) -> None:
    call_command("seed_shop", "--customers", "20", "--orders", "100", verbosity=0)


def test_they_hold_in_what_is_seeded():
    assert list(orders_after_joining("default")) == []
    assert list(quantities("default")) == []


def test_an_order_before_its_customer_joined_is_found():
    order = Order.objects.latest("pk")
    Customer.objects.filter(pk=order.customer_id).update(joined=order.placed + timedelta(seconds=1))
    (sentence,) = orders_after_joining("default")
    assert "before their customer joined" in sentence


def test_an_order_with_other_discs_than_its_lines_is_found():
    order = Order.objects.latest("pk")
    Order.objects.filter(pk=order.pk).update(quantity=order.quantity + 1)
    assert list(quantities("default")) == [
        f"Order {order.number} has {order.quantity + 1} discs, and {order.quantity} in its lines."
    ]
