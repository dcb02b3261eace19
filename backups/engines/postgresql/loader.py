"""Fills a fresh database: bare tables first, then rows through COPY, then everything that depends on rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import replace
from itertools import groupby

import psycopg

from backups.engines.base import Loader
from backups.engines.postgresql.building import Size, build
from backups.engines.postgresql.counters import set_sequences
from backups.engines.postgresql.inserting import Inserter
from backups.engines.postgresql.offenders import offender
from backups.engines.postgresql.replay import replay
from backups.engines.postgresql.session import Connection, fetch, first_line, pin, relation, run, told
from backups.engines.postgresql.statistics import analyze
from backups.exceptions import RestoreError
from backups.facts import Orphans
from backups.progress import Progress, Step, silent
from backups.schema import Schema, Statement
from backups.schema import Sequence as Counter
from backups.tables import Table

_BUILD_MEMORY_KB = 256 * 1024
_APART = frozenset({"primary key", "unique", "exclusion", "index"})
_SESSION = {
    "synchronous_commit": "off",
    "check_function_bodies": "off",
    "client_min_messages": "warning",
    "lock_timeout": "0",
    "default_transaction_read_only": "off",
    "default_transaction_isolation": "read committed",
    "default_table_access_method": "heap",
}


class PostgreSQLLoader(Loader):
    """Connections to one database: the first does nearly everything, others help to load rows and build indexes.

    ``threads`` are as many, in which rows are sent. ``enclosed`` says that everything is in one transaction, which is the
    caller's.
    """

    def __init__(
        self, connections: Sequence[Connection], threads: Executor, place: str, *, enclosed: bool = False
    ) -> None:
        self._connections = connections
        self._connection = connections[0]
        self._enclosed = enclosed
        self._threads = threads
        self._place = place
        self._tables: dict[str, Table] = {}
        self._rows: dict[str, int] = {}
        with told(place, RestoreError):
            for each in self._connections:
                pin(each, local=enclosed, **_SESSION, maintenance_work_mem=_build_memory(each))

    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """Run the statements that come before the rows, in batches."""
        if not any(s.kind == "schema" and s.name == "public" for s in schema.statements()):
            with told(self._place, RestoreError):
                run(self._connection, "DROP SCHEMA IF EXISTS public")
        replay(self._connection, schema.before, self._failed, _Counted("define", len(schema.before), progress))

    def load(self, table: Table, texts: Iterable[bytes]) -> int:
        """Insert the rows of these lines."""
        self._tables[table.qualified] = table
        loaded = self._inserter(table).insert(texts)
        self._rows[table.qualified] = self._rows.get(table.qualified, 0) + loaded
        return loaded

    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        """Run the statements that come after the rows: keys and indexes on both connections, the rest in order."""
        broken = list(orphans)
        done = _Counted("complete", len(schema.after), progress)
        for apart, group in groupby(schema.after, lambda statement: statement.kind in _APART):
            if apart:
                build(self._connections, group, self._size, self._failed, done)
            else:
                statements = [_unchecked(statement, broken) for statement in group]
                replay(self._connection, statements, self._failed, done)

    def set_sequences(self, sequences: Iterable[Counter]) -> None:
        """Give each counter its recorded value."""
        with told(self._place, RestoreError):
            set_sequences(self._connection, sequences)

    def settle(self) -> None:
        """Take statistics; they are committed with the log on disk, and with it everything before them."""
        with told(self._place, RestoreError):
            if not self._enclosed:
                analyze(self._connections)
            elif self._tables:
                # The others are somebody's who may be using them.
                run(self._connection, f"ANALYZE {', '.join(relation(t.schema, t.name) for t in self._tables.values())}")

    def _inserter(self, table: Table) -> Inserter:
        return Inserter(self._connections, self._threads, self._place, table, enclosed=self._enclosed)

    def _size(self, statement: Statement) -> Size:
        table = self._tables.get(statement.table)
        texts = {column.name for column in table.columns if column.kind == "text"} if table else ()
        return Size(self._rows.get(statement.table, 0), texts)

    def _failed(self, connection: Connection, statement: Statement, error: psycopg.Error) -> RestoreError:
        of = f" of table {statement.table}" if statement.table and statement.kind != "table" else ""
        message = f"The {statement.kind} {statement.name}{of} cannot be made in {self._place}: {first_line(error)}."
        table = self._tables.get(statement.table)
        key = offender(connection, statement, table) if table else ""
        if key:
            message += f" The first row that breaks it has the primary key {key}."
        return RestoreError(message, table=statement.table, key=key)


class _Counted:
    """Tells progress how many statements have been run."""

    def __init__(self, stage: str, total: int, progress: Progress) -> None:
        self._stage, self._total, self._progress = stage, total, progress
        self._done = 0

    def __call__(self, statement: Statement, number: int) -> None:
        self._done += number
        self._progress(Step(self._stage, statement.table, rows=self._done, total_rows=self._total))


def _build_memory(connection: Connection) -> str:
    """Return how much memory an index build may take: the server's setting, or more where it is set low."""
    usual = fetch(connection, "SELECT setting::int FROM pg_settings WHERE name = 'maintenance_work_mem'")[0][0]
    return f"{max(usual, _BUILD_MEMORY_KB)}kB"


def _unchecked(statement: Statement, orphans: Iterable[Orphans]) -> Statement:
    """Return a foreign key that the source itself breaks as one that does not look at what is there."""
    if statement.kind != "foreign key" or statement.sql.endswith(" NOT VALID"):
        return statement
    plain = statement.sql.replace('"', "")
    for orphan in orphans:
        reference = f"FOREIGN KEY ({', '.join(orphan.columns)}) REFERENCES {orphan.parent}("
        if orphan.table == statement.table and reference.replace('"', "") in plain:
            return replace(statement, sql=f"{statement.sql} NOT VALID")
    return statement
