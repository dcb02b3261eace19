"""Which table of the built schema takes the rows of which table of the backup, column by column."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from backups.manifest import Manifest, TableEntry
from backups.recast.conversion import changes, column_for, converter
from backups.recast.moments import Zones
from backups.rows import Cell
from backups.tables import Column, Table


@dataclass(frozen=True, slots=True)
class Match:
    """One table: the backup's entry, and the table that its rows go into, in the order of the backup's columns."""

    entry: TableEntry
    table: Table
    zones: Zones

    @property
    def pairs(self) -> list[tuple[Column, Column]]:
        """The columns of both, side by side."""
        return list(zip(self.entry.table.columns, self.table.columns, strict=True))

    @property
    def is_spelt_alike(self) -> bool:
        """Whether the lines of the one are lines of the other."""
        return all(old.field == new.field and not changes(old, new, self.zones) for old, new in self.pairs)

    def converters(self) -> list[Callable[[Cell], Cell]]:
        """Return what makes the cells of a row for the table of a row of the backup; each raises Unfit."""
        return [converter(old, new, self.zones) for old, new in self.pairs]


@dataclass(slots=True)
class Matching:
    """All of them. ``problems`` are sentences on rows that have no place; ``left`` names empty tables that have none."""

    matches: list[Match] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def match(vendor: str, manifest: Manifest, built: Iterable[Table], zones: Zones) -> Matching:
    """Match tables by name; what the migrations made and the backup has not stays empty and is matched to nothing."""
    there = {table.name.lower(): table for table in built if _is_home(table)}
    found = Matching()
    for entry in manifest.tables:
        source = entry.table
        table = there.get(source.name.lower()) if _is_home(source) else None
        if table is not None:
            _match_columns(vendor, Match(entry, table, zones), found)
        elif entry.rows:
            found.problems.append(f"The table {source.qualified} has {entry.rows:,} rows, and no migration makes it.")
        else:
            found.left.append(source.qualified)
    return found


def _is_home(table: Table) -> bool:
    """Say whether a table lies where Django looks: of PostgreSQL's schemas, migrations make tables in that one."""
    return not table.schema or table.label != f"tables.{table.schema}.{table.name}"


def _match_columns(vendor: str, pair: Match, found: Matching) -> None:
    entry, table, source = pair.entry, pair.table, pair.entry.table
    built = {column.name.lower(): column for column in table.columns}
    missing = [column.name for column in source.columns if column.name.lower() not in built]
    extra = built.keys() - {column.name.lower() for column in source.columns}
    # A column that has a default of its own, or takes NULL, may stay without values.
    needed = sorted(built[name].name for name in extra if not built[name].nullable)
    if entry.rows and (missing or needed):
        said = [f"no migration makes its column {', '.join(missing)}"] if missing else []
        said += [f"the migrations make a column {', '.join(needed)} that the backup has not"] if needed else []
        found.problems.append(f"The table {source.qualified} is not what its migrations make: {'; '.join(said)}.")
        return
    kept = [column for column in source.columns if column.name.lower() in built]
    columns = tuple(column_for(vendor, column, built[column.name.lower()], pair.zones) for column in kept)
    names = {column.name: built[column.name.lower()].name for column in kept}
    pk = tuple(names[name] for name in source.pk) if names.keys() >= set(source.pk) else ()
    # Without rows, a column that no migration makes has nothing to lose.
    entry = replace(entry, table=replace(source, columns=tuple(kept)))
    found.matches.append(replace(pair, entry=entry, table=replace(table, label=source.label, columns=columns, pk=pk)))
