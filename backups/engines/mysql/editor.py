"""Rows of a live MariaDB or MySQL database, looked up and put back in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from backups.engines.editing import Editor, Values
from backups.engines.mysql import cells, errors, text
from backups.engines.mysql.reading import Reader
from backups.engines.mysql.session import DATABASE_ERRORS, LOADING_MODE, Session, said
from backups.engines.mysql.snapshot import MySqlSnapshot
from backups.exceptions import RestoreError
from backups.facts import Among, Key, Reference
from backups.tables import Table


class MySqlEditor(Editor):
    """See ``Editor``. For writing it is serializable: what it reads is locked until it commits."""

    def __init__(self, session: Session, described: MySqlSnapshot, named: str, *, writing: bool) -> None:
        self._session, self._described, self._named = session, described, named
        with errors.reading(named):
            level = "SERIALIZABLE" if writing else "REPEATABLE READ"
            session.set({"sql_mode": text.string(LOADING_MODE)})
            session.run(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
            session.run(f"START TRANSACTION {'READ WRITE' if writing else 'WITH CONSISTENT SNAPSHOT, READ ONLY'}")
            described.look()

    def tables(self) -> list[Table]:
        return self._described.tables()

    def references(self) -> list[Reference]:
        keys = (key for table in self.tables() for key in self._described.definition(table).foreign_keys)
        return [Reference(key.table, key.columns, key.parent_name, key.parent_columns) for key in keys]

    def unique(self, table: Table) -> list[tuple[str, ...]]:
        return [key.columns for key in self._described.definition(table).unique_keys if key.plain]

    def lines(self, table: Table, among: Among) -> Iterator[bytes]:
        with errors.reading(self._named):
            yield from Reader(self._session, table).lines(among)

    def is_below(self, table: Table, one: Key, other: Key) -> bool:
        """Compare by the collations of the columns, which an expression has from the columns in it."""
        first, second = (self._collated(table, key) for key in (one, other))
        sql = f"SELECT ({first}) < ({second}) FROM (SELECT 1) AS one LEFT JOIN {self.named(table)} AS t ON FALSE"
        return bool(self.fetch(sql)[0][0])

    def _collated(self, table: Table, key: Key) -> str:
        return ", ".join(
            f"IFNULL(t.{text.name(name)}, {cells.writer(table.column(name))(cell)})"
            for name, cell in zip(table.key, key, strict=True)
        )

    def insert(self, table: Table, values: Values) -> None:
        given = ", ".join(self._written(table, values).values())
        self._change(table, f"INSERT INTO {self.named(table)} ({text.names(list(values))}) VALUES ({given})")

    def update(self, table: Table, key: Key, values: Values) -> None:
        given = ", ".join(f"{text.name(name)} = {to}" for name, to in self._written(table, values).items())
        found = self._written(table, dict(zip(table.pk, key, strict=True)))
        same = " AND ".join(f"{text.name(name)} = {value}" for name, value in found.items())
        # The server counts a row that had these values already as not changed, so it is not the count that tells.
        self._change(table, f"UPDATE {self.named(table)} SET {given} WHERE {same}")

    @staticmethod
    def _written(table: Table, values: Values) -> dict[str, str]:
        return {name: cells.writer(table.column(name))(cell) for name, cell in values.items()}

    def defer(self) -> None:
        """The server checks each row at once or not at all; whoever puts rows back looks into them before the commit."""
        with errors.making(self._named):
            self._session.set({"foreign_key_checks": 0})

    def advance(self, tables: Collection[Table]) -> None:
        """Do nothing: the server moves AUTO_INCREMENT on itself."""

    def commit(self) -> None:
        with self._refusing():
            self._session.run("COMMIT")

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        with errors.reading(self._named):
            return self._session.query(sql)

    def named(self, table: Table, column: str = "") -> str:
        return text.name(column or table.name)

    def _change(self, table: Table, sql: str) -> None:
        with self._refusing(table.qualified):
            self._session.run(sql)

    @contextmanager
    def _refusing(self, table: str = "") -> Iterator[None]:
        try:
            yield
        except DATABASE_ERRORS as error:
            where = f"a row of table {table}" if table else "the rows"
            raise RestoreError(f"The {self._named} refused {where}: {said(error)}.", table=table) from error
