"""What a recovery is going to do: frozen values, printed before it and followed by it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from backups.differences import FieldChange, plain, shown
from backups.facts import Key, Reference
from backups.rows import Cell, Exact
from backups.tables import Table


class Action(StrEnum):
    """What a row needs to be as it was."""

    INSERT = "insert"
    UPDATE = "update"
    UNCHANGED = "unchanged"


class Why(StrEnum):
    """Why a row is part of a recovery."""

    ASKED = "asked"
    PARENT = "parent"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class Planned:
    """One row. ``values`` are what the backup holds, as far as the live table has room for it; ``now`` what is live."""

    table: Table
    action: Action
    why: Why
    key: Key
    values: Mapping[str, Cell]
    now: Mapping[str, Cell] | None = None
    fields: tuple[FieldChange, ...] = ()

    @property
    def place(self) -> str:
        """How a sentence names the row."""
        return f"{self.table.qualified} {key_text(self.key)}"

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "table": self.table.qualified,
            "model": self.table.label,
            "pk": key_json(self.table, self.key),
            "action": self.action.value,
            "why": self.why.value,
            "fields": [each.as_json() for each in self.fields],
        }

    def sentences(self) -> Iterator[str]:
        """Say it, for people."""
        why = "" if self.why == Why.ASKED else f" ({self.why.value})"
        yield f"{self.action.value:9} {self.place}{why}"
        for each in self.fields:
            yield f"            {each.column.field}: is {shown(each.now)}, was {shown(each.then)}"


@dataclass(frozen=True, slots=True)
class Recovery:
    """All rows, parents before children. ``cyclic`` says that some of them point at each other in a circle.

    ``references`` are the foreign keys that the database itself holds to. ``chunks_read`` of ``chunks`` were opened.
    ``left_out`` names columns of the backup that the live tables do not have, by table.
    """

    backup: str
    rows: tuple[Planned, ...]
    overwrite: bool = False
    cyclic: bool = False
    references: tuple[Reference, ...] = ()
    chunks_read: int = 0
    chunks: int = 0
    left_out: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def of(self, action: Action) -> list[Planned]:
        """Return the rows that need this."""
        return [row for row in self.rows if row.action == action]

    @property
    def writes(self) -> list[Planned]:
        """The rows that will be written: what is live already is overwritten only where that was asked for."""
        return [
            row for row in self.rows if row.action == Action.INSERT or (self.overwrite and row.action == Action.UPDATE)
        ]

    @property
    def kept(self) -> list[Planned]:
        """The rows that are live with other values, and stay so."""
        return [] if self.overwrite else self.of(Action.UPDATE)

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {
            "backup": self.backup,
            "rows": [row.as_json() for row in self.rows],
            "insert": len(self.of(Action.INSERT)),
            "update": len(self.of(Action.UPDATE)),
            "unchanged": len(self.of(Action.UNCHANGED)),
            "overwrite": self.overwrite,
            "left_out": {table: list(columns) for table, columns in self.left_out.items()},
            "chunks_read": self.chunks_read,
            "chunks": self.chunks,
        }

    def sentences(self) -> list[str]:
        """Say it, for people."""
        lines = [line for row in self.rows for line in row.sentences()]
        lines += [f"left out  {table}: {', '.join(columns)}" for table, columns in self.left_out.items()]
        counts = ", ".join(f"{len(self.of(action))} {action.value}" for action in Action)
        return [*lines, f"{counts}; chunks read: {self.chunks_read} of {self.chunks}."]


def key_text(key: Key) -> str:
    """Return a key for people."""
    return ", ".join(str(cell.value) if isinstance(cell, Exact) else cell for cell in key)


def key_json(table: Table, key: Key) -> Any:
    """Return a key as JSON: its one value, or a list of them."""
    values = [plain(table.column(name), cell) for name, cell in zip(table.pk, key, strict=True)]
    return values[0] if len(values) == 1 else values
