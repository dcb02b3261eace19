"""Other connections that join a snapshot, so that several spans of a table are read at once, each as one text."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack
from queue import SimpleQueue
from types import TracebackType
from typing import Self

import psycopg

from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.queries import select_rows
from backups.engines.postgresql.session import Connection, literal, pin, relation, run
from backups.exceptions import BackupsError
from backups.facts import Span
from backups.tables import Table

# How many connections read at once: more of them only take turns where the server has few cores to spare.
READERS = 2
_JOIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT {}"
_LF = "\n"
_BACK = b"ROLLBACK TO SAVEPOINT lifeboat"

Free = SimpleQueue[Connection]


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

    def texts(self, snapshot: str, table: Table, spans: Sequence[Span], largest: int) -> Iterator[bytes | None]:
        """Yield the text of each span in turn, None for one that has to be read line by line."""
        free: Free = SimpleQueue()
        for connection in self._able(snapshot, table):
            free.put(connection)
        if free.empty():
            yield from [None] * len(spans)
            return
        waiting: deque[Future[bytes | None]] = deque()
        try:
            for span in spans:
                waiting.append(self._threads.submit(_text, free, _statement(table, span, largest)))
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
            self._connections = list(self._joined(snapshot))
        return [connection for connection in self._connections if _locked(connection, table)]

    def _joined(self, snapshot: str) -> Iterator[Connection]:
        for _ in range(READERS):
            try:
                connection = self._stack.enter_context(self._opened())
                run(connection, _JOIN.format(literal(snapshot)))
                # Parallel workers of the server would join their parts in any order.
                pin(connection, local=True, search_path="", max_parallel_workers_per_gather="0")
                run(connection, "SAVEPOINT lifeboat")
            except (psycopg.Error, BackupsError):
                return
            yield connection


def _locked(connection: Connection, table: Table) -> bool:
    lock = f"LOCK TABLE ONLY {relation(table.schema, table.name)} IN ACCESS SHARE MODE NOWAIT"
    try:
        # Below a new savepoint, the lock stays when a reading fails.
        run(connection, f"{lock}; RELEASE SAVEPOINT lifeboat; SAVEPOINT lifeboat")
    except psycopg.Error:
        _recover(connection)
        return False
    return True


def _recover(connection: Connection) -> None:
    try:
        connection.execute(_BACK)
    except psycopg.Error:
        connection.close()


def _statement(table: Table, span: Span, largest: int) -> bytes:
    """Return the query of a span's lines as one text, with the number of its rows; NULL for a text that is too large."""
    lines = (
        f"SELECT string_agg({line_expression(table, _LF)}, '') AS t, count(*) AS n FROM ({select_rows(table, span)}) r"
    )
    return f"SELECT CASE WHEN octet_length(t) <= {largest} THEN t END, n FROM ({lines}) l".encode()


def _text(free: Free, statement: bytes) -> bytes | None:
    connection = free.get()
    try:
        found = psycopg.Cursor(connection).execute(statement, binary=True).pgresult
        return _whole(found.get_value(0, 0), found.get_value(0, 1)) if found else None
    except psycopg.Error:
        _recover(connection)
        return None
    finally:
        free.put(connection)


def _whole(text: bytes | None, rows: bytes | None) -> bytes | None:
    """Return the text if it has a line for each row; None where a row gave none, which the slow way tells of."""
    expected = int.from_bytes(rows or b"")
    if not expected:
        return b""
    return text if text and text.count(b"\n") == expected else None
