"""Other connections that join a snapshot, so that several spans of a table are read at once: each as one text, or its digest."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, suppress
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Self, TypeVar

import psycopg
from psycopg.pq.abc import PGresult

from backups.engines.ahead import Ahead
from backups.engines.base import Answers
from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.queries import select_rows
from backups.engines.postgresql.retelling import digest_of
from backups.engines.postgresql.session import Connection, literal, pin, relation, run
from backups.exceptions import BackupsError
from backups.facts import Span
from backups.tables import Table

# How many connections read at once: more of them only take turns where the server has few cores to spare.
READERS = 2
_JOIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}"
_LF = "\n"
_BACK = b"ROLLBACK TO SAVEPOINT lifeboat"

# Whoever waits to alter a table stands before us, and waits for the snapshot: so a lock is not waited for.
_IMPATIENCE = "50ms"

Free = SimpleQueue[Connection]
Value = TypeVar("Value")


class Readers:
    """Connections to the database of one snapshot, opened when the first of them is needed.

    Whatever goes wrong in one of them is no error: its span is left to the snapshot's own connection, which has all
    locks and tells what is wrong.
    """

    def __init__(self, opened: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._opened = opened
        self._stack = ExitStack()
        self._threads = ThreadPoolExecutor(READERS, thread_name_prefix="lifeboat-reader")
        self._connections: list[Connection] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        self._stack.close()

    def texts(self, snapshot: str, table: Table, spans: Sequence[Span], largest: int) -> Answers:
        """Yield the text of each span in turn, None for one that has to be read line by line."""
        return self._answers(snapshot, table, (_statement(table, span, largest) for span in spans), _text)

    def digests(self, snapshot: str, table: Table, ranges: Iterable[tuple[Span, int]]) -> Answers:
        """Yield the digest of each span in turn, as ``digest_of`` takes it from one row more than it should have."""
        statements = (digest_of(table, span, rows + 1) for span, rows in ranges)
        return self._answers(snapshot, table, statements, _value)

    def values(self, snapshot: str, table: Table, statements: Iterable[str]) -> Answers:
        """Yield the one value that each query of a table gives."""
        return self._answers(snapshot, table, statements, _value)

    def aside(self, snapshot: str) -> Ahead[Connection] | None:
        """Return what looks answers up on one more connection, where there can be one; an answer that it has not is None."""
        for connection in self._joined(snapshot, 1, lock_timeout=_IMPATIENCE):
            return self._stack.enter_context(Ahead(connection, partial(_cancel, connection)))
        return None

    def _answers(
        self, snapshot: str, table: Table, statements: Iterable[str | None], read: Callable[[PGresult], bytes | None]
    ) -> Answers:
        """Yield what is read of the answer to each statement in turn; None where there is none."""
        free: Free = SimpleQueue()
        for connection in self._able(snapshot, table):
            free.put(connection)
        if free.empty():
            yield from (None for _ in statements)
            return
        waiting: deque[Future[bytes | None]] = deque()
        try:
            for statement in statements:
                waiting.append(self._threads.submit(_answer, free, statement, read))
                if len(waiting) > READERS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            wait([future for future in waiting if not future.cancel()])

    def _able(self, snapshot: str, table: Table) -> list[Connection]:
        """Return the connections that may read a table at once.

        The lock is not waited for: whoever waits to alter the table stands before us, and waits for the snapshot.
        """
        if self._connections is None:
            # Parallel workers of the server would join their parts in any order.
            self._connections = list(self._joined(snapshot, READERS, max_parallel_workers_per_gather="0"))
        return [connection for connection in self._connections if _locked(connection, table)]

    def _joined(self, snapshot: str, most: int, **settings: str) -> Iterator[Connection]:
        for _ in range(most):
            try:
                connection = self._stack.enter_context(self._opened())
                run(connection, _JOIN.format(literal(snapshot)))
                pin(connection, local=True, search_path="", **settings)
                run(connection, "SAVEPOINT lifeboat")
            except (psycopg.Error, BackupsError):
                return
            yield connection


def passing(work: Callable[[Connection], Value]) -> Callable[[Connection], Value | None]:
    """Return the same work, but with None for what cannot be done, and with the locks given back that it took.

    A server has room for so many locks in all, and tables may be many. The connection joins the snapshot as before.
    """

    def passed(connection: Connection) -> Value | None:
        try:
            return work(connection)
        except psycopg.Error:
            return None
        finally:
            _recover(connection)

    return passed


def _locked(connection: Connection, table: Table) -> bool:
    lock = f"LOCK TABLE ONLY {relation(table.schema, table.name)} IN ACCESS SHARE MODE NOWAIT"
    try:
        # Below a new savepoint, the lock stays when a reading fails.
        run(connection, f"{lock}; RELEASE SAVEPOINT lifeboat; SAVEPOINT lifeboat")
    except psycopg.Error:
        _recover(connection)
        return False
    return True


def _cancel(connection: Connection) -> None:
    """End what runs on a connection; nothing where the server has gone, which ends it too."""
    with suppress(psycopg.Error):
        connection.cancel()


def _recover(connection: Connection) -> None:
    try:
        connection.execute(_BACK)
    except psycopg.Error:
        connection.close()


def _statement(table: Table, span: Span, largest: int) -> str:
    """Return the query of a span's lines as one text, with the number of its rows; NULL for a text that is too large."""
    lines = (
        f"SELECT string_agg({line_expression(table, _LF)}, '') AS t, count(*) AS n FROM ({select_rows(table, span)}) r"
    )
    return f"SELECT CASE WHEN octet_length(t) <= {largest} THEN t END, n FROM ({lines}) l"


def _answer(free: Free, statement: str | None, read: Callable[[PGresult], bytes | None]) -> bytes | None:
    if statement is None:
        return None
    connection = free.get()
    try:
        found = psycopg.Cursor(connection).execute(statement.encode(), binary=True).pgresult
        return read(found) if found else None
    except psycopg.Error:
        _recover(connection)
        return None
    finally:
        free.put(connection)


def _value(found: PGresult) -> bytes | None:
    return found.get_value(0, 0)


def _text(found: PGresult) -> bytes | None:
    """Return the text if it has a line for each row; None where a row gave none, which the slow way tells of."""
    text, expected = found.get_value(0, 0), int.from_bytes(found.get_value(0, 1) or b"")
    if not expected:
        return b""
    return text if text and text.count(b"\n") == expected else None
