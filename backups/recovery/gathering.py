"""Which rows of a backup a recovery is about: those asked for, the parents that live lacks, the children that went too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from backups.contents import Contents
from backups.differences import by_name
from backups.engines.editing import Editor
from backups.exceptions import RestoreError
from backups.facts import Among, Key, Reference
from backups.lookup import Lookup
from backups.manifest import Entry, TableEntry
from backups.ordering import ident
from backups.recovery.plan import Why, key_text
from backups.recovery.relations import absent, is_part
from backups.rows import Cell, Row
from backups.tables import Table

MOST_ROWS = 100_000
_FEW_CHUNKS = 4
_AT_ONCE = 1000
_NOTHING = "Nothing was changed."


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the backup, and why it is needed."""

    entry: TableEntry
    cells: Mapping[str, Cell]
    why: Why

    @property
    def table(self) -> Table:
        """The table as the backup describes it."""
        return self.entry.table

    @property
    def ident(self) -> tuple[str, tuple[str, ...]]:
        """What no other row has."""
        return self.table.qualified, ident(self.values(self.table.pk) or ())

    def values(self, columns: Iterable[str]) -> Key | None:
        """Return the values of some columns; None where one of them is NULL, and so points nowhere."""
        cells = [self.cells[name] for name in columns]
        return None if None in cells else tuple(cell for cell in cells if cell is not None)


class Gathering:
    """Gathers rows. ``live`` are the tables of the live database by name, ``enforced`` the foreign keys that it holds to."""

    def __init__(
        self,
        contents: Contents,
        editor: Editor,
        lookup: Lookup,
        live: Mapping[str, Table],
        references: Collection[Reference],
        enforced: Collection[Reference],
    ) -> None:
        self._contents, self._editor, self._lookup, self._live = contents, editor, lookup, live
        self._references, self._enforced = references, set(enforced)
        self._entries = {entry.table.qualified: entry for entry in contents.manifest.tables}
        self.found: dict[tuple[str, tuple[str, ...]], Found] = {}
        self.notes: list[str] = []

    def ask(self, entry: TableEntry, keys: Collection[Key]) -> None:
        """Gather the rows of these primary keys; raise RestoreError naming those that the backup does not hold."""
        rows = self._lookup.find(entry, entry.table.pk, keys)
        found = self._add(entry, rows, Why.ASKED)
        there = {one.ident[1] for one in found}
        missing = [key_text(key) for key in keys if ident(key) not in there]
        if missing:
            manifest = self._contents.manifest
            left_out = any(each.kind == "rows" and each.name == entry.table.qualified for each in manifest.uncovered)
            raise RestoreError(
                f"The backup {manifest.run} holds no row {'; '.join(missing[:10])} of {entry.table.qualified}"
                + (", whose rows it leaves out" if left_out else "")
                + (f", and {len(missing) - 10} more." if len(missing) > 10 else "."),
                table=entry.table.qualified,
                key=missing[0],
                hint=f"{_NOTHING} list_backups shows earlier and later backups.",
            )

    def follow(self, *, children: bool) -> None:
        """Gather what the gathered rows need, and with ``children`` what a deletion of them took along."""
        gone = sorted(name for name, entry in self._entries.items() if entry.rows and name not in self._live)
        if children and gone:
            self._note(f"Live does not have these tables any more, so no children are in them: {', '.join(gone)}.")
        fresh = list(self.found.values())
        while fresh:
            before = set(self.found)
            self._parents(fresh)
            if children:
                self._children([found for found in fresh if found.why != Why.PARENT])
            fresh = [found for name, found in self.found.items() if name not in before]

    def _add(self, entry: TableEntry, rows: Iterable[Row], why: Why) -> list[Found]:
        added = []
        for row in rows:
            found = Found(entry, by_name(entry.table, row), why)
            added.append(self.found.setdefault(found.ident, found))
            if len(self.found) > MOST_ROWS:
                raise RestoreError(
                    f"More than {MOST_ROWS:,} rows would come back, the last of them of {entry.table.qualified}.",
                    hint=f"{_NOTHING} Restore the backup beside the live database, and take the rows from there.",
                )
        return added

    # Parents

    def _parents(self, rows: Collection[Found]) -> None:
        for reference in self._references:
            pointing = {
                ident(key): (key, found)
                for found in rows
                if found.table.qualified == reference.table and (key := found.values(reference.columns))
            }
            if pointing:
                self._parents_of(reference, pointing)

    def _parents_of(self, reference: Reference, pointing: Mapping[tuple[str, ...], tuple[Key, Found]]) -> None:
        keys = {name: key for name, (key, _) in pointing.items()}
        gathered = {
            ident(key)
            for found in self.found.values()
            if found.table.qualified == reference.parent and (key := found.values(reference.targets))
        }
        keys = {name: key for name, key in keys.items() if name not in gathered}
        first = next(iter(pointing.values()))[1]
        part = is_part(first.table, reference)
        needed = list(keys.values()) if part else self._absent(reference, list(keys.values()))
        entry = self._entries.get(reference.parent)
        rows = self._lookup.find(entry, reference.targets, needed) if entry and needed else []
        found = self._add(entry, rows, first.why if part else Why.PARENT) if entry else []
        there = {ident(key) for each in found if (key := each.values(reference.targets))}
        lost = [key for key in needed if ident(key) not in there]
        for key in self._absent(reference, lost) if part else lost:
            self._refuse(reference, key, pointing[ident(key)][1])

    def _absent(self, reference: Reference, keys: Collection[Key]) -> list[Key]:
        return absent(self._editor, self._live[reference.parent], reference.targets, keys)

    def _refuse(self, reference: Reference, key: Key, row: Found) -> None:
        place = f"{row.table.qualified} {key_text(row.values(row.table.pk) or ())}"
        said = (
            f"{place} points by {', '.join(reference.columns)} at {reference.parent} {key_text(key)}, which neither the "
            f"live database nor the backup {self._contents.manifest.run} has."
        )
        if reference in self._enforced:
            raise RestoreError(said, table=row.table.qualified, hint=f"{_NOTHING} Another backup may hold that row.")
        self._note(f"{said} No foreign key of the database holds to it, so the row comes back all the same.")

    # Children

    def _children(self, rows: Collection[Found]) -> None:
        for reference in self._references:
            parents = [found for found in rows if found.table.qualified == reference.parent]
            keys = [key for found in parents if (key := found.values(reference.targets))]
            entry = self._entries.get(reference.table)
            if keys and entry and entry.rows and entry.table.pk:
                self._children_of(reference, entry, keys)
            elif keys and entry and entry.rows:
                self._note(f"Rows of {reference.table} that pointed at them do not come back: they have no key.")

    def _children_of(self, reference: Reference, entry: TableEntry, keys: list[Key]) -> None:
        if reference.columns == entry.table.key:
            rows = iter(self._lookup.find(entry, reference.columns, keys))
        else:
            rows = self._lookup.skim(entry, reference.columns, keys, self._needed(reference, entry))
        while batch := list(islice(rows, _AT_ONCE)):
            self._add(entry, self._taken(reference, entry, batch), Why.CHILD)

    def _note(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes.append(sentence)

    def _taken(self, reference: Reference, entry: TableEntry, rows: list[Row]) -> Iterator[Row]:
        """Yield the rows that live lacks, or that point at nothing now instead."""
        live = self._live[reference.table]
        children = [Found(entry, by_name(entry.table, row), Why.CHILD) for row in rows]
        keys = tuple(key for child in children if (key := child.values(entry.table.pk)))
        now = {one.ident[1]: one for one in _as_found(live, self._editor.rows(live, Among(entry.table.pk, keys)))}
        for row, child in zip(rows, children, strict=True):
            there = now.get(child.ident[1])
            if there is None or there.values(reference.columns) is None:
                yield row

    def _needed(self, reference: Reference, entry: TableEntry) -> Collection[str] | None:
        """Return the names of the chunks that may hold rows which live lacks; None for all of them.

        Where the keys of a chunk are all the integers from its first to its last, and live has as many rows there, it has
        the very same keys, and the chunk need not be read. Elsewhere a count proves nothing.
        """
        key, live = entry.table.key, self._live[reference.table]
        emptied = any(entry.table.column(name).nullable for name in reference.columns)
        whole = len(key) == 1 and key == live.key and entry.table.column(key[0]).kind == "integer"
        if emptied or not whole or entry.keys_sealed or (not entry.pages and len(entry.chunks) <= _FEW_CHUNKS):
            return None
        needed: set[str] = set()
        entries = self._contents.entries(entry)
        while batch := list(islice(entries, _AT_ONCE)):
            ranges = {each.name: _dense(each) for each in batch}
            asked = {name: span for name, span in ranges.items() if span}
            counts = self._editor.counts(live, key[0], list(asked.values()))
            full = {name for (name, (low, high)), n in zip(asked.items(), counts, strict=True) if n == high - low + 1}
            needed |= {each.name for each in batch if each.name not in full}
        return needed


def _dense(entry: Entry) -> tuple[int, int] | None:
    """Return first and last key where every integer between them is one of the chunk's keys."""
    low, high = entry.first[0], entry.last[0]
    if not isinstance(low, str) or not isinstance(high, str):
        return None
    return (int(low), int(high)) if int(high) - int(low) + 1 == entry.rows else None


def _as_found(table: Table, rows: Iterable[Row]) -> Iterator[Found]:
    entry = TableEntry(table, 0)
    return (Found(entry, by_name(table, row), Why.ASKED) for row in rows)
