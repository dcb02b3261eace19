"""Plain INSERTs, for tables and values that Django's models refuse."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connections


def quoted(using: str, name: str) -> str:
    """A name as an identifier; unlike Django's own quoting it minds quotes inside, and names quoted already."""
    mark = "`" if connections[using].vendor == "mysql" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def insert(using: str, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows of database values; a percent sign in a name is no placeholder."""
    names = ", ".join(quoted(using, column) for column in columns).replace("%", "%%")
    places = ", ".join(["%s"] * len(columns))
    target = quoted(using, table).replace("%", "%%")
    with connections[using].cursor() as cursor:
        for row in rows:
            cursor.execute(f"INSERT INTO {target} ({names}) VALUES ({places})", list(row))


def execute(using: str, *statements: str) -> None:
    """Run statements that have no parameters, percent signs and all."""
    with connections[using].cursor() as cursor:
        for statement in statements:
            cursor.execute(statement, None)


@contextmanager
def zero_allowed(using: str) -> Iterator[None]:
    """Let MariaDB store 0 in a counting column, instead of taking it for 'the next number'."""
    if connections[using].vendor != "mysql":
        yield
        return
    execute(using, "SET @zoo_mode = @@sql_mode", "SET sql_mode = concat(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')")
    try:
        yield
    finally:
        execute(using, "SET sql_mode = @zoo_mode")


@contextmanager
def unchecked_references(using: str) -> Iterator[None]:
    """Let MariaDB take rows of a cycle one after the other; the others check at the end of the transaction."""
    if connections[using].vendor != "mysql":
        yield
        return
    with connections[using].constraint_checks_disabled():
        yield
