"""Lines → INSERT statements of many rows, each run in the background while the next one's values are made."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain

from backups.engines.sqlite import refusals
from backups.engines.sqlite.cells import RawText, Stored, stored_of
from backups.engines.sqlite.columns import stored_columns
from backups.engines.sqlite.connection import quoted
from backups.engines.sqlite.reading import placeholder
from backups.rows import Decoder
from backups.tables import Table

_BATCH_BYTES, _BATCH_ROWS = 512 * 1024, 2_000  # of a batch: one is made while one goes in
# One statement of many rows costs half of what as many statements do, and lets Python go on meanwhile; from here on
# more rows gain nothing.
_ROWS_AT_ONCE = 1_000


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some lines, and the values to store; ``first`` is the number of the first among the table's rows, from 1."""

    lines: Sequence[bytes]
    columns: list[Sequence[Stored]]
    first: int


class Inserter:
    """Fills one table within a transaction that somebody else began."""

    def __init__(self, connection: sqlite3.Connection, table: Table) -> None:
        self._connection, self._table = connection, table
        self._decoder = Decoder(table)
        names = ", ".join(quoted(column.name) for column in table.columns)
        self._into = f"INSERT INTO {quoted(table.name)} ({names}) VALUES "
        self._places = f"({', '.join('?' * len(table.columns))})"
        most = connection.getlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER) // max(len(table.columns), 1)
        self._at_once = max(min(_ROWS_AT_ONCE, most), 1)

    def insert(self, lines: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming the first that did not go in."""
        inserted = 0
        with ThreadPoolExecutor(1, thread_name_prefix="lifeboat-insert") as pool:
            sent: Future[int] | None = None
            for batch in self._batches(lines):
                inserted += sent.result() if sent else 0
                sent = pool.submit(self._insert, batch)
            inserted += sent.result() if sent else 0
        return inserted

    def _batches(self, lines: Iterable[bytes]) -> Iterator[_Batch]:
        first, size = 1, 0
        some: list[bytes] = []
        for line in lines:
            some.append(line)
            size += len(line)
            if size >= _BATCH_BYTES or len(some) >= _BATCH_ROWS:
                yield self._decoded(some, first)
                first, size, some = first + len(some), 0, []
        if some:
            yield self._decoded(some, first)

    def _decoded(self, lines: Sequence[bytes], first: int) -> _Batch:
        """Return what to store of some lines; RestoreError for a cell that SQLite cannot hold."""
        columns = self._decoder.columns(lines)
        try:
            return _Batch(lines, stored_columns(self._table, columns), first)
        except (ValueError, KeyError):
            for number, line in enumerate(lines, first):
                row = self._decoder.decode(line)
                try:
                    for column, cell in zip(self._table.columns, row, strict=True):
                        stored_of(column, cell)
                except (ValueError, KeyError) as error:
                    raise refusals.row_refused(self._table, row, number, error) from error
            raise

    def _insert(self, batch: _Batch) -> int:
        rows = list(zip(*batch.columns, strict=True))
        before = self._connection.total_changes
        try:
            if any(RawText in {*map(type, column)} for column in batch.columns):
                self._one_by_one(rows)
            else:
                for start in range(0, len(rows), self._at_once):
                    self._many(rows[start : start + self._at_once])
        except sqlite3.Error:
            self._refuse(batch, rows, self._connection.total_changes - before)
        return len(rows)

    def _many(self, rows: Sequence[tuple[Stored, ...]]) -> None:
        self._connection.execute(self._into + ",".join([self._places] * len(rows)), list(chain.from_iterable(rows)))

    def _one_by_one(self, rows: Iterable[tuple[Stored, ...]]) -> None:
        for row in rows:
            self._connection.execute(f"{self._into}({', '.join(map(placeholder, row))})", row)

    def _refuse(self, batch: _Batch, rows: Sequence[tuple[Stored, ...]], done: int) -> None:
        """Raise RestoreError for the first row that does not go in; a statement that fails leaves none of its rows behind."""
        for number, row in enumerate(rows[done:], done):
            try:
                self._one_by_one([row])
            except sqlite3.Error as error:
                found = self._decoder.decode(batch.lines[number])
                raise refusals.row_refused(self._table, found, batch.first + number, error) from error
