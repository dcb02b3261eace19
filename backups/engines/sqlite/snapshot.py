"""A consistent read view of a SQLite database."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from typing import Any, TypeVar

from backups.engines.base import Answers, Snapshot, is_named
from backups.engines.sqlite import facts, reading, retelling
from backups.engines.sqlite.catalog import Catalog, ForeignKey
from backups.engines.sqlite.connection import quoted
from backups.engines.sqlite.connection import reading as errors
from backups.engines.sqlite.view import View
from backups.exceptions import ConfigurationError
from backups.facts import EVERYTHING, EngineFacts, Orphans, Span, Uncovered, Witness
from backups.rows import Row
from backups.schema import Schema, Sequence
from backups.tables import Table

Answer = TypeVar("Answer")


class SQLiteSnapshot(Snapshot):
    """Reads from a view, where nothing changes any more."""

    def __init__(self, view: View, title: str, settings: Mapping[str, Any], excluded: Collection[str]) -> None:
        self._view = view
        self._title = title
        self._connection = view.connection
        self._expected: dict[object, Future[Any]] = {}
        self._catalog = Catalog(view.connection)
        every = self._catalog.tables(settings)
        virtual = {v for v in self._catalog.virtual if is_named(Table(v, f"tables.{v}", ()), excluded)}
        self._excluded = [t for t in every if is_named(t, excluded) or self._catalog.shadows.get(t.name) in virtual]
        self._tables = [table for table in every if table not in self._excluded]
        self._without = {table.name for table in self._excluded} | virtual
        self._assert_free_of_excluded()

    def _assert_free_of_excluded(self) -> None:
        """Raise ConfigurationError where something covered cannot be made again without what is excluded."""
        if not self._without:
            return
        lower = {name.lower() for name in self._without}
        for table in self._tables:
            for key in self._catalog.foreign_keys(table.name):
                if key.parent.lower() in lower:
                    raise _conflict("table", table.name, key.parent)
        for entry in self._catalog.entries:
            if entry.kind == "view":
                for name in sorted(_read_by(self._connection, entry.name) & self._without):
                    raise _conflict("view", entry.name, name)

    def facts(self) -> EngineFacts:
        with errors(self._title):
            return facts.facts_of(self._view, self._catalog)

    def tables(self) -> list[Table]:
        return list(self._tables)

    def schema(self) -> Schema:
        return self._catalog.schema(self._without)

    def sequences(self) -> list[Sequence]:
        with errors(self._title):
            return facts.sequences_of(self._connection, self._tables)

    def uncovered(self) -> list[Uncovered]:
        found = [Uncovered("table", t.name, "excluded by BACKUPS['EXCLUDE']", self.count(t)) for t in self._excluded]
        found += [
            Uncovered("virtual table", name, f"its module {module} keeps the rows where they cannot be found")
            for name, module in self._catalog.foreign_modules().items()
        ]
        with errors(self._title):
            found += [
                Uncovered("table", name, "statistics of the planner; a restore gathers them afresh")
                for (name,) in self._connection.execute(
                    r"SELECT name FROM sqlite_master WHERE name LIKE 'sqlite\_stat%' ESCAPE '\' ORDER BY name"
                )
            ]
        attached = self._view.attached
        return found + [Uncovered("database", name, f"attached from {file or 'memory'}") for name, file in attached]

    def count(self, table: Table) -> int:
        with errors(self._title):
            return int(self._connection.execute(f"SELECT count(*) FROM {quoted(table.name)}").fetchone()[0])

    def lines(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        with errors(self._title):
            yield from reading.lines(self._connection, table, span)

    def batches(self, table: Table, span: Span = EVERYTHING) -> Iterator[list[bytes]]:
        with errors(self._title):
            yield from reading.batches(self._connection, table, span)

    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        with errors(self._title):
            yield from reading.rows(self._connection, table, span)

    def digests(self, table: Table, ranges: Iterable[tuple[Span, int]]) -> Answers:
        with errors(self._title):
            yield from retelling.digests(self._connection, table, ranges)

    def expect_witnesses(self, tables: Collection[Table]) -> None:
        """Have witnesses looked up while rows are read."""
        if ahead := self._view.ahead:
            for table in tables:
                self._expected["witness", table] = ahead.ask(partial(facts.witness_of, table=table))

    def expect_orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> None:
        """Have dangling references looked up while rows are read."""
        if ahead := self._view.ahead:
            keys = self._foreign_keys(tables)
            self._expected["orphans", *keys] = ahead.ask(partial(facts.orphans_of, keys=keys))

    def witness(self, table: Table) -> Witness:
        return self._asked(("witness", table), partial(facts.witness_of, table=table))

    def orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> list[Orphans]:
        keys = self._foreign_keys(tables)
        return self._asked(("orphans", *keys), partial(facts.orphans_of, keys=keys))

    def _foreign_keys(self, tables: Collection[Table]) -> dict[str, list[ForeignKey]]:
        with errors(self._title):
            return {name: self._catalog.foreign_keys(name) for name in sorted(table.name for table in tables)}

    def _asked(self, question: object, work: Callable[[sqlite3.Connection], Answer]) -> Answer:
        """Return what was looked up ahead, or look it up now."""
        with errors(self._title):
            known = self._expected.pop(question, None)
            return work(self._connection) if known is None else known.result()

    def referring(self, table: Table) -> list[str]:
        with errors(self._title):
            names = [name for name in self._catalog.names() if name != table.name]
            return [name for name in names if self._points_at(name, table.name)]

    def confirm(self) -> None:
        """Do nothing: a transaction, or a copy, sees no change of any table."""

    def _points_at(self, child: str, parent: str) -> bool:
        for key in self._catalog.foreign_keys(child):
            filled = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in key.columns)
            sql = f"SELECT 1 FROM {quoted(child)} WHERE {filled} LIMIT 1"
            if key.parent.lower() == parent.lower() and self._connection.execute(sql).fetchone():
                return True
        return False


def _conflict(kind: str, name: str, excluded: str) -> ConfigurationError:
    return ConfigurationError(
        f"The {kind} {name} cannot be backed up without the table {excluded}, which BACKUPS['EXCLUDE'] leaves out.",
        hint="Exclude both, or leave out only the rows, with BACKUPS['EXCLUDE_DATA'].",
    )


def _read_by(connection: sqlite3.Connection, view: str) -> set[str]:
    """Return the tables and views that a view reads, by asking SQLite to prepare it; none where it is broken."""
    found: set[str] = set()

    def note(action: int, table: str | None, *rest: str | None) -> int:
        if action == sqlite3.SQLITE_READ and table:
            found.add(table)
        return sqlite3.SQLITE_OK

    connection.set_authorizer(note)
    try:
        connection.execute(f"SELECT * FROM {quoted(view)} LIMIT 0").fetchall()
    except sqlite3.OperationalError:
        return set()
    finally:
        connection.set_authorizer(None)
    return found
