"""Rows of a live SQLite database, looked up and put back in one transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from backups.engines.editing import Editor, Values
from backups.engines.sqlite import reading
from backups.engines.sqlite.catalog import Catalog
from backups.engines.sqlite.cells import stored_of
from backups.engines.sqlite.connection import pragma, quoted
from backups.engines.sqlite.connection import reading as errors
from backups.exceptions import RestoreError
from backups.facts import Among, Key, Reference
from backups.tables import Table


class SQLiteEditor(Editor):
    """See ``Editor``. For writing it is the only writer from its beginning."""

    def __init__(
        self, connection: sqlite3.Connection, title: str, settings: Mapping[str, Any], *, writing: bool
    ) -> None:
        self._connection, self._title, self._settings = connection, title, settings
        with errors(title):
            pragma(connection, "foreign_keys = ON")
            connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")
            self._catalog = Catalog(connection)

    def tables(self) -> list[Table]:
        with errors(self._title):
            return self._catalog.tables(self._settings)

    def references(self) -> list[Reference]:
        with errors(self._title):
            names = {name.lower(): name for name in self._catalog.names()}
            found = [key for name in names.values() for key in self._catalog.foreign_keys(name)]
        return [Reference(k.table, k.columns, names.get(k.parent.lower(), k.parent), k.targets) for k in found]

    def unique(self, table: Table) -> list[tuple[str, ...]]:
        with errors(self._title):
            listed = self._connection.execute(f"PRAGMA index_list({quoted(table.name)})").fetchall()
            indexes = [name for _, name, unique, _, partial in listed if unique and not partial]
            columns = [[c for _, _, c in self._connection.execute(f"PRAGMA index_info({quoted(i)})")] for i in indexes]
        # An expression has no name.
        keys = [tuple(found) for found in columns if None not in found]
        return keys if table.key in keys or not table.key else [table.key, *keys]

    def lines(self, table: Table, among: Among) -> Iterator[bytes]:
        with errors(self._title):
            yield from reading.lines(self._connection, table, among)

    def is_below(self, table: Table, one: Key, other: Key) -> bool:
        """Compare by the collations of the key's index: SQLite does not tell those of a column."""
        with errors(self._title):
            places, values = reading.bound(table, table.key, one)
            others, more = reading.bound(table, table.key, other)
            collations = self._collations(table)
            collated = (f"{place} COLLATE {quoted(name)}" for place, name in zip(places, collations, strict=True))
            sql = f"SELECT ({', '.join(collated)}) < ({', '.join(others)})"
            return bool(self._connection.execute(sql, values + more).fetchone()[0])

    def _collations(self, table: Table) -> list[str]:
        for _, name, unique, origin, _ in self._connection.execute(f"PRAGMA index_list({quoted(table.name)})"):
            if unique and origin == "pk":
                parts = self._connection.execute(f"PRAGMA index_xinfo({quoted(name)})").fetchall()
                named = {column: collation for _, _, column, _, collation, is_key in parts if is_key}
                return [named.get(column, "BINARY") for column in table.key]
        return ["BINARY" for _ in table.key]

    def insert(self, table: Table, values: Values) -> None:
        names, places, stored = self._written(table, values)
        columns = f" ({', '.join(names)}) VALUES ({', '.join(places)})" if names else " DEFAULT VALUES"
        self._change(table, f"INSERT INTO {quoted(table.name)}{columns}", stored)

    def update(self, table: Table, key: Key, values: Values) -> None:
        names, places, stored = self._written(table, values)
        given = ", ".join(f"{name} = {place}" for name, place in zip(names, places, strict=True))
        keys, found = reading.bound(table, table.pk, key)
        same = " AND ".join(f"{quoted(name)} = {place}" for name, place in zip(table.pk, keys, strict=True))
        if self._change(table, f"UPDATE {quoted(table.name)} SET {given} WHERE {same}", stored + found) != 1:
            raise RestoreError(f"The row of table {table.qualified} is not there any more.", table=table.qualified)

    @staticmethod
    def _written(table: Table, values: Values) -> tuple[list[str], list[str], list[Any]]:
        stored = [stored_of(table.column(name), cell) for name, cell in values.items()]
        return [quoted(name) for name in values], [reading.placeholder(value) for value in stored], stored

    def defer(self) -> None:
        pragma(self._connection, "defer_foreign_keys = ON")

    def advance(self, tables: Collection[Table]) -> None:
        """Do nothing: SQLite moves the counters of AUTOINCREMENT on itself."""

    def commit(self) -> None:
        with self._refusing():
            self._connection.execute("COMMIT")

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        with errors(self._title):
            return self._connection.execute(sql).fetchall()

    def named(self, table: Table, column: str = "") -> str:
        return quoted(column or table.name)

    def _change(self, table: Table, sql: str, parameters: list[Any]) -> int:
        with self._refusing(table.qualified):
            return self._connection.execute(sql, parameters).rowcount

    @contextmanager
    def _refusing(self, table: str = "") -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            where = f"a row of table {table}" if table else "the rows"
            raise RestoreError(f"The {self._title} refused {where}: {error}.", table=table) from error
