"""The same asked of many tables by one statement: of small ones, a round trip each costs more than the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from backups.engines.postgresql.session import Connection, fetch

AT_ONCE = 25
"""How many queries make one statement."""


def answers(connection: Connection, queries: Iterable[str]) -> Iterator[Any]:
    """Yield the one value that each query gives, in turn.

    They stand in one row, since planning a UNION ALL takes the server about the square of the number of its parts.
    """
    waiting = iter(queries)
    while part := list(islice(waiting, AT_ONCE)):
        yield from fetch(connection, f"SELECT {', '.join(f'({query})' for query in part)}")[0]
