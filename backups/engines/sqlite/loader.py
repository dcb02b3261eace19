"""Fills a fresh SQLite database: one transaction, rows first, indexes after, every constraint checked at the end."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from backups.chunks import lines_of
from backups.durable import sync_folder
from backups.engines.base import Loader
from backups.engines.sqlite import facts, refusals
from backups.engines.sqlite.catalog import Catalog
from backups.engines.sqlite.connection import condition_of, pragma, quoted
from backups.engines.sqlite.inserting import Inserter
from backups.engines.sqlite.place import Place
from backups.exceptions import RestoreError
from backups.facts import Orphans
from backups.progress import Progress, Step, silent
from backups.schema import Schema, Statement
from backups.schema import Sequence as Counter
from backups.tables import Table

_SAMPLE = 1000  # rows of an index that the planner's statistics are made from
_SETUP = (
    "foreign_keys = OFF",
    "synchronous = OFF",
    # In a fresh file there is hardly a page to keep for a rollback, and without any a failed row would not be undone.
    "journal_mode = MEMORY",
    "cache_size = -16384",  # KiB; a sort may take as much again
)


class SQLiteLoader(Loader):
    """Loads through one connection, which ``settle`` closes.

    ``journal_mode`` is what the file gets at the end; ``violations`` counts the rows of each table that break a CHECK
    of it in the source too.
    """

    def __init__(
        self,
        place: Place,
        title: str,
        connection: sqlite3.Connection,
        journal_mode: str,
        violations: Mapping[str, int],
    ) -> None:
        self._place = place
        self._title = title
        self._connection = connection
        self._journal_mode = journal_mode
        self._violations = violations
        self._tables: dict[str, Table] = {}
        self._shadows: dict[str, str] = {}
        for setting in _SETUP:
            pragma(connection, setting)
        connection.execute("BEGIN IMMEDIATE")

    def define(self, schema: Schema, progress: Progress = silent) -> None:
        self._run(schema.before, progress)
        self._shadows = Catalog(self._connection).shadows

    def load(self, table: Table, texts: Iterable[bytes]) -> int:
        self._tables[table.name] = table
        pragma(self._connection, f"ignore_check_constraints = {table.name in self._violations}")
        if table.name in self._shadows:
            # The virtual table put rows of its own in when it was made.
            self._connection.execute(f"DELETE FROM {quoted(table.name)}")
        return Inserter(self._connection, table).insert(lines_of(texts))

    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        self._run(schema.after, progress)
        known = {(o.table, o.columns, o.parent): o.rows for o in orphans}
        with self._completing():
            catalog = Catalog(self._connection)
            keys = {name: catalog.foreign_keys(name) for name in catalog.names()}
            for found in facts.orphans_of(self._connection, keys):
                if found.rows > known.get((found.table, found.columns, found.parent), 0):
                    raise refusals.rows_dangling(self._connection, self._tables, found, keys[found.table])

    def set_sequences(self, sequences: Iterable[Counter]) -> None:
        rows = [(sequence.name, sequence.value) for sequence in sequences]
        with self._completing():
            if self._connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'sqlite_sequence'").fetchone():
                self._connection.execute("DELETE FROM sqlite_sequence")
                self._connection.executemany("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", rows)

    def settle(self) -> None:
        with self._completing():
            self._connection.execute("COMMIT")
            pragma(self._connection, f"analysis_limit = {_SAMPLE}")
            self._connection.execute("ANALYZE")
            self._assert_whole()
            pragma(self._connection, f"journal_mode = {self._journal_mode}")
            self._connection.close()
            if self._place.path is not None:
                _make_durable(self._place)

    def _assert_whole(self) -> None:
        pragma(self._connection, "ignore_check_constraints = OFF")
        condition = condition_of(self._connection)
        if condition.damage:
            raise RestoreError(f"The {self._title} is not whole: {condition.damage}.")
        for table, rows in condition.violations.items():
            if rows > self._violations.get(table, 0):
                raise RestoreError(
                    f"{rows} rows of table {table} break a CHECK of it, more than in the source.", table=table
                )

    def _run(self, statements: Iterable[Statement], progress: Progress) -> None:
        for number, statement in enumerate(statements, 1):
            try:
                self._connection.execute(statement.sql)
            except sqlite3.Error as error:
                raise refusals.statement_refused(self._connection, self._tables, statement, error) from error
            progress(Step(statement.kind, statement.table or statement.name, number))

    @contextmanager
    def _completing(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise RestoreError(f"The {self._title} could not be completed: {error}.") from error


def _make_durable(place: Place) -> None:
    for path in place.files():
        if path.exists():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    if place.path is not None:
        sync_folder(place.path.parent)
