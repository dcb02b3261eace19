"""Rows into one table through COPY, on several connections at once, while more are being written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future, wait
from itertools import groupby
from operator import itemgetter
from queue import SimpleQueue

import psycopg

from backups.chunks import split_lines
from backups.engines.postgresql.copying import Copying, grouped
from backups.engines.postgresql.session import Connection, first_line, relation, run, told
from backups.exceptions import RestoreError
from backups.rows import Decoder, Exact, Row
from backups.tables import Table

# A batch is one COPY, and what is tried again to find the row that does not go in. At its end the server waits for us.
_BATCH_BYTES = 4 * 1024 * 1024

Texts = Sequence[bytes]
"""Whole lines, some in each text."""


class Inserter:
    """Inserts the rows of one table. ``threads`` are as many as the connections: each writes a batch piece by piece, of which the
    server takes in one while the next is made.

    ``enclosed`` says that all of it is in the one transaction that has made the table. What fails there has ended it, so
    that nobody can look any more which row it was.
    """

    def __init__(
        self, connections: Sequence[Connection], threads: Executor, place: str, table: Table, *, enclosed: bool = False
    ) -> None:
        self._connection, self._threads, self._place, self._table = connections[0], threads, place, table
        self._free: SimpleQueue[Connection] = SimpleQueue()
        for connection in connections:
            self._free.put(connection)
        self._room = len(connections)
        self._enclosed = enclosed
        self._copying = Copying(table, frozen=enclosed)

    def insert(self, texts: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming the first that does not go in."""
        inserted = 0
        under_way: deque[tuple[Texts, Future[int]]] = deque()
        try:
            for batch in grouped(texts, _BATCH_BYTES):
                if len(under_way) > self._room:
                    inserted += self._arrived(*under_way.popleft())
                under_way.append((batch, self._threads.submit(self._send, batch)))
            while under_way:
                inserted += self._arrived(*under_way.popleft())
        finally:
            wait([future for _, future in under_way])
        return inserted

    def _send(self, batch: Texts) -> int:
        connection = self._free.get()
        try:
            return self._copy(connection, batch)
        finally:
            self._free.put(connection)

    def _arrived(self, batch: Texts, future: Future[int]) -> int:
        """Wait for a batch and return how many rows it had."""
        try:
            return future.result()
        except (psycopg.Error, ValueError) as error:
            raise self._refused([line for text in batch for line in split_lines(text)], error) from error

    def _copy(self, connection: Connection, batch: Texts) -> int:
        """Insert the rows of these lines and return how many."""
        rows = sum(text.count(b"\n") for text in batch)
        if self._table.columns:
            for statement, pieces in groupby(self._copying.write(batch), itemgetter(0)):
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    for _, data in pieces:
                        copy.write(data)
        else:
            target = relation(self._table.schema, self._table.name)
            run(connection, f"INSERT INTO {target} SELECT FROM generate_series(1, {rows})")
        return rows

    def _refused(self, batch: Sequence[bytes], error: Exception) -> RestoreError:
        reason = first_line(error) if isinstance(error, psycopg.Error) else str(error)
        if self._enclosed:
            message = f"A row of table {self._table.qualified} does not go into {self._place}: {reason}."
            return RestoreError(message, table=self._table.qualified)
        with told(self._place, RestoreError):
            row = Decoder(self._table).decode(self._culprit(batch))
        key = _key(self._table, row)
        message = f"The row {key} of table {self._table.qualified} does not go into {self._place}: {reason}."
        return RestoreError(message, table=self._table.qualified, key=key)

    def _culprit(self, lines: Sequence[bytes]) -> bytes:
        """Return the first line that does not go in, by halves."""
        while len(lines) > 1:
            half = lines[: len(lines) // 2]
            lines = half if self._fails(half) else lines[len(half) :]
        return lines[0]

    def _fails(self, lines: Sequence[bytes]) -> bool:
        run(self._connection, "BEGIN")
        try:
            self._copy(self._connection, [b"".join(lines)])
        except (psycopg.Error, ValueError):
            return True
        else:
            return False
        finally:
            run(self._connection, "ROLLBACK")


def _key(table: Table, row: Row) -> str:
    names = table.pk or table.key
    cells = [cell for column, cell in zip(table.columns, row, strict=True) if column.name in names]
    return ", ".join(str(cell.value) if isinstance(cell, Exact) else str(cell) for cell in cells) or "without a key"
