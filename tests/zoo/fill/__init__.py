"""Puts awkward rows into every table of the zoo, once, after ``migrate``."""

from django.db import connections, router, transaction

from tests.zoo.fill.columns import fill_columns
from tests.zoo.fill.corrupt import CORRUPT_ROWS, corrupt_sqlite_values
from tests.zoo.fill.fields import fill_fields
from tests.zoo.fill.keys import fill_keys
from tests.zoo.fill.mysql import fill_mysql
from tests.zoo.fill.outside import fill_analytics, fill_outside
from tests.zoo.fill.relations import fill_relations
from tests.zoo.fill.sqlite import fill_sqlite
from tests.zoo.fill.tables import fill_tables
from tests.zoo.models import AllFields, AnalyticsEvent

__all__ = ["CORRUPT_ROWS", "corrupt_sqlite_values", "fill"]


def fill(using: str) -> None:
    """Fill each table that the router puts on this alias; the same rows each time, on one engine.

    Rows differ between engines only where one of them cannot hold a value.
    """
    with transaction.atomic(using=using):
        if router.allow_migrate_model(using, AnalyticsEvent):
            fill_analytics(using)
        if not router.allow_migrate_model(using, AllFields):
            return
        for step in (fill_fields, fill_keys, fill_relations, fill_columns, fill_outside, fill_tables):
            step(using)
        vendor = connections[using].vendor
        if vendor == "sqlite":
            fill_sqlite(using)
        if vendor == "mysql":
            fill_mysql(using)
