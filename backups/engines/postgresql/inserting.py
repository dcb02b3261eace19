"""Rows into one table through COPY, on several connections at once, while more are being written down."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import Executor, wait
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import psycopg

from backups.chunks import split_lines
from backups.engines.postgresql.copying import Copying
from backups.engines.postgresql.feed import Feed
from backups.engines.postgresql.session import Connection, first_line, relation, run, told
from backups.exceptions import RestoreError
from backups.rows import Decoder, Exact, Row
from backups.tables import Table

# A batch is one COPY, and what is read and tried again to find the row that does not go in. At its end the server waits
# for us.
_BATCH_BYTES = 4 * 1024 * 1024

Numbered = tuple[int, bytes]
"""A line, and the number of the text that it came in."""


@dataclass(frozen=True, slots=True)
class _Refused:
    """A batch that did not go in, as the numbers of its texts, and why."""

    batch: list[int]
    error: Exception


class Inserter:
    """Inserts the rows of one table. ``threads`` are as many as the connections: each sends a batch piece by piece, of which the
    server takes in one while the next is made.

    ``enclosed`` says that all of it is in the one transaction that has made the table. What fails there has ended it, so
    that nobody can look any more which row it was.
    """

    def __init__(
        self, connections: Sequence[Connection], threads: Executor, place: str, table: Table, *, enclosed: bool = False
    ) -> None:
        self._connections, self._threads, self._place, self._table = connections, threads, place, table
        self._enclosed = enclosed
        self._copying = Copying(table, frozen=enclosed)

    def insert(self, texts: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming the first that does not go in."""
        feed = Feed(len(self._connections))
        senders = [
            # At different lengths of their batches, so that these do not end together.
            self._threads.submit(self._send, connection, feed, _BATCH_BYTES * number // len(self._connections))
            for number, connection in enumerate(self._connections, 1)
        ]
        try:
            for text in texts:
                if not feed.put(text):
                    break
            feed.end()
            wait(senders)
        except BaseException:
            feed.stop()
            wait(senders)
            raise
        ends = [sender.result() for sender in senders]
        refused = [end for end in ends if isinstance(end, _Refused)]
        if refused:
            raise self._first_of(refused, texts)
        return sum(end for end in ends if not isinstance(end, _Refused))

    def _send(self, connection: Connection, feed: Feed, first: int) -> int | _Refused:
        """Send one batch after another, the first of another size; return how many rows there were, or what did not go in."""
        rows, batch, size = 0, list[int](), first
        try:
            while sent := self._copy(connection, _noted(feed.take(size), batch)):
                rows, size = rows + sent, _BATCH_BYTES
                batch.clear()
        except (psycopg.Error, ValueError) as error:
            feed.stop()
            return _Refused(batch, error)
        except BaseException:
            feed.stop()
            raise
        return rows

    def _copy(self, connection: Connection, texts: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many."""
        counting = _Counting(texts)
        if self._table.columns:
            for statement, pieces in groupby(self._copying.write(counting), itemgetter(0)):
                with connection.cursor() as cursor, cursor.copy(statement) as copy:
                    for _, data in pieces:
                        copy.write(data)
        else:
            for _ in counting:
                pass
            if counting.rows:
                target = relation(self._table.schema, self._table.name)
                run(connection, f"INSERT INTO {target} SELECT FROM generate_series(1, {counting.rows})")
        return counting.rows

    def _first_of(self, refused: Sequence[_Refused], texts: Iterable[bytes]) -> RestoreError:
        """Return an error that names the first row that does not go in, of batches that went side by side."""
        if self._enclosed:
            reason = _reason(refused[0].error)
            message = f"A row of table {self._table.qualified} does not go into {self._place}: {reason}."
            return RestoreError(message, table=self._table.qualified)
        with told(self._place, RestoreError):
            lines = _lines(texts, {number for each in refused for number in each.batch})
            found = [(self._culprit([line for line in lines if line[0] in each.batch]), each.error) for each in refused]
            (_, line), error = min(found, key=lambda culprit: culprit[0][0])
            key = _key(self._table, Decoder(self._table).decode(line))
        message = f"The row {key} of table {self._table.qualified} does not go into {self._place}: {_reason(error)}."
        failure = RestoreError(message, table=self._table.qualified, key=key)
        failure.__cause__ = error
        return failure

    def _culprit(self, lines: Sequence[Numbered]) -> Numbered:
        """Return the first line that does not go in, by halves."""
        while len(lines) > 1:
            half = lines[: len(lines) // 2]
            lines = half if self._fails(half) else lines[len(half) :]
        return lines[0]

    def _fails(self, lines: Iterable[Numbered]) -> bool:
        connection = self._connections[0]
        run(connection, "BEGIN")
        try:
            self._copy(connection, [b"".join(line for _, line in lines)])
        except (psycopg.Error, ValueError):
            return True
        else:
            return False
        finally:
            run(connection, "ROLLBACK")


class _Counting:
    """Texts of lines, which are counted as they are asked for."""

    def __init__(self, texts: Iterable[bytes]) -> None:
        self.rows = 0
        self._texts = texts

    def __iter__(self) -> Iterator[bytes]:
        for text in self._texts:
            self.rows += text.count(b"\n")
            yield text


def _noted(texts: Iterable[Numbered], batch: list[int]) -> Iterator[bytes]:
    """Yield texts, and note their numbers."""
    for number, text in texts:
        batch.append(number)
        yield text


def _lines(texts: Iterable[bytes], wanted: Collection[int]) -> list[Numbered]:
    """Return the lines of some texts, which are read again: keeping them all the while would take much more memory."""
    found = zip(range(1, max(wanted) + 1), texts, strict=False)
    return [(number, line) for number, text in found if number in wanted for line in split_lines(text)]


def _reason(error: Exception) -> str:
    return first_line(error) if isinstance(error, psycopg.Error) else str(error)


def _key(table: Table, row: Row) -> str:
    names = table.pk or table.key
    cells = [cell for column, cell in zip(table.columns, row, strict=True) if column.name in names]
    return ", ".join(str(cell.value) if isinstance(cell, Exact) else str(cell) for cell in cells) or "without a key"
