"""The definition of a database as statements, and how two definitions are compared.

Engines capture and replay statements; the manifest keeps them; a verification captures the restored database again and
compares normal forms, because an engine may spell the same thing in another way once it has parsed its own text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypedDict

import msgspec


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement. ``kind`` is a word such as table, index, trigger; ``table`` is empty where none is concerned."""

    kind: str
    name: str
    sql: str
    table: str = ""


class _Phases(TypedDict):
    before: tuple[Statement, ...]
    after: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """Statements that must run before the rows are loaded, and those that may only run after; each in order."""

    before: tuple[Statement, ...] = ()
    after: tuple[Statement, ...] = ()

    def statements(self) -> Iterable[Statement]:
        """Return all statements, in the order in which they are replayed."""
        return (*self.before, *self.after)

    def to_bytes(self) -> bytes:
        """Return canonical bytes: equal schemas, equal bytes."""
        return msgspec.json.encode(self, order="sorted")

    @classmethod
    def from_bytes(cls, data: bytes) -> Schema:
        """Read what ``to_bytes`` wrote; raise ValueError where it is something else."""
        phases = msgspec.json.decode(data, type=_Phases)
        return cls(phases["before"], phases["after"])


@dataclass(frozen=True, slots=True)
class Sequence:
    """A counter. ``value`` is the last one given out where ``called``, else the next one to be given out.

    ``table`` and ``column`` name what it numbers, empty for one that stands alone.
    """

    name: str
    value: int
    called: bool = True
    schema: str = ""
    table: str = ""
    column: str = ""

    @property
    def qualified(self) -> str:
        """The name as people read it."""
        return f"{self.schema}.{self.name}" if self.schema else self.name


@dataclass(frozen=True, slots=True)
class Difference:
    """One object whose definition is not the same: expected and found, empty where there is none."""

    kind: str
    name: str
    table: str
    expected: str
    actual: str


def differences(expected: Schema, actual: Schema, normal: Callable[[str], str]) -> list[Difference]:
    """Compare two schemas object by object; ``normal`` returns the engine's normal form of a statement."""
    wanted, found = _by_object(expected), _by_object(actual)
    result = []
    for key in sorted(wanted.keys() | found.keys()):
        left, right = wanted.get(key, []), found.get(key, [])
        if sorted(map(normal, left)) != sorted(map(normal, right)):
            kind, table, name = key
            result.append(Difference(kind, name, table, "\n".join(left), "\n".join(right)))
    return result


def _by_object(schema: Schema) -> dict[tuple[str, str, str], list[str]]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for statement in schema.statements():
        found.setdefault((statement.kind, statement.table, statement.name), []).append(statement.sql)
    return found


def fingerprint(schema: Schema, normal: Callable[[str], str]) -> str:
    """Return one digest of a schema's normal form, as hexadecimal SHA-256."""
    lines = sorted(json.dumps([s.kind, s.table, s.name, normal(s.sql)]) for s in schema.statements())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
