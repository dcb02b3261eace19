"""Rows → multi-row INSERT statements, each sent in the background while the next one is put together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice

from backups.engines.mysql import cells, errors, pieces, text
from backups.engines.mysql.columns import is_type
from backups.engines.mysql.session import DATABASE_ERRORS, LENIENT_MODE, LOADING_MODE, Session, code_of, said
from backups.exceptions import RestoreError
from backups.rows import Decoder, Exact, Row
from backups.tables import Table

_BATCH_BYTES, _BATCH_ROWS = 1024 * 1024, 20_000
_DUPLICATE = re.compile(r"Duplicate entry '(.*)' for key '(?:.*\.)?PRIMARY'", re.DOTALL)


_Prepared = tuple[list[bytes], list[str]]


class Unfit(Exception):
    """The server took a value, but not as it is."""


class Inserter:
    """Fills one table; the session commits nothing by itself.

    What takes more than one statement is loaded in bulk: InnoDB sorts the rows of an empty table instead of looking each
    one up. An error then costs all rows that went in before it. ``lay_bare`` is called before that, and says whether the
    server finds rows out that come twice, in bulk too.
    """

    def __init__(self, session: Session, table: Table, lay_bare: Callable[[], bool]) -> None:
        self._session, self._table, self._lay_bare = session, table, lay_bare
        self._decoder = Decoder(table)
        self._writers = [cells.columnwise(column) for column in table.columns]
        self._enums = [i for i, column in enumerate(table.columns) if is_type(column, "enum")]
        self._named_by = [i for i, c in enumerate(table.columns) if c.name in (table.pk or table.key)]
        columns = text.names([column.name for column in table.columns])
        self._into = f"INSERT INTO {text.name(table.name)} ({columns}) VALUES "
        self._most = min(_BATCH_BYTES, session.largest_packet // 4)
        self._inserted = 0

    def insert(self, lines: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming the first that did not go in.

        Few rows are left uncommitted.
        """
        batches = ((batch, self._values(batch)) for batch in self._batches(lines))
        head = list(islice(batches, 2))
        if len(head) < 2:
            self._insert_few(head)
        else:
            self._insert_many(chain(head, batches))
        return self._inserted

    def _insert_few(self, batches: list[_Prepared]) -> None:
        self._prepare(bulk=False)
        for batch, values in batches:
            try:
                self._send(values, batch)
            except (*DATABASE_ERRORS, Unfit) as error:
                raise self._first_refused(batch, error) from error
            self._inserted += len(batch)

    def _insert_many(self, batches: Iterable[_Prepared]) -> None:
        self._prepare(bulk=self._lay_bare())
        with ThreadPoolExecutor(1, thread_name_prefix="lifeboat-insert") as pool:
            sent: tuple[list[bytes], Future[None]] | None = None
            for batch, values in batches:
                self._await(sent)
                sent = batch, pool.submit(self._send, values, batch)
            self._await(sent)
        try:
            self._session.run("COMMIT")
        except DATABASE_ERRORS as error:
            raise self._failed(error) from error

    def _batches(self, lines: Iterable[bytes]) -> Iterator[list[bytes]]:
        batch: list[bytes] = []
        size = 0
        for line in lines:
            batch.append(line)
            size += len(line)
            if size >= self._most or len(batch) >= _BATCH_ROWS:
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    def _values(self, lines: list[bytes]) -> list[str]:
        """Return, for each line, what stands between its parentheses."""
        columns = self._decoder.columns(lines)
        try:
            literals = [write(found) for write, found in zip(self._writers, columns, strict=True)]
        except cells.Misplaced as error:
            if len(lines) == 1:
                raise self._refused(lines[0], str(error)) from error
            return [values for line in lines for values in self._values([line])]
        return list(map(",".join, zip(*literals, strict=True)))

    def _prepare(self, *, bulk: bool) -> None:
        # An ENUM may hold an empty text that stands for no member, which only a lenient server takes.
        mode = LENIENT_MODE if self._enums else LOADING_MODE
        self._session.set({"unique_checks": int(not bulk), "sql_mode": text.string(mode)})

    def _send(self, values: list[str], lines: list[bytes]) -> None:
        sql = f"{self._into}({'),('.join(values)})"
        if len(sql) * 4 < self._session.largest_packet or len(sql.encode()) < self._session.largest_packet:
            self._session.run(sql)
            if self._enums:
                self._heed_warnings(lines)
        elif len(lines) > 1:
            half = len(lines) // 2
            self._send(values[:half], lines[:half])
            self._send(values[half:], lines[half:])
        else:
            self._send_in_pieces(self._decoder.decode(lines[0]))

    def _send_in_pieces(self, row: Row) -> None:
        values, variables = pieces.assigned(self._session, self._table.columns, row)
        for variable in variables:
            if self._session.value(f"SELECT {variable} IS NULL"):
                raise Unfit(
                    f"a value is longer than the server's max_allowed_packet of {self._session.largest_packet} bytes"
                )
        self._session.run(f"{self._into}({values})")
        pieces.cleared(self._session, variables)

    def _heed_warnings(self, lines: list[bytes]) -> None:
        """A lenient server tells of each value that it changed; there must be no more than empty texts in ENUMs."""
        told = self._session.warnings()
        if told:
            rows = list(map(self._decoder.decode, lines))
            empty = sum(row[i] == "" for row in rows for i in self._enums)
            if len(told) > empty or {code for code, _ in told} != {errors.TRUNCATED}:
                raise Unfit(f"{told[0][1]} (warning {told[0][0]})")

    def _await(self, sent: tuple[list[bytes], Future[None]] | None) -> None:
        if sent is None:
            return
        batch, future = sent
        try:
            future.result()
        except (*DATABASE_ERRORS, Unfit) as error:
            raise self._first_refused(batch, error) from error
        self._inserted += len(batch)

    def _first_refused(self, batch: list[bytes], error: Exception) -> RestoreError:
        """Insert the rows of a batch that failed one by one, and return what is wrong with the first that does not go in."""
        if code_of(error) in errors.GONE:
            return self._failed(error)
        try:
            # In bulk, all is lost already. Tables without transactions keep what went in before the error; what went in
            # and is not as it should be must not.
            self._session.run("ROLLBACK" if isinstance(error, Unfit) else "COMMIT")
            self._prepare(bulk=False)
            there = self._session.value(f"SELECT COUNT(*) FROM {text.name(self._table.name)}")
            done = max(int(there) - self._inserted, 0)
        except DATABASE_ERRORS:
            return self._failed(error)
        for line in islice(batch, done, None):
            try:
                self._send(self._values([line]), [line])
            except (*DATABASE_ERRORS, Unfit) as refusal:
                return self._refused(line, _reason(refusal))
        return self._failed(error)

    def _refused(self, line: bytes, reason: str) -> RestoreError:
        row = self._decoder.decode(line)
        cells_of_key = [row[i] for i in self._named_by]
        key = ", ".join(str(cell.value) if isinstance(cell, Exact) else str(cell) for cell in cells_of_key)
        which = f"The row with primary key {key}" if key else "A row"
        return RestoreError(
            f"{which} of table {self._table.name} did not go in: {reason}.", table=self._table.name, key=key
        )

    def _failed(self, error: Exception) -> RestoreError:
        told = _reason(error)
        found = _DUPLICATE.search(told)
        return RestoreError(
            f"The rows of table {self._table.name} did not go in: {told}.",
            table=self._table.name,
            key=found[1] if found else "",
        )


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, Unfit) else said(error)
