"""What a SQLite database says of itself: its objects, verbatim, and the columns, keys and foreign keys of its tables."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backups.engines.sqlite.connection import quoted
from backups.engines.sqlite.kinds import kind_of
from backups.schema import Schema, Statement
from backups.tables import Column, Table, labelled, model_columns, models_by_table

# The tables that a virtual table of each module keeps its rows in, and makes itself.
_SHADOWS = {
    "fts3": ("content", "segments", "segdir", "docsize", "stat"),
    "fts4": ("content", "segments", "segdir", "docsize", "stat"),
    "fts5": ("data", "idx", "content", "docsize", "config"),
    "fts4aux": (),
    "fts5vocab": (),
    "rtree": ("node", "rowid", "parent"),
    "rtree_i32": ("node", "rowid", "parent"),
    "geopoly": ("node", "rowid", "parent"),
}
_MODULE = re.compile(r"CREATE\s+VIRTUAL\s+TABLE\b.*?\bUSING\s+[\"'`\[]?(\w+)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One object of ``sqlite_master`` that has a statement of its own."""

    kind: str
    name: str
    table: str
    sql: str

    @property
    def module(self) -> str:
        """The module of a virtual table, in lower case; empty for everything else."""
        found = _MODULE.match(self.sql) if self.kind == "table" else None
        return found[1].lower() if found else ""


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """One foreign key: the columns of the table, and those of the parent that they point at."""

    number: int
    table: str
    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]


class Catalog:
    """The objects of one database, as they are at the moment of asking."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
            r" AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid"
        )
        self._connection = connection
        self.entries = [Entry(*row) for row in rows]
        self.virtual = {entry.name: entry.module for entry in self.entries if entry.module}
        self.shadows = dict(self._shadows())

    def _shadows(self) -> Iterator[tuple[str, str]]:
        """Yield the name of each shadow table with that of its virtual table."""
        names = {entry.name for entry in self.entries if entry.kind == "table"}
        for virtual, module in self.virtual.items():
            yield from (
                (f"{virtual}_{part}", virtual) for part in _SHADOWS.get(module, ()) if f"{virtual}_{part}" in names
            )

    def foreign_modules(self) -> dict[str, str]:
        """Return the virtual tables, with their modules, whose rows lie where we do not know."""
        return {name: module for name, module in self.virtual.items() if module not in _SHADOWS}

    def names(self) -> list[str]:
        """Return the tables that hold rows, shadow tables too, by name."""
        return sorted(entry.name for entry in self.entries if entry.kind == "table" and not entry.module)

    def tables(self, settings: Mapping[str, Any]) -> list[Table]:
        """Return them as tables, labelled; ``settings`` are those of the database."""
        models = models_by_table()
        return [self._table(name, models.get(name), settings) for name in self.names()]

    def _table(self, name: str, model: Any, settings: Mapping[str, Any]) -> Table:
        fields = model_columns(model) if model else {}
        columns, pk = [], {}
        for _, column, declared, notnull, _, place, hidden in self._rows("table_xinfo", name):
            if not hidden:
                kind, scale = kind_of(declared, fields.get(column), settings)
                columns.append(Column(column, kind, declared, nullable=not notnull, scale=scale))
                if place:
                    pk[place] = (column, bool(notnull))
        key = tuple(column for _, (column, _) in sorted(pk.items()))
        usable = all(notnull for _, notnull in pk.values()) or self._is_rowid(name, key)
        return labelled(Table(name, "", tuple(columns), key=key if usable else ()), model)

    def _is_rowid(self, name: str, key: tuple[str, ...]) -> bool:
        """Say whether the key is the table's INTEGER PRIMARY KEY, which no NULL can be in; it has no index of its own."""
        return len(key) == 1 and not any(row[3] == "pk" for row in self._rows("index_list", name))

    def foreign_keys(self, table: str) -> list[ForeignKey]:
        """Return the foreign keys of a table."""
        parts: dict[int, list[tuple[Any, ...]]] = {}
        for row in self._rows("foreign_key_list", table):
            parts.setdefault(row[0], []).append(row)
        found = []
        for number, rows in sorted(parts.items()):
            rows.sort(key=lambda row: row[1])
            parent = rows[0][2]
            named = tuple(row[4] for row in rows if row[4] is not None)
            found.append(ForeignKey(number, table, tuple(row[3] for row in rows), parent, named or self._key(parent)))
        return found

    def _key(self, table: str) -> tuple[str, ...]:
        places = sorted((row[5], row[1]) for row in self._rows("table_xinfo", table) if row[5])
        return tuple(column for _, column in places)

    def _rows(self, pragma: str, name: str) -> list[tuple[Any, ...]]:
        return self._connection.execute(f"PRAGMA {pragma}({quoted(name)})").fetchall()

    def schema(self, without: Collection[str] = ()) -> Schema:
        """Return the statements of everything but some tables and what hangs on them; shadow tables make themselves."""
        left_out = {*without, *self.shadows, *self.foreign_modules()}
        kept = [entry for entry in self.entries if entry.name not in left_out and entry.table not in left_out]
        return Schema(
            before=tuple(_statements(kept, ("table",))), after=tuple(_statements(kept, ("index", "view", "trigger")))
        )


def _statements(entries: Iterable[Entry], kinds: tuple[str, ...]) -> Iterator[Statement]:
    entries = list(entries)
    for kind in kinds:
        for entry in entries:
            if entry.kind == kind:
                table = entry.table if kind != "view" else ""
                yield Statement("virtual table" if entry.module else kind, entry.name, entry.sql, table)
