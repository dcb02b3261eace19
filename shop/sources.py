"""Where the shop's rows come from: the CDNOW purchases, or any number of made-up ones.

Rows are generated one by one, in the order of their ids, and are the same for the same source each time.
"""

import gzip
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from random import Random
from typing import Any, NamedTuple, TypeVar

T = TypeVar("T")

CDNOW = Path(__file__).resolve().parent / "data" / "CDNOW_master.txt.gz"
CDNOW_CUSTOMERS = 23_570
CDNOW_ORDERS = 69_659

FIRST_NAMES = ("Ada", "Björn", "Chloé", "Dmitri", "Émile", "Fatıma", "Grace", "Hồng", "Ines", "José", "渡辺")
LAST_NAMES = ("O’Neill", "Núñez", "Łukasik", "Müller", "Smith", "Þórsdóttir", "van Dijk", "Ødegård", "葵")
GENRES = ("ambient", "blues", "classical", "folk", "jazz", "opera", "pop", "rock", "世界音楽")
CHANNELS = ("web", "web", "web", "telephone", "shop")
COUPONS = (None, None, None, None, "SPRING10", "WELCOME")
NOTES = ("", "", "", "", "Leave it with the neighbour.", "Ring twice 🔔", 'Says "fragile" on the box')
# Most customers are active and most orders are shipped.
CUSTOMER_STATUSES = ("active",) * 17 + ("dormant",) * 2 + ("blocked",)
ORDER_STATUSES = ("shipped",) * 15 + ("paid", "placed", "placed", "returned", "cancelled")

# Made-up customers join in the year before this day, and buy in the two years after it.
OPENING = datetime(2024, 1, 1, tzinfo=UTC)
YEAR = timedelta(days=365)
HOUR = timedelta(hours=1)
MOST_LINES = 3


class CustomerRow(NamedTuple):
    """One row of `Customer`, by the names of its columns."""

    id: int
    email: str
    name: str
    joined: datetime
    status: str
    preferences: dict[str, Any]


class OrderRow(NamedTuple):
    """One row of `Order`, by the names of its columns."""

    id: int
    number: str
    customer_id: int
    placed: datetime
    status: str
    quantity: int
    amount: Decimal
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """How many customers and orders there are, and two functions that begin to generate them."""

    customers: int
    orders: int
    customer_rows: Callable[[], Iterator[CustomerRow]]
    order_rows: Callable[[], Iterator[OrderRow]]


class Purchase(NamedTuple):
    """One line of the CDNOW file; `day` is midnight UTC."""

    customer: int
    day: datetime
    quantity: int
    amount: Decimal


def cdnow() -> Source:
    """The CDNOW purchases, of which the file gives customer, day, quantity and amount."""
    return Source(CDNOW_CUSTOMERS, CDNOW_ORDERS, _cdnow_customers, _cdnow_orders)


def made_up(customers: int, orders: int, seed: int = 0) -> Source:
    """Any number of customers, and of orders in the order in which they were placed.

    Raises ValueError where there are orders and nobody to place them.
    """
    if orders and not customers:
        raise ValueError("Orders need at least one customer to place them.")
    return Source(
        customers,
        orders,
        lambda: _made_up_customers(customers, seed),
        lambda: _made_up_orders(customers, orders, seed),
    )


def _cdnow_customers() -> Iterator[CustomerRow]:
    for customer, purchases in groupby(_purchases(), attrgetter("customer")):
        random = Random(customer)
        # Joined in the morning of the first purchase; orders come from eight o'clock on.
        joined = next(purchases).day + _somewhere_in(6 * HOUR, 2 * HOUR, random)
        yield _customer(customer, joined, random)


def _cdnow_orders() -> Iterator[OrderRow]:
    for line, purchase in enumerate(_purchases(), start=1):
        random = Random(line)
        placed = purchase.day + _somewhere_in(8 * HOUR, 16 * HOUR, random)
        yield _order(line, purchase.customer, placed, purchase.quantity, purchase.amount, random)


def _purchases() -> Iterator[Purchase]:
    with gzip.open(CDNOW, "rt", encoding="ascii") as lines:
        next(lines)
        for line in lines:
            customer, day, quantity, amount = line.split()
            midnight = datetime(int(day[:4]), int(day[4:6]), int(day[6:]), tzinfo=UTC)
            yield Purchase(int(customer), midnight, int(quantity), Decimal(amount))


def _made_up_customers(customers: int, seed: int) -> Iterator[CustomerRow]:
    random = Random(f"customers {seed}")
    for number in range(1, customers + 1):
        yield _customer(number, OPENING - YEAR + _somewhere_in(timedelta(0), YEAR, random), random)


def _made_up_orders(customers: int, orders: int, seed: int) -> Iterator[OrderRow]:
    random = Random(f"orders {seed}")
    step = 2 * YEAR / orders if orders else timedelta(0)
    for number in range(1, orders + 1):
        # The square makes a few customers buy much and most of them little.
        customer = 1 + int(customers * random.random() ** 2)
        placed = OPENING + step * (number - 1) + step * random.random()
        quantity = 1 + int(6 * random.random() ** 3)
        amount = Decimal(quantity * (599 + int(1800 * random.random()))).scaleb(-2)
        yield _order(number, customer, placed, quantity, amount, random)


def _customer(number: int, joined: datetime, random: Random) -> CustomerRow:
    return CustomerRow(
        id=number,
        email=f"customer.{number:07d}@example.com",
        name=f"{_pick(FIRST_NAMES, random)} {_pick(LAST_NAMES, random)}",
        joined=joined,
        status=_pick(CUSTOMER_STATUSES, random),
        preferences={
            "newsletter": random.random() < 0.4,
            "genres": sorted({_pick(GENRES, random), _pick(GENRES, random)}),
        },
    )


def _order(number: int, customer: int, placed: datetime, quantity: int, amount: Decimal, random: Random) -> OrderRow:
    return OrderRow(
        id=number,
        number=f"CD-{number:08d}",
        customer_id=customer,
        placed=placed,
        status=_pick(ORDER_STATUSES, random),
        quantity=quantity,
        amount=amount,
        details={
            "channel": _pick(CHANNELS, random),
            "coupon": _pick(COUPONS, random),
            "gift": random.random() < 0.1,
            "lines": _lines(quantity, random),
            "note": _pick(NOTES, random),
        },
    )


def _lines(quantity: int, random: Random) -> list[dict[str, Any]]:
    """At most three lines, the last of which takes what is left of the quantity."""
    count = min(quantity, MOST_LINES)
    quantities = [1] * (count - 1) + [quantity - count + 1]
    return [{"sku": f"LP{int(1e6 * random.random()):06d}", "quantity": each} for each in quantities]


def _somewhere_in(start: timedelta, length: timedelta, random: Random) -> timedelta:
    """A moment at or after `start` and before `start + length`, to the microsecond."""
    return start + timedelta(microseconds=int(length / timedelta(microseconds=1) * random.random()))


def _pick(options: Sequence[T], random: Random) -> T:
    # Four times as fast as random.choice, and the same on every version of Python.
    return options[int(len(options) * random.random())]
