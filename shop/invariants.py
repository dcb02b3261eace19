"""What must hold in the shop's data, and so in every restored copy of it; each is one check of a verification."""

from collections.abc import Iterable, Iterator

from django.db.models import F

from backups.verification import check
from shop.models import Order

BATCH = 2000


@check("no order before its customer joined")
def orders_after_joining(using: str) -> Iterable[str]:
    """Look for orders that were placed before their customer had an account."""
    wrong = Order.objects.using(using).filter(placed__lt=F("customer__joined")).count()
    if wrong:
        yield f"{wrong} orders were placed before their customer joined."


@check("an order has the discs of its lines")
def quantities(using: str) -> Iterator[str]:
    """Add up the lines of the newest orders: all of a million would take longer than the rest of the proof."""
    newest = Order.objects.using(using).order_by("-id").only("number", "quantity", "details")[:BATCH]
    for order in newest:
        lines = sum(line["quantity"] for line in order.details.get("lines", ()))
        if lines != order.quantity:
            yield f"Order {order.number} has {order.quantity} discs, and {lines} in its lines."
