"""A consistent read view: every table locked against change first, then one snapshot for everything that is read."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import chain

import psycopg
from psycopg import errors

from backups.engines.ahead import Ahead
from backups.engines.base import BOUNDARIES, Answers, Engine, Snapshot
from backups.engines.postgresql import witness
from backups.engines.postgresql.cells import row_converter, split
from backups.engines.postgresql.changes import Changes, comparison
from backups.engines.postgresql.counters import read_sequences
from backups.engines.postgresql.introspection import read_tables, relations, without
from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.outside import uncovered
from backups.engines.postgresql.properties import read_facts
from backups.engines.postgresql.queries import order, select, select_rows
from backups.engines.postgresql.readers import Readers, passing
from backups.engines.postgresql.reading_back import read_back
from backups.engines.postgresql.session import Connection, fetch, literal, pin, quoted, relation, run, sentence, told
from backups.engines.postgresql.structure import capture
from backups.engines.postgresql.together import AT_ONCE, answers
from backups.engines.postgresql.unreadable import unreadable
from backups.engines.postgresql.witness import Reference
from backups.exceptions import SourceChanged, SourceError
from backups.facts import EVERYTHING, EngineFacts, Key, Orphans, Span, Uncovered, Witness, key_of
from backups.rows import Row
from backups.schema import Schema
from backups.schema import Sequence as Counter
from backups.tables import Column, Table

# How long another session's lock is waited for, as PostgreSQL writes it.
PATIENCE = "20s"
_TRIES = 5
_LF = "\n"
_NO_LINE = re.compile(r"\A\n|\n\n")
_SMALL = 256 * 1024  # bytes, as a table lies on disk and as its lines
_RANGES = 64  # of which one query tells whether they have changed
# Lines hold no control characters, so these two leave them as they are.
AS_IT_IS = "FORMAT csv, QUOTE E'\\x01', DELIMITER E'\\x02'"
_ROLL_BACK = b"ROLLBACK TO SAVEPOINT lifeboat"

_HOLDERS = """
SELECT n.nspname || '.' || c.relname, a.pid, a.usename, a.application_name
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
JOIN pg_class c ON c.oid = l.relation JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE l.relation = ANY(%(oids)s::int8[]::oid[]) AND l.mode = 'AccessExclusiveLock' ORDER BY l.granted DESC, a.pid LIMIT 1
"""
_LINE_SIZE = """
SELECT avg(octet_length({1})) FROM ONLY {0}
TABLESAMPLE SYSTEM (least(100, 50 * 100.0 / greatest(pg_relation_size({2}) / 8192, 1))) REPEATABLE (1)
"""
_VIEW = "SELECT pg_current_snapshot()::text"
CURRENT_PATH = "SELECT unnest(current_schemas(false))"


class PostgreSQLSnapshot(Snapshot):
    """One transaction, repeatable read and read only; ``readers``, where there are any, join it to read large tables."""

    def __init__(
        self, engine: Engine, connection: Connection, readers: Readers | None, excluded: Collection[str]
    ) -> None:
        self._connection = connection
        self._readers = readers
        self._place = place = engine.describe()
        self._busy = False
        self._expected: dict[Table, tuple[Future[list[Witness] | None], int]] = {}
        self._dangling: dict[object, list[Future[list[Orphans] | None]]] = {}
        with told(place):
            self._path = [row[0] for row in fetch(connection, CURRENT_PATH)]
            self._exported = self._begun()
        with self._reading():
            self._view = fetch(connection, _VIEW)
            every = read_tables(connection, self._path)
            self._tables = without(every, excluded)
            self._changes = Changes(engine, connection, self._tables)
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

    def sequences(self) -> list[Counter]:
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
        statement = f"COPY ({select(table, line_expression(table), span)}) TO STDOUT ({AS_IT_IS})".encode()
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

    def line_size(self, table: Table) -> int:
        """Return the average over some pages of the table, wherever they lie."""
        with self._reading(table):
            name = relation(table.schema, table.name)
            return int(
                fetch(self._connection, _LINE_SIZE.format(name, line_expression(table), literal(name)))[0][0] or 0
            )

    def boundaries(self, table: Table, after: Key | None, every: int) -> list[Key]:
        """Return the keys of every so many rows."""
        names = ", ".join(map(quoted, table.key))
        inside = f"{select(table, names, Span(after, None))} LIMIT {every * BOUNDARIES}"
        numbered = f"SELECT *, row_number() OVER (ORDER BY {names}) AS lifeboat_row FROM ({inside}) a"
        query = f"SELECT {names} FROM ({numbered}) b WHERE lifeboat_row % {every} = 0 ORDER BY lifeboat_row"
        return [key_of(row) for row in self._cells(table, [table.column(name) for name in table.key], query)]

    def texts(self, table: Table, spans: Sequence[Span], largest: int) -> Answers:
        """Yield the texts that other connections read."""
        if self._readers is None:
            return super().texts(table, spans, largest)
        return self._readers.texts(self._exported, table, spans, largest)

    def whole(self, tables: Iterable[Table]) -> Answers:
        """Yield the text of each small table, asking for those of several at once."""
        for batch in witness.batches(tables):
            try:
                with self._reading():
                    texts: Iterable[str | None] = [*answers(self._connection, map(_small_text, batch))]
            except SourceError:
                # Read by itself, a table whose rows cannot be said tells which one.
                texts = [None] * len(batch)
            yield from (None if text is None or _NO_LINE.search(text) else text.encode() for text in texts)

    def signal(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return where this snapshot stands among transactions, and commit a token that the next one must see."""
        with self._reading():
            return self._changes.signal(before)

    def follows(self, since: Mapping[str, str]) -> bool:
        """Say whether this is a later state of the same database."""
        with self._reading():
            return self._changes.follows(since)

    def states(self) -> dict[str, str]:
        """Return the digests of ordinary heap tables."""
        with self._reading():
            return self._changes.states()

    def unchanged(self, table: Table, since: Mapping[str, str], ranges: Sequence[tuple[Span, int]]) -> Iterator[bool]:
        """Compare counts, and the age of the youngest row with that of the signal; of many ranges on several connections."""
        parts = [ranges[start : start + _RANGES] for start in range(0, len(ranges), _RANGES)]
        queries = [comparison(table, since, part) for part in parts]
        told: Answers = (None for _ in queries)
        if self._readers is not None and len(parts) > 1:
            told = self._readers.values(self._exported, table, queries)
        for part, query, answer in zip(parts, queries, told, strict=True):
            digits = self._value(table, query) if answer is None else answer.decode()
            yield from (digit == "1" for digit, _ in zip(digits, part, strict=True))

    def _value(self, table: Table, query: str) -> str:
        with self._reading(table):
            return str(fetch(self._connection, query)[0][0])

    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        """Yield the rows from the text of each value."""
        return self._cells(table, table.columns, select_rows(table, span))

    def read_back(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        """Yield the lines that Python makes of the text of each value."""
        return read_back(table, self._printed(table, select_rows(table, span)))

    def digests(self, table: Table, ranges: Iterable[tuple[Span, int]]) -> Answers:
        """Yield the digests that the server takes on other connections."""
        if self._readers is None:
            return super().digests(table, ranges)
        return self._readers.digests(self._exported, table, ranges)

    def _cells(self, table: Table, columns: Sequence[Column], query: str) -> Iterator[Row]:
        """Yield what a query gives for these columns of a table, as cells."""
        convert = row_converter(columns)
        for block in self._printed(table, query):
            yield convert(split(str(block, "utf-8")) if columns else [])

    def _printed(self, table: Table, query: str) -> Iterator[bytes]:
        """Yield each row of a query of a table as COPY prints it."""
        statement = f"COPY ({query}) TO STDOUT".encode()
        with self._reading(table), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            yield from copy  # type: ignore[misc]

    def expect_witnesses(self, tables: Collection[Table]) -> None:
        """Have them looked up on another connection, those of several narrow tables at once."""
        if aside := self._aside:
            for batch in witness.batches(tables):
                found = aside.ask(passing(partial(witness.witnesses, tables=batch)))
                self._expected.update((table, (found, place)) for place, table in enumerate(batch))

    def expect_orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> None:
        """Have them counted on another connection."""
        if aside := self._aside:
            wanted = self._concerned(tables, settled)
            parts = [wanted[start : start + AT_ONCE] for start in range(0, len(wanted), AT_ONCE)]
            counted = [aside.ask(passing(partial(witness.orphans, references=part))) for part in parts]
            self._dangling[_question(tables, settled)] = counted

    def _concerned(self, tables: Collection[Table], settled: Collection[str]) -> list[Reference]:
        with self._reading():
            return witness.concerned(self._references, tables, settled)

    def witness(self, table: Table) -> Witness:
        """Return the table's witness."""
        known = self._looked_up(table)
        if known is not None:
            return known
        with self._reading(table):
            return witness.witness(self._connection, table)

    def witnesses(self, tables: Iterable[Table]) -> Iterator[Witness]:
        """Yield the witness of each table, asking for those of several narrow ones at once."""
        for batch in witness.batches(tables):
            known = [found for table in batch if (found := self._looked_up(table)) is not None]
            yield from known if len(known) == len(batch) else self._witnesses(batch)

    def _looked_up(self, table: Table) -> Witness | None:
        found, place = self._expected.pop(table, (None, 0))
        told = found.result() if found else None
        return told[place] if told else None

    def _witnesses(self, tables: list[Table]) -> list[Witness]:
        try:
            with self._reading():
                return witness.witnesses(self._connection, tables)
        except SourceError:
            # Asked for by itself, a table that cannot be read is named.
            return list(map(self.witness, tables))

    def orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> list[Orphans]:
        """Return the foreign keys that rows of these tables break; those from one settled table to another are not asked."""
        found = [counted.result() for counted in self._dangling.pop(_question(tables, settled), ())]
        known = [part for part in found if part is not None]
        if found and len(known) == len(found):
            return list(chain.from_iterable(known))
        wanted = self._concerned(tables, settled)
        with self._reading():
            return witness.orphans(self._connection, wanted)

    def referring(self, table: Table) -> list[str]:
        """Return the tables with rows that point at this one."""
        with self._reading():
            return witness.referring(self._connection, self._references, table)

    @cached_property
    def _aside(self) -> Ahead[Connection] | None:
        return self._readers.aside(self._exported) if self._readers else None

    @cached_property
    def _references(self) -> list[Reference]:
        return witness.references(self._connection)

    def confirm(self) -> None:
        """See that it is one view to the end: no table can be truncated, altered or dropped while its locks last."""
        with self._reading():
            if fetch(self._connection, _VIEW) != self._view:
                raise SourceChanged(f"{self._place} was not read in one view.")

    def _begun(self) -> str:
        """Begin the view on the connection, and return the name under which others join it."""
        return _begin(self._connection, self._place)

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


def _question(tables: Collection[Table], settled: Collection[str]) -> object:
    return tuple(table.qualified for table in tables), frozenset(settled)


def _small_text(table: Table) -> str:
    """Return the query of all lines of a table as one text; NULL where it is large. A row without a line is an empty one.

    The order stands in the aggregate, as rows that workers of the server join may come in any.
    """
    name = relation(table.schema, table.name)
    text = f"string_agg(coalesce({line_expression(table, _LF)}, E'\\n'), ''{order(table)})"
    inside = f"SELECT CASE WHEN octet_length(t) <= {_SMALL} THEN t END FROM (SELECT coalesce({text}, '') AS t FROM ONLY {name}) r"
    return f"SELECT CASE WHEN pg_table_size({literal(name)}) <= {_SMALL} THEN ({inside}) END"


def _begin(connection: Connection, place: str) -> str:
    """Open the transaction, with every table locked before its snapshot is taken; return the name of that."""
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
            exported = str(fetch(connection, "SELECT pg_export_snapshot()")[0][0])
            run(connection, "SAVEPOINT lifeboat")
            return exported
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
