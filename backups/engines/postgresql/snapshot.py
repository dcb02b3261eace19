"""A consistent read view: every table locked against change first, then one snapshot for everything that is read."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from backups.engines.base import Snapshot
from backups.engines.postgresql import witness
from backups.engines.postgresql.cells import converter, split
from backups.engines.postgresql.counters import read_sequences
from backups.engines.postgresql.introspection import read_tables, relations, without
from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.outside import uncovered
from backups.engines.postgresql.properties import read_facts
from backups.engines.postgresql.queries import select
from backups.engines.postgresql.session import Connection, fetch, pin, quoted, relation, run, sentence, told
from backups.engines.postgresql.structure import capture
from backups.engines.postgresql.unreadable import unreadable
from backups.exceptions import SourceChanged, SourceError
from backups.facts import EVERYTHING, EngineFacts, Orphans, Span, Uncovered, Witness
from backups.rows import Row
from backups.schema import Schema, Sequence
from backups.tables import Table

# How long another session's lock is waited for, as PostgreSQL writes it.
PATIENCE = "20s"
_TRIES = 5
# Lines hold no control characters, so these two leave them as they are.
_AS_IT_IS = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"
_ROLL_BACK = b"ROLLBACK TO SAVEPOINT lifeboat"

_HOLDERS = """
SELECT n.nspname || '.' || c.relname, a.pid, a.usename, a.application_name
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.relation = ANY(%(oids)s::int8[]::oid[]) AND l.mode = 'AccessExclusiveLock' ORDER BY l.granted DESC, a.pid LIMIT 1
"""
_VIEW = "SELECT pg_current_snapshot()::text"
_PATH = "SELECT unnest(current_schemas(false))"


class PostgreSQLSnapshot(Snapshot):
    """One transaction, repeatable read and read only."""

    def __init__(self, connection: Connection, place: str, excluded: Collection[str]) -> None:
        self._connection = connection
        self._place = place
        self._busy = False
        with told(place):
            self._path = [row[0] for row in fetch(connection, _PATH)]
            _begin(connection, place)
        with self._reading():
            self._view = fetch(connection, _VIEW)
            every = read_tables(connection, self._path)
            self._tables = without(every, excluded)
            self._left_out = [table for oid, table in every.items() if oid not in self._tables]
        if self._left_out:
            self.schema()

    def facts(self) -> EngineFacts:
        """Return version, encoding, collation, extensions, and the database's own settings that a copy needs."""
        with self._reading():
            return read_facts(self._connection)

    def tables(self) -> list[Table]:
        """Return every ordinary table by schema and name; keys and indexes come after the rows, so any order loads."""
        return list(self._tables.values())

    def schema(self) -> Schema:
        """Return the definition of everything covered; raise ConfigurationError where it needs an excluded table."""
        with self._reading():
            return capture(self._connection, {table.qualified for table in self._left_out})

    def sequences(self) -> list[Sequence]:
        """Return each counter with its value of this moment, which is never behind the snapshot's rows."""
        left_out = {table.qualified for table in self._left_out}
        with self._reading():
            return [counter for counter in read_sequences(self._connection) if counter.table not in left_out]

    def uncovered(self) -> list[Uncovered]:
        """Name what a backup does not hold, excluded tables with their rows."""
        with self._reading():
            counts = witness.sizes(self._connection, self._left_out)
            gone = [Uncovered("table", name, "excluded by the settings", rows) for name, rows in counts.items()]
            return [*gone, *uncovered(self._connection)]

    def count(self, table: Table) -> int:
        """Return the number of rows."""
        with self._reading(table):
            return witness.sizes(self._connection, [table])[table.qualified]

    def lines(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        """Yield the lines that the server writes."""
        statement = f"COPY ({select(table, line_expression(table), span)}) TO STDOUT ({_AS_IT_IS})".encode()
        line = None
        with self._reading(table):
            try:
                with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
                    for block in copy:
                        line = bytes(block)
                        if line == b"\n":
                            raise SourceError(f"{self._place} wrote no line for a row of table {table.qualified}.")
                        yield line
            except psycopg.DataError as error:
                found = unreadable(self._connection, table, span, line, error)
                if found:
                    raise found from error
                raise

    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        """Yield the rows from the text of each value."""
        names = ", ".join(quoted(column.name) for column in table.columns)
        converters = [(i, c) for i, column in enumerate(table.columns) if (c := converter(column))]
        statement = f"COPY ({select(table, names, span)}) TO STDOUT".encode()
        with self._reading(table), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for block in copy:
                row = split(str(block, "utf-8")) if table.columns else []
                for i, convert in converters:
                    text = row[i]
                    if isinstance(text, str):
                        row[i] = convert(text)
                yield row

    def witness(self, table: Table) -> Witness:
        """Return the table's witness."""
        with self._reading(table):
            return witness.witness(self._connection, table)

    def orphans(self, tables: Collection[Table]) -> list[Orphans]:
        """Return the foreign keys that rows of these tables break."""
        with self._reading():
            return witness.orphans(self._connection, tables)

    def referring(self, table: Table) -> list[str]:
        """Return the tables with rows that point at this one."""
        with self._reading():
            return witness.referring(self._connection, table)

    def confirm(self) -> None:
        """See that it is one view to the end: no table can be truncated, altered or dropped while its locks last."""
        with self._reading():
            if fetch(self._connection, _VIEW) != self._view:
                raise SourceChanged(f"{self._place} was not read in one view.")

    @contextmanager
    def _reading(self, table: Table | None = None) -> Iterator[None]:
        """Tell the driver's errors in sentences; after one, or a reading given up early, the view still stands."""
        place = f"Table {table.qualified} of {self._place}" if table else self._place
        if self._busy:
            raise RuntimeError("A snapshot is one connection, so it reads one thing at a time.")
        self._busy = True
        try:
            yield
        except psycopg.Error as error:
            raise sentence(error, place, SourceError) from error
        finally:
            self._busy = False
            if self._connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR:
                self._connection.execute(_ROLL_BACK)


def _begin(connection: Connection, place: str) -> None:
    """Open the transaction, with every table locked before its snapshot is taken."""
    for _ in range(_TRIES):
        wanted = relations(connection, "rp")
        run(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        pin(connection, local=True, lock_timeout=PATIENCE, search_path="")
        try:
            _lock(connection, wanted)
        except errors.UndefinedTable:
            run(connection, "ROLLBACK")
            continue
        except errors.LockNotAvailable:
            run(connection, "ROLLBACK")
            raise SourceError(_held_up(connection, place, wanted)) from None
        if relations(connection, "rp") == wanted:
            run(connection, "SAVEPOINT lifeboat")
            return
        run(connection, "ROLLBACK")
    raise SourceChanged(f"{place} gained or lost tables each time that they were to be locked.")


def _lock(connection: Connection, wanted: Collection[tuple[int, str, str]]) -> None:
    if wanted:
        names = ", ".join(f"ONLY {relation(schema, name)}" for _, schema, name in wanted)
        run(connection, f"LOCK TABLE {names} IN ACCESS SHARE MODE")


def _held_up(connection: Connection, place: str, wanted: Collection[tuple[int, str, str]]) -> str:
    holders = fetch(connection, _HOLDERS, {"oids": [oid for oid, _, _ in wanted]})
    if not holders:
        return f"{place} has a table that stayed locked for {PATIENCE}."
    name, pid, user, application = holders[0]
    return (
        f"Table {name} of {place} stayed locked for {PATIENCE} by process {pid} of user {user} "
        f"({application or 'no application name'}), which alters, truncates or rewrites it."
    )
