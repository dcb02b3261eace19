"""Fill the shop's tables from a source of rows: all of it or none, in memory that does not grow with it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson
from django.core.management.color import no_style
from django.db import connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils.translation import gettext as _

from shop.models import Customer, Order
from shop.sources import CustomerRow, OrderRow, Source

BATCH = 2_000
# Called with the number of rows written so far, customers and orders together.
Progress = Callable[[int], None]
Row = CustomerRow | OrderRow


class NotEmptyError(Exception):
    """The shop holds rows already, which seeding would mix with its own."""


def seed(
    source: Source,
    *,
    using: str = "default",
    clear: bool = False,
    progress: Progress = lambda done: None,
) -> None:
    """Write all rows of `source` in one transaction, after removing those in the way where `clear` is set.

    Raises NotEmptyError where the shop holds rows and `clear` is not set.
    """
    connection = connections[using]
    with transaction.atomic(using=using):
        _make_room(connection, clear=clear)
        _write(connection, Customer, source.customer_rows(), progress)
        _write(connection, Order, source.order_rows(), lambda done: progress(source.customers + done))
        _reset_sequences(connection)


def _make_room(connection: BaseDatabaseWrapper, *, clear: bool) -> None:
    if clear:
        # DELETE, and children first: unlike TRUNCATE it can be undone on every engine.
        for model in (Order, Customer):
            _execute(connection, [f"DELETE FROM {_quoted_table(connection, model)}"])
        return
    held = [model for model in (Customer, Order) if model._base_manager.using(connection.alias).exists()]
    if held:
        raise NotEmptyError(
            _("The shop holds %(names)s already. Give --clear to remove them first.")
            % {"names": _(" and ").join(str(model._meta.verbose_name_plural) for model in held)}
        )


def _write(connection: BaseDatabaseWrapper, model: type[models.Model], rows: Iterable[Row], progress: Progress) -> None:
    copy = _copy if connection.vendor == "postgresql" else _insert
    done = 0
    for batch in _batches(rows):
        copy(connection, model, batch)
        done += len(batch)
        progress(done)


def _copy(connection: BaseDatabaseWrapper, model: type[models.Model], batch: Sequence[Row]) -> None:
    """Write rows through PostgreSQL's COPY, several times as fast as INSERT."""
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {_quoted_target(connection, model, batch[0])} FROM STDIN") as copy,
    ):
        for row in batch:
            copy.write_row([_as_json(value) for value in row])


def _insert(connection: BaseDatabaseWrapper, model: type[models.Model], batch: Sequence[Row]) -> None:
    """Write rows with values as the fields prepare them, but without an instance for each row."""
    target = _quoted_target(connection, model, batch[0])
    places = ", ".join(["%s"] * len(batch[0]))
    prepare = _preparing(connection, model, batch[0])
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {target} VALUES ({places})", [prepare(row) for row in batch])


def _preparing(connection: BaseDatabaseWrapper, model: type[models.Model], row: Row) -> Callable[[Row], list[Any]]:
    """A function from a row to its values in the form that the engine's driver takes."""
    columns = {field.column: field for field in model._meta.concrete_fields}
    # Looked up once, not for each of a million rows.
    prepared = [columns[name].get_db_prep_save for name in row._fields]
    return lambda row: [prepare(value, connection) for prepare, value in zip(prepared, row, strict=True)]


def _as_json(value: object) -> object:
    return orjson.dumps(value).decode() if isinstance(value, dict) else value


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    iterator = iter(rows)
    while batch := list(islice(iterator, BATCH)):
        yield batch


def _reset_sequences(connection: BaseDatabaseWrapper) -> None:
    """Let the next order that the shop itself makes follow the last one written here."""
    _execute(connection, connection.ops.sequence_reset_sql(no_style(), [Customer, Order]))


def _quoted_table(connection: BaseDatabaseWrapper, model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted_target(connection: BaseDatabaseWrapper, model: type[models.Model], row: Row) -> str:
    columns = ", ".join(connection.ops.quote_name(name) for name in row._fields)
    return f"{_quoted_table(connection, model)} ({columns})"


def _execute(connection: BaseDatabaseWrapper, statements: Iterable[Any]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
