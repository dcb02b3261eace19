"""The shop in the admin."""

import pytest
from django.test import Client

from shop.models import Customer, Order
from shop.seeding import seed
from shop.sources import made_up

pytestmark = pytest.mark.django_db


@pytest.fixture
def shop() -> None:
    seed(made_up(20, 150))


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("", "Orders"),
        ("shop/customer/", "20 customers"),
        ("shop/customer/?q=customer.0000007", "1 customer"),
        ("shop/customer/?status__exact=active&joined__year=2023", "customers"),
        ("shop/customer/7/change/", "customer.0000007@example.com"),
        ("shop/order/", "150 orders"),
        ("shop/order/?q=CD-00000009", "1 order"),
        ("shop/order/?status__exact=shipped&placed__year=2024", "orders"),
        ("shop/order/9/change/", "CD-00000009"),
        ("shop/order/add/", "Add order"),
    ],
)
def test_each_page_shows_what_it_is_for(admin_client: Client, page: str, text: str) -> None:
    response = admin_client.get(f"/admin/{page}")
    assert response.status_code == 200
    assert text in response.content.decode()


def test_the_root_leads_to_the_admin(client: Client) -> None:
    assert client.get("/").headers["Location"] == "/admin/"


@pytest.mark.usefixtures("shop")
def test_a_list_of_orders_asks_for_no_customer_by_itself(admin_client: Client, django_assert_max_num_queries) -> None:
    with django_assert_max_num_queries(12):
        admin_client.get("/admin/shop/order/")


@pytest.mark.usefixtures("shop")
def test_an_order_is_entered(admin_client: Client) -> None:
    response = admin_client.post(
        "/admin/shop/order/add/",
        {
            "number": "X-1",
            "customer": "3",
            "placed_0": "2026-01-02",
            "placed_1": "03:04:05",
            "status": "paid",
            "quantity": "2",
            "amount": "19.98",
            "details": "{}",
        },
    )
    assert response.status_code == 302, response.content.decode()
    assert Order.objects.get(number="X-1").customer == Customer.objects.get(pk=3)
