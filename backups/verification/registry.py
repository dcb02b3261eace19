"""The checks: which there are, at which level each runs, and how a project adds its own.

from backups.verification import check

@check("order totals", databases=["default"])
def order_totals(using: str) -> Iterable[str]:
    wrong = Order.objects.using(using).exclude(total=Sum("line__amount")).count()
    if wrong:
        yield f"{wrong} orders do not have the sum of their lines."
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from backups import migrations_state
from backups.contents import Contents
from backups.engines.base import Engine, Snapshot
from backups.tables import Table
from backups.verification.findings import Finding

Invariant = Callable[[str], Iterable[str] | None]


@dataclass(frozen=True, slots=True)
class Copy:
    """A restored database to look at: its engine, a snapshot of it with the tables found there, and its temporary alias.

    The alias is for invariants.
    """

    contents: Contents
    engine: Engine
    snapshot: Snapshot
    found: Mapping[str, Table]
    alias: str
    source_alias: str

    @property
    def is_today(self) -> bool:
        """Whether the migrations that were recorded are those of today's code."""
        return migrations_state.ahead(self.contents.applied()).is_today

    def lost(self, table: Table) -> str:
        """Say what of a recorded table is not in the copy, so that nothing can be read there; empty where it is whole."""
        if table.qualified not in self.found:
            return "The table is not there."
        missing = sorted(self.missing(table))
        return f"No column {', '.join(missing)} is there." if missing else ""

    def missing(self, table: Table) -> set[str]:
        """Return the recorded columns that the copy's table has not; KeyError where there is no such table."""
        there = {column.name for column in self.found[table.qualified].columns}
        return {column.name for column in table.columns} - there


RestoredCheck = Callable[[Copy], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class _Invariant:
    name: str
    function: Invariant
    databases: frozenset[str]


_restored: dict[str, RestoredCheck] = {}
_invariants: dict[str, _Invariant] = {}


def restored_check(name: str) -> Callable[[RestoredCheck], RestoredCheck]:
    """Register a built-in check of a restored copy; the name is documented in docs/operations.md."""

    def register(function: RestoredCheck) -> RestoredCheck:
        _restored[name] = function
        return function

    return register


def check(name: str, *, databases: Collection[str] = ("default",)) -> Callable[[Invariant], Invariant]:
    """Register an invariant of the project, which every restored copy must keep.

    The function is given the alias of the copy, to read from with ``using()``; it returns or yields a sentence for each
    thing that is wrong, and nothing where all is well. What it raises makes the check an error, not a pass.
    """

    def register(function: Invariant) -> Invariant:
        _invariants[name] = _Invariant(name, function, frozenset(databases))
        return function

    return register


def restored_checks() -> dict[str, RestoredCheck]:
    """Return the built-in checks of a restored copy, in order."""
    return dict(_restored)


def invariants_for(alias: str) -> list[tuple[str, Invariant]]:
    """Return the project's invariants for a database, by name."""
    return [(found.name, found.function) for found in _invariants.values() if alias in found.databases]


def unregister(name: str) -> None:
    """Forget an invariant; nothing where there is none of that name."""
    _invariants.pop(name, None)
