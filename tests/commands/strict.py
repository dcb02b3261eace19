"""An application whose invariant every copy of the tests' shop breaks."""

from collections.abc import Iterator

from django.apps import AppConfig


class StrictConfig(AppConfig):
    """Registers the invariant."""

    name = "tests.commands.strict"
    label = "strict"

    def ready(self) -> None:
        from backups.verification import check
        from shop.models import Order

        @check("few orders")
        def few_orders(using: str) -> Iterator[str]:
            if Order.objects.using(using).count() == 1000:
                yield "By decree, no shop may have 1000 orders."
