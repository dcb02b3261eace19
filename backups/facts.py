"""What is recorded of a database beside its rows and its definition: frozen values."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from backups.rows import Cell, Exact

Key = tuple[str | Exact, ...]


def key_of(cells: Collection[Cell]) -> Key:
    """Return the cells of a row's key columns as a key."""
    key = tuple(cell for cell in cells if cell is not None)
    if len(key) != len(cells):
        raise AssertionError("a key column held NULL, which the engine promised it could not")
    return key


@dataclass(frozen=True, slots=True)
class Span:
    """A range of keys: above ``after``, up to and including ``upto``; None is no bound."""

    after: Key | None = None
    upto: Key | None = None


EVERYTHING = Span()


@dataclass(frozen=True, slots=True)
class Among:
    """The rows that hold one of these ``keys`` in ``columns``, as the engine compares them; NULL is equal to nothing."""

    columns: tuple[str, ...]
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key: the ``columns`` of a table, and the ``targets`` of the parent that they point at.

    Tables are named as ``Table.qualified`` names them. ``parent`` may lie outside of what a backup covers.
    """

    table: str
    columns: tuple[str, ...]
    parent: str
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """Which database it is. ``identity`` must stay the same; ``place`` (host, path) may change with a deploy."""

    vendor: str
    database: str
    identity: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What a fresh database must be like. ``properties`` are the engine's own words: encoding, collation, and so on."""

    vendor: str
    version: str
    properties: dict[str, str] = field(default_factory=dict)
    extensions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ColumnWitness:
    """Facts of one column: how many values are not NULL; least and greatest, as the engine's own text, where the engine
    orders the column's type and the comparison is cheap, else None."""

    filled: int
    least: str | None = None
    greatest: str | None = None


@dataclass(frozen=True, slots=True)
class Witness:
    """Facts of one table, taken by plain SQL in the snapshot, by another path than the lines are."""

    rows: int
    columns: dict[str, ColumnWitness] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Uncovered:
    """Something of the database that is not in the backup, and why. ``rows`` is None where they were not counted."""

    kind: str
    name: str
    reason: str
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows of the source whose foreign key pointed at nothing already, so no restore is blamed for them."""

    table: str
    columns: tuple[str, ...]
    parent: str
    rows: int
