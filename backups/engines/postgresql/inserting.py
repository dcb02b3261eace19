"""Rows into one table through COPY, batch by batch: one is under way while the next is written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, wait

import psycopg

from backups.engines.postgresql.session import Connection, first_line, quoted, relation, run, told
from backups.engines.postgresql.values import COPY_OPTIONS, CopyText
from backups.exceptions import RestoreError
from backups.rows import Decoder, Exact, Row
from backups.tables import Table

# A batch is one COPY, and what is tried again to find the row that does not go in.
_BATCH_ROWS = 10_000
_BATCH_BYTES = 4 * 1024 * 1024

Batch = list[bytes]
_UnderWay = tuple[Batch, "Future[None]"]


class Inserter:
    """Inserts the rows of one table. ``sender`` has one thread: batches arrive in order, on one connection."""

    def __init__(self, connection: Connection, sender: Executor, place: str, table: Table) -> None:
        self._connection, self._sender, self._place, self._table = connection, sender, place, table
        self._text = CopyText(table)
        names = ", ".join(quoted(column.name) for column in table.columns)
        self._target = relation(table.schema, table.name)
        self._statement = f"COPY {self._target} ({names}) FROM STDIN ({COPY_OPTIONS})".encode()

    def insert(self, lines: Iterable[bytes]) -> int:
        """Insert these rows and return how many; raise RestoreError naming the first that does not go in."""
        inserted = 0
        under_way: _UnderWay | None = None
        try:
            for batch in _batches(lines):
                text = self._written(batch, under_way)
                self._arrived(under_way)
                under_way = batch, self._sender.submit(self._copy, text, len(batch))
                inserted += len(batch)
            self._arrived(under_way)
        finally:
            if under_way:
                wait([under_way[1]])
        return inserted

    def _written(self, batch: Batch, under_way: _UnderWay | None) -> bytes:
        try:
            return self._text.write(batch)
        except ValueError as error:
            # What is before it is told first.
            self._arrived(under_way)
            raise self._refused(batch, error) from error

    def _arrived(self, under_way: _UnderWay | None) -> None:
        """Wait for a batch."""
        if under_way:
            try:
                under_way[1].result()
            except psycopg.Error as error:
                raise self._refused(under_way[0], error) from error

    def _copy(self, text: bytes, rows: int) -> None:
        if self._table.columns:
            with self._connection.cursor() as cursor, cursor.copy(self._statement) as copy:
                copy.write(text)
        else:
            run(self._connection, f"INSERT INTO {self._target} SELECT FROM generate_series(1, {rows})")

    def _refused(self, batch: Batch, error: Exception) -> RestoreError:
        with told(self._place, RestoreError):
            row = Decoder(self._table).decode(self._culprit(batch))
        key = _key(self._table, row)
        reason = first_line(error) if isinstance(error, psycopg.Error) else str(error)
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
            self._copy(self._text.write(lines), len(lines))
        except (psycopg.Error, ValueError):
            return True
        else:
            return False
        finally:
            run(self._connection, "ROLLBACK")


def _batches(lines: Iterable[bytes]) -> Iterator[Batch]:
    batch: Batch = []
    size = 0
    for line in lines:
        batch.append(line)
        size += len(line)
        if len(batch) >= _BATCH_ROWS or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _key(table: Table, row: Row) -> str:
    names = table.pk or table.key
    cells = [cell for column, cell in zip(table.columns, row, strict=True) if column.name in names]
    return ", ".join(str(cell.value) if isinstance(cell, Exact) else str(cell) for cell in cells) or "without a key"
