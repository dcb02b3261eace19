"""Rows of a live PostgreSQL database, looked up and put back in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager

import psycopg

from backups.engines.editing import Editor, Values
from backups.engines.postgresql.counters import read_sequences, set_sequences
from backups.engines.postgresql.introspection import read_tables
from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.queries import literals, select
from backups.engines.postgresql.session import (
    Connection,
    fetch,
    first_line,
    literal,
    pin,
    quoted,
    relation,
    run,
    told,
)
from backups.engines.postgresql.snapshot import AS_IT_IS, CURRENT_PATH, PATIENCE
from backups.engines.postgresql.values import text_of
from backups.engines.postgresql.witness import references
from backups.exceptions import RestoreError
from backups.facts import Among, Key, Reference
from backups.rows import Cell
from backups.schema import Sequence
from backups.tables import Table

_UNIQUE = """
SELECT array_agg(a.attname ORDER BY k.i)
FROM pg_index i CROSS JOIN unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY k(num, i)
JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.num
WHERE i.indrelid = %(table)s::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
GROUP BY i.indexrelid ORDER BY i.indexrelid
"""


class PostgreSQLEditor(Editor):
    """See ``Editor``. One repeatable read: a row that somebody else changed meanwhile makes its writing fail."""

    def __init__(self, connection: Connection, place: str, *, writing: bool) -> None:
        self._connection, self._place = connection, place
        with told(place):
            path = [row[0] for row in fetch(connection, CURRENT_PATH)]
            pin(connection, local=False, lock_timeout=PATIENCE)
            run(connection, f"BEGIN ISOLATION LEVEL REPEATABLE READ {'READ WRITE' if writing else 'READ ONLY'}")
            # Types are spelt with their schemas; triggers, which come later, find their functions as ever.
            run(connection, "SET LOCAL search_path = ''")
            self._tables = list(read_tables(connection, path).values())
            self._references = references(connection)
            run(connection, "SET LOCAL search_path TO DEFAULT")

    def tables(self) -> list[Table]:
        return self._tables

    def references(self) -> list[Reference]:
        return [
            Reference(".".join(r.child), r.columns, f"{r.parent_schema}.{r.parent}", r.parent_columns)
            for r in self._references
        ]

    def unique(self, table: Table) -> list[tuple[str, ...]]:
        with told(self._place):
            return [tuple(names) for (names,) in fetch(self._connection, _UNIQUE, {"table": self.named(table)})]

    def lines(self, table: Table, among: Among) -> Iterator[bytes]:
        statement = f"COPY ({select(table, line_expression(table), among)}) TO STDOUT ({AS_IT_IS})".encode()
        with told(self._place), self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for block in copy:
                yield bytes(block)

    def is_below(self, table: Table, one: Key, other: Key) -> bool:
        """Compare by the collations of the columns, which an expression has from the columns in it."""
        first, second = (self._collated(table, key) for key in (one, other))
        sql = f"SELECT ({first}) < ({second}) FROM (SELECT 1) AS one LEFT JOIN ONLY {self.named(table)} AS t ON false"
        return bool(self.fetch(sql)[0][0])

    @staticmethod
    def _collated(table: Table, key: Key) -> str:
        pairs = zip(table.key, key, strict=True)
        return ", ".join(f"coalesce(t.{quoted(name)}, {literals(table, (name,), (cell,))})" for name, cell in pairs)

    def insert(self, table: Table, values: Values) -> None:
        names = ", ".join(map(quoted, values))
        cells = ", ".join(_literal(table, name, cell) for name, cell in values.items())
        given = f"({names}) OVERRIDING SYSTEM VALUE VALUES ({cells})" if values else "DEFAULT VALUES"
        self._change(table, f"INSERT INTO {self.named(table)} {given}")

    def update(self, table: Table, key: Key, values: Values) -> None:
        given = ", ".join(f"{quoted(name)} = {_literal(table, name, cell)}" for name, cell in values.items())
        names = ", ".join(map(quoted, table.pk))
        where = f"({names}) = ({literals(table, table.pk, key)})"
        if self._change(table, f"UPDATE ONLY {self.named(table)} SET {given} WHERE {where}") != 1:
            raise RestoreError(f"The row of table {table.qualified} is not there any more.", table=table.qualified)

    def defer(self) -> None:
        with told(self._place, RestoreError):
            run(self._connection, "SET CONSTRAINTS ALL DEFERRED")

    def advance(self, tables: Collection[Table]) -> None:
        names = {table.qualified: table for table in tables}
        with told(self._place, RestoreError):
            behind = [s for s in read_sequences(self._connection) if s.table in names]
            moved = (self._moved(counter, names[counter.table]) for counter in behind)
            set_sequences(self._connection, [counter for counter in moved if counter])

    def _moved(self, counter: Sequence, table: Table) -> Sequence | None:
        """Return a counter that stands at the greatest value of its column; None where it is not behind."""
        greatest = self.fetch(f"SELECT max({quoted(counter.column)}) FROM {self.named(table)}")[0][0]
        # One that was never called gives out its value next.
        if not isinstance(greatest, int) or counter.value - (not counter.called) >= greatest:
            return None
        return Sequence(counter.name, greatest, True, counter.schema, counter.table, counter.column)

    def commit(self) -> None:
        with self._refusing():
            run(self._connection, "COMMIT")

    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        with told(self._place):
            return fetch(self._connection, sql)

    def named(self, table: Table, column: str = "") -> str:
        return quoted(column) if column else relation(table.schema, table.name)

    def _change(self, table: Table, sql: str) -> int:
        with self._refusing(table.qualified):
            return self._connection.execute(sql.encode()).rowcount

    @contextmanager
    def _refusing(self, table: str = "") -> Iterator[None]:
        try:
            yield
        except psycopg.Error as error:
            where = f"a row of table {table}" if table else "the rows"
            raise RestoreError(f"{self._place} refused {where}: {first_line(error)}.", table=table) from error


def _literal(table: Table, name: str, cell: Cell) -> str:
    """Return a value without its type: what is assigned is never cut to fit, as what is cast may be."""
    return "NULL" if cell is None else literal(text_of(table.column(name).kind, cell))
