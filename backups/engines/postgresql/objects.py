"""The objects of a definition and what each needs, put into an order in which all of them can be made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from backups.schema import Schema, Statement

# A catalogue and an oid in it; steps that are no object of their own use a word instead of the catalogue's name.
Address = tuple[str, int]
Edges = dict[Address, set[Address]]

# The order among objects that do not need each other. What stands from PRIMARY_KEY on waits for the rows.
_RANKS = [
    "schema",
    "extension",
    "collation",
    "type",
    "domain",
    "function",
    "sequence",
    "table",
    "partition",
    "sequence owner",
    "default",
    "primary key",
    "unique",
    "exclusion",
    "index",
    "index partition",
    "cluster",
    "replica identity",
    "check",
    "not null",
    "foreign key",
    "view",
    "materialized view",
    "statistics",
    "rule",
    "trigger",
    "row security",
    "policy",
    "refresh",
]
RANK = {kind: i for i, kind in enumerate(_RANKS)}
_LATE = RANK["primary key"]
# Made before the rows too, unless they need something that is made after them.
_EITHER = frozenset({"collation", "type", "domain", "function"})


@dataclass(slots=True)
class Thing:
    """One object: its statements, the first of which makes it, and what it needs beside what the catalogue says."""

    address: Address
    statements: list[Statement]
    needs: set[Address] = field(default_factory=set)

    @property
    def kind(self) -> str:
        """The kind of the statement that makes it."""
        return self.statements[0].kind

    @property
    def table(self) -> str:
        """The table that it belongs to or is."""
        return self.statements[0].table

    def order(self) -> tuple[int, str, str]:
        """Return what it is sorted by: nothing that another database would have otherwise."""
        return RANK[self.kind], self.table, self.statements[0].name

    def __str__(self) -> str:
        first = self.statements[0]
        of = f" of table {first.table}" if first.table and first.kind != "table" else ""
        return f"{first.kind} {first.name}{of}"


def thing(catalogue: str, oid: int, kind: str, name: str, sql: str, table: str = "") -> Thing:
    """Return an object of one statement."""
    return Thing((catalogue, oid), [Statement(kind, name, sql, table)])


class Order:
    """Sorts objects so that each comes after what it needs, those first that must be there before the rows."""

    def __init__(self, things: Iterable[Thing], edges: Edges) -> None:
        self._things = {thing.address: thing for thing in sorted(things, key=Thing.order)}
        self._edges = edges
        self._begun: set[Address] = set()
        self._waits: dict[Address, bool] = {}

    def schema(self) -> Schema:
        """Return the statements of both phases."""
        things = list(self._things.values())
        first = [t for t in things if RANK[t.kind] < _LATE and t.kind not in _EITHER]
        either = [t for t in things if t.kind in _EITHER and not self._waits_for_rows(t)]
        before = [statement for thing in (*first, *either) for statement in self._visit(thing)]
        after = [statement for thing in things for statement in self._visit(thing)]
        return Schema(tuple(before), tuple(after))

    def _needed(self, thing: Thing) -> list[Thing]:
        needed = self._edges.get(thing.address, set()) | thing.needs
        return sorted((self._things[address] for address in needed if address in self._things), key=Thing.order)

    def _visit(self, thing: Thing) -> Iterator[Statement]:
        if thing.address in self._begun:
            return
        self._begun.add(thing.address)
        for needed in self._needed(thing):
            yield from self._visit(needed)
        yield from thing.statements

    def _waits_for_rows(self, thing: Thing) -> bool:
        if thing.address not in self._waits:
            self._waits[thing.address] = RANK[thing.kind] >= _LATE
            if any(self._waits_for_rows(needed) for needed in self._needed(thing)):
                self._waits[thing.address] = True
        return self._waits[thing.address]
