"""A part of a backup: the definition of everything, and the rows of some tables only."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from backups import migrations_state
from backups.contents import Contents
from backups.engines import engine_class
from backups.engines.base import ForeignKey, is_named
from backups.exceptions import TargetError
from backups.facts import Orphans
from backups.manifest import TableEntry

_SHOWN = 20


class Partial(Contents):
    """Reads a backup as if the tables that nobody asked for had no rows.

    What was applied of migrations always comes along. A foreign key whose parent's rows are left out is not validated:
    who asks for one table alone wants its rows, and may look for their parents elsewhere. ``dangling`` names these.
    """

    def __init__(self, whole: Contents, names: Collection[str]) -> None:
        manifest = whole.manifest
        _refuse_unknown(whole, names)
        chosen = {entry.table.qualified for entry in manifest.tables if _is_chosen(entry, names)}
        entries = [entry if entry.table.qualified in chosen else _emptied(entry) for entry in manifest.tables]
        left = [key for key in self._keys(whole) if key.table in chosen and key.parent not in chosen]
        rows = {entry.table.qualified: entry.rows for entry in entries}
        orphans = [
            found
            for found in manifest.orphans
            if found.table in chosen and (found.table, found.columns) not in _of(left)
        ]
        orphans += [Orphans(key.table, key.columns, key.parent, rows[key.table]) for key in left if rows[key.table]]
        totals = replace(manifest.totals, rows=sum(rows.values()))
        super().__init__(
            whole.repository, replace(manifest, tables=tuple(entries), orphans=tuple(orphans), totals=totals)
        )
        self.chosen = chosen
        self.complete = False
        self.dangling = frozenset((key.table, key.columns, key.parent) for key in left)

    def witness(self) -> dict[str, Any]:
        """Return the facts of the chosen tables; the others are seen to be empty."""
        return {name: facts for name, facts in super().witness().items() if name in self.chosen}

    def sentences(self) -> list[str]:
        """Say what is left out, and what points at it."""
        left = sum(1 for entry in self.manifest.tables if entry.table.qualified not in self.chosen)
        said = [f"Of {left} other tables only the definition is restored, without rows."]
        for table, columns, parent in sorted(self.dangling):
            said.append(
                f"Rows of {table} point (by {', '.join(columns)}) at rows of {parent}, which are left out: "
                "that foreign key is not validated."
            )
        return said

    @staticmethod
    def _keys(whole: Contents) -> list[ForeignKey]:
        """Return the foreign keys between tables of the backup, by their names in it."""
        names = {entry.table.qualified.lower(): entry.table.qualified for entry in whole.manifest.tables}
        found = engine_class(whole.manifest.engine.vendor).foreign_keys(whole.schema())
        return [
            replace(key, table=names[key.table.lower()], parent=names[key.parent.lower()])
            for key in found
            if key.table.lower() in names and key.parent.lower() in names
        ]


def _is_chosen(entry: TableEntry, names: Collection[str]) -> bool:
    return is_named(entry.table, names) or entry.table.name == migrations_state.TABLE


def _emptied(entry: TableEntry) -> TableEntry:
    return replace(entry, rows=0, chunks=(), pages=(), slice=None)


def _of(keys: Collection[ForeignKey]) -> set[tuple[str, tuple[str, ...]]]:
    return {(key.table, key.columns) for key in keys}


def _refuse_unknown(whole: Contents, names: Collection[str]) -> None:
    tables = [entry.table for entry in whole.manifest.tables]
    unknown = [name for name in names if not any(is_named(table, (name,)) for table in tables)]
    if unknown:
        labels = sorted(entry.table.label for entry in whole.manifest.tables if entry.rows)
        more = f" and {len(labels) - _SHOWN} more" if len(labels) > _SHOWN else ""
        raise TargetError(
            f"The backup has no table {', '.join(unknown)}.",
            hint=f"Nothing was changed. It has rows of {', '.join(labels[:_SHOWN])}{more}.",
        )
