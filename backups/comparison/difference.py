"""What a comparison finds: counts of every table, and the first so many rows of each, field by field."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from backups.differences import ADDED, CHANGED, DELETED, FieldChange, by_name, changed, plain, shown
from backups.engines.base import is_named
from backups.exceptions import ConfigurationError
from backups.rows import Cell, Decoder
from backups.tables import Table

_SIGNS = {ADDED: "+", CHANGED: "~", DELETED: "-"}


@dataclass(frozen=True, slots=True)
class RowChange:
    """One row that is not the same: added, changed or deleted. ``key`` is empty where the table has none."""

    kind: str
    key: tuple[Cell, ...]
    fields: tuple[FieldChange, ...]


@dataclass(slots=True)
class TableDifference:
    """What differs of one table. ``rows`` are the first ones; ``reason`` says why it was not compared, if it was not.

    ``problem`` says the same where it should have been.
    """

    table: Table
    added: int = 0
    changed: int = 0
    deleted: int = 0
    rows: list[RowChange] = field(default_factory=list)
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    reason: str = ""
    problem: str = ""

    @property
    def differs(self) -> bool:
        """Whether anything is worth a line."""
        return bool(self.added or self.changed or self.deleted or self.columns_added or self.columns_removed)

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "table": self.table.qualified,
            "model": self.table.label,
            "added": self.added,
            "changed": self.changed,
            "deleted": self.deleted,
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
            "rows": [self._row(row) for row in self.rows],
            "not_compared": self.reason or self.problem,
        }

    def _row(self, row: RowChange) -> dict[str, Any]:
        named = zip(self.table.pk or self.table.key, row.key, strict=False)
        key = [plain(self.table.column(name), cell) for name, cell in named]
        return {
            "change": row.kind,
            "pk": None if not key else key[0] if len(key) == 1 else key,
            "fields": [each.as_json() for each in row.fields],
        }

    def sentences(self, *, stat: bool) -> Iterator[str]:
        """Say it, for people."""
        yield f"{self.table.qualified}: {self.added:,} added, {self.changed:,} changed, {self.deleted:,} deleted"
        for word, columns in (("added", self.columns_added), ("removed", self.columns_removed)):
            if columns:
                yield f"    columns {word}: {', '.join(columns)}"
        for row in () if stat else self.rows:
            key = ", ".join(shown(cell) for cell in row.key) or "(a row without a key)"
            told = "; ".join(each.sentence() for each in row.fields) if row.kind == CHANGED or not row.key else ""
            yield f"  {_SIGNS[row.kind]} {key}{'  ' if told else ''}{told}"
        more = self.added + self.changed + self.deleted - len(self.rows)
        if more and not stat:
            yield f"  … and {more:,} more; --limit shows more of them"


class Collector:
    """Turns pairs of lines into counts and changes. ``limit`` is how many rows of a table are kept."""

    def __init__(self, then: Table, now: Table, limit: int) -> None:
        self._then, self._now, self._limit = then, now, limit
        self._same_lines = then.shape() == now.shape()
        self._decoders = Decoder(then).decode, Decoder(now).decode
        before, after = ({column.name for column in table.columns} for table in (then, now))
        self.found = TableDifference(
            now, columns_added=tuple(sorted(after - before)), columns_removed=tuple(sorted(before - after))
        )

    def add(self, then: bytes | None, now: bytes | None) -> None:
        """Take one pair; None stands for a row that is not there."""
        if self._same_lines and then == now:
            return
        before = by_name(self._then, self._decoders[0](then)) if then is not None else None
        after = by_name(self._now, self._decoders[1](now)) if now is not None else None
        if after is None and before is not None:
            self.found.deleted += 1
            self._keep(DELETED, self._then, before, dict.fromkeys(before))
        elif before is None and after is not None:
            self.found.added += 1
            self._keep(ADDED, self._now, dict.fromkeys(after), after)
        elif before is not None and after is not None and changed(self._now, before, after):
            self.found.changed += 1
            self._keep(CHANGED, self._now, before, after)

    def _keep(self, kind: str, table: Table, then: Mapping[str, Cell], now: Mapping[str, Cell]) -> None:
        if len(self.found.rows) < self._limit:
            there = then if kind == DELETED else now
            key = tuple(there[name] for name in table.pk or table.key)
            self.found.rows.append(RowChange(kind, key, changed(table, then, now)))


@dataclass(slots=True)
class Difference:
    """What differs between ``a`` and ``b``: two backups, or a backup and ``live``."""

    a: str
    b: str
    tables: list[TableDifference] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "a": self.a,
            "b": self.b,
            **{word: sum(getattr(table, word) for table in self.tables) for word in (ADDED, CHANGED, DELETED)},
            "same": sum(not (t.differs or t.reason or t.problem) for t in self.tables),
            "tables": [t.as_json() for t in self.tables if t.differs or t.reason or t.problem],
            "chunks_read": len(self.opened),
        }

    def sentences(self, *, stat: bool) -> list[str]:
        """Say it, for people."""
        lines = [line for table in self.tables if table.differs for line in table.sentences(stat=stat)]
        reasons: dict[str, list[str]] = {}
        for table in self.tables:
            reasons.setdefault(table.reason, []).append(table.table.qualified)
        lines += [f"Not compared: {', '.join(names)}: {reason}" for reason, names in reasons.items() if reason]
        told = self.as_json()
        return [
            *lines,
            f"{self.a} → {self.b}: {told['added']:,} rows added, {told['changed']:,} changed, {told['deleted']:,} deleted; "
            f"{told['same']:,} tables are the same; chunks read: {told['chunks_read']:,}.",
        ]

    def problems(self) -> list[str]:
        """Return a sentence for each table that could not be compared and should have been."""
        return [f"{t.table.qualified} was not compared: {t.problem}" for t in self.tables if t.problem]


def chosen(tables: Collection[Table], names: Collection[str]) -> set[str]:
    """Return the qualified names of the tables that somebody asks for, all for none; ConfigurationError for no table."""
    for name in names:
        if not any(is_named(table, {name}) for table in tables):
            raise ConfigurationError(f"There is no table {name!r} on either side.")
    return {table.qualified for table in tables if not names or is_named(table, names)}
