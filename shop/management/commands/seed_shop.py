"""The command that fills the shop with purchases."""

from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DEFAULT_DB_ALIAS, connections
from django.utils.translation import gettext as _

from shop.seeding import NotEmptyError, Progress, seed
from shop.sources import Source, cdnow, made_up


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(_("%(text)r is not a number of rows.") % {"text": text})
    return int(text)


class Command(BaseCommand):
    """`seed_shop`: the CDNOW purchases, or made-up ones in any number."""

    help = (
        "Fills the shop with the CDNOW purchases (23,570 customers, 69,659 orders), or with as many made-up "
        "ones as you ask for. Refuses, with exit status 1, where the shop holds rows already."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what can be asked for."""
        parser.add_argument("--customers", type=_count, metavar="N", help="Make up N customers.")
        parser.add_argument("--orders", type=_count, metavar="M", help="Make up M orders of theirs.")
        parser.add_argument(
            "--seed", type=int, default=0, metavar="S", help="Another seed makes up other rows; default: 0."
        )
        parser.add_argument("--clear", action="store_true", help="First remove all customers and orders.")
        parser.add_argument(
            "--database", default=DEFAULT_DB_ALIAS, choices=tuple(connections), help="Which database to fill."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say how many rows there are now."""
        source = self._source(options["customers"], options["orders"], options["seed"])
        try:
            seed(
                source,
                using=options["database"],
                clear=options["clear"],
                progress=self._progress(source, options["verbosity"]),
            )
        except NotEmptyError as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(self.style.SUCCESS(self._summary(source)))

    def _source(self, customers: int | None, orders: int | None, number: int) -> Source:
        if customers is None and orders is None:
            return cdnow()
        if customers is None or orders is None:
            raise CommandError(_("Give --customers and --orders together, or neither for the CDNOW purchases."))
        try:
            return made_up(customers, orders, number)
        except ValueError as error:
            raise CommandError(str(error)) from error

    def _progress(self, source: Source, verbosity: int) -> Progress:
        total = source.customers + source.orders

        def show(done: int) -> None:
            self.stderr.write(f"\r{done:,} / {total:,}", ending="\n" if done == total else "", style_func=str)

        return show if verbosity and self.stderr.isatty() else lambda done: None

    def _summary(self, source: Source) -> str:
        return _("The shop has %(customers)s customers and %(orders)s orders now.") % {
            "customers": f"{source.customers:,}",
            "orders": f"{source.orders:,}",
        }
