"""What an engine offers for putting single rows back: one transaction on a live database, committed at its end or not at all.

Values go in as the backup holds them: no signals, no ``save()``; the database's own constraints and triggers apply.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence

from backups.facts import Among, Key, Reference
from backups.rows import Cell, Decoder, Row
from backups.tables import Table

Values = Mapping[str, Cell]
_AT_ONCE = 200


class Editor(ABC):
    """One transaction on a live database. Left without ``commit``, nothing was changed.

    Opened for writing, what it reads cannot change before it commits, or its commit is refused. Raises SourceError
    where the database cannot be read, RestoreError where it refuses a row.
    """

    @abstractmethod
    def tables(self) -> list[Table]:
        """Return every ordinary table, as ``Snapshot.tables`` does."""

    @abstractmethod
    def references(self) -> list[Reference]:
        """Return the foreign keys of all tables."""

    @abstractmethod
    def unique(self, table: Table) -> list[tuple[str, ...]]:
        """Return the columns of each unique key that holds for every row of the table, its primary one among them."""

    @abstractmethod
    def lines(self, table: Table, among: Among) -> Iterator[bytes]:
        """Yield the canonical lines of the rows that hold one of these keys."""

    @abstractmethod
    def is_below(self, table: Table, one: Key, other: Key) -> bool:
        """Say whether one key of the table comes before another, in the order of the database."""

    @abstractmethod
    def insert(self, table: Table, values: Values) -> None:
        """Insert a row; a column that is not named gets its default."""

    @abstractmethod
    def update(self, table: Table, key: Key, values: Values) -> None:
        """Give the row of this primary key these values."""

    @abstractmethod
    def defer(self) -> None:
        """Have foreign keys checked at the end: some of the rows to come point at each other."""

    @abstractmethod
    def advance(self, tables: Collection[Table]) -> None:
        """Move the counters of these tables on, where a key that was inserted is above them."""

    @abstractmethod
    def commit(self) -> None:
        """Make it all durable."""

    @abstractmethod
    def fetch(self, sql: str) -> list[tuple[object, ...]]:
        """Return the rows of a query."""

    @abstractmethod
    def named(self, table: Table, column: str = "") -> str:
        """Return the name of a table, or of a column of it, as SQL."""

    def rows(self, table: Table, among: Among) -> Iterator[Row]:
        """Yield the rows that hold one of these keys."""
        decode = Decoder(table).decode
        for start in range(0, len(among.keys), _AT_ONCE):
            part = Among(among.columns, among.keys[start : start + _AT_ONCE])
            yield from map(decode, self.lines(table, part))

    def counts(self, table: Table, column: str, ranges: Sequence[tuple[int, int]]) -> list[int]:
        """Return how many rows have an integer in each of these ranges, their ends among them."""
        found: list[int] = []
        name, place = self.named(table, column), self.named(table)
        for start in range(0, len(ranges), _AT_ONCE):
            part = ranges[start : start + _AT_ONCE]
            asked = (f"(SELECT count(*) FROM {place} WHERE {name} BETWEEN {low} AND {high})" for low, high in part)
            found += (int(str(count)) for count in self.fetch(f"SELECT {', '.join(asked)}")[0])
        return found
