"""A row of the backup as the live table can hold it: columns that went, columns that came, kinds that changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from backups.cells import default_of
from backups.recovery.relations import model_of
from backups.rows import Cell
from backups.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Fit:
    """How one table of the backup fits the live one. ``defaults`` are for columns that the backup does not know."""

    table: Table
    shared: tuple[str, ...]
    left_out: tuple[str, ...]
    defaults: Mapping[str, Cell]
    problems: tuple[str, ...]

    def values(self, cells: Mapping[str, Cell]) -> dict[str, Cell]:
        """Return what the live row is to hold of the backup's."""
        return {name: cells[name] for name in self.shared}


def fit(then: Table, live: Table, leave_out: Collection[str]) -> Fit:
    """Compare two descriptions of a table; ``leave_out`` are columns, or fields, that need not come back."""
    now = {column.name: column for column in live.columns}
    unfit = {column.name: why for column in then.columns if (why := _unfit(column, now.get(column.name)))}
    asked = {column.name for column in then.columns if {column.name, column.field} & set(leave_out)} - set(then.pk)
    problems = [f"{live.qualified}.{name} {why}" for name, why in unfit.items() if name not in asked]
    if then.pk != live.pk:
        problems.append(f"the primary key of {live.qualified} was {_listed(then.pk)} and is {_listed(live.pk)} now")
    shared = tuple(c.name for c in then.columns if c.name not in unfit and c.name not in asked)
    known = {column.name for column in then.columns}
    return Fit(live, shared, tuple(sorted(asked)), dict(_defaults(live, known)), tuple(problems))


def _unfit(then: Column, now: Column | None) -> str:
    if now is None:
        return "is a column that the live table does not have"
    return "" if now.kind == then.kind else f"was {then.kind} in the backup and is {now.kind} now"


def _defaults(live: Table, known: Collection[str]) -> Iterator[tuple[str, Cell]]:
    """Yield the model's own default of each column that came later; where there is none, the database has the word."""
    model = model_of(live)
    fields = {str(field.column): field for field in model._meta.local_concrete_fields} if model else {}
    for column in live.columns:
        field = fields.get(column.name)
        if column.name not in known and field is not None and field.has_default():
            yield column.name, default_of(column, field)


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(columns) or "nothing"
