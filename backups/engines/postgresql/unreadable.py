"""Finds the value that the server could not write down, once reading has stopped at its row."""

from __future__ import annotations

from dataclasses import replace

import psycopg

from backups.engines.postgresql.queries import select
from backups.engines.postgresql.session import Connection, fetch, first_line, quoted
from backups.exceptions import SourceError, UnreadableValue
from backups.facts import Span
from backups.rows import Decoder, Exact
from backups.tables import Table

_BACK = b"ROLLBACK TO SAVEPOINT lifeboat"


def unreadable(
    connection: Connection, table: Table, span: Span, last: bytes | None, error: psycopg.Error
) -> SourceError | None:
    """Return an error that names row and column; None where they cannot be told, as in a table without a key.

    ``last`` is the last line that came, so the row is the next one.
    """
    if not table.key:
        return None
    after = replace(span, after=_key(table, last)) if last else span
    connection.execute(_BACK)
    for column in table.columns:
        if _text(connection, table, column.name, after) is None:
            names = [_text(connection, table, name, after) or "?" for name in table.key]
            return UnreadableValue(table.qualified, ", ".join(names), column.name, first_line(error))
    return None


def _key(table: Table, line: bytes) -> tuple[str | Exact, ...]:
    cells = dict(zip((column.name for column in table.columns), Decoder(table).decode(line), strict=True))
    return tuple(cell for name in table.key if (cell := cells[name]) is not None)


def _text(connection: Connection, table: Table, column: str, span: Span) -> str | None:
    """Return the text of one column of the first row of a span, None where the server cannot send it."""
    try:
        rows = fetch(connection, f"{select(table, f'concat({quoted(column)})', span)} LIMIT 1")
    except psycopg.DataError:
        connection.execute(_BACK)
        return None
    return str(rows[0][0]) if rows else ""
