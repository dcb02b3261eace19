"""Which table of the built schema takes the rows of which table of the backup, column by column."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from backups.manifest import Manifest, TableEntry
from backups.recast.conversion import column_for
from backups.tables import Table


@dataclass(frozen=True, slots=True)
class Match:
    """One table: the backup's entry, and the table that its rows go into, in the order of the backup's columns."""

    entry: TableEntry
    table: Table


@dataclass(slots=True)
class Matching:
    """All of them. ``problems`` are sentences on rows that have no place; ``left`` names empty tables that have none."""

    matches: list[Match] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def match(vendor: str, manifest: Manifest, built: Iterable[Table]) -> Matching:
    """Match tables by name; what the migrations made and the backup has not stays empty and is matched to nothing."""
    there = {table.name.lower(): table for table in built if _is_home(table)}
    found = Matching()
    for entry in manifest.tables:
        source = entry.table
        table = there.get(source.name.lower()) if _is_home(source) else None
        if table is not None:
            _match_columns(vendor, entry, table, found)
        elif entry.rows:
            found.problems.append(f"The table {source.qualified} has {entry.rows:,} rows, and no migration makes it.")
        else:
            found.left.append(source.qualified)
    return found


def _is_home(table: Table) -> bool:
    """Say whether a table lies where Django looks: of PostgreSQL's schemas, migrations make tables in that one."""
    return not table.schema or table.label != f"tables.{table.schema}.{table.name}"


def _match_columns(vendor: str, entry: TableEntry, table: Table, found: Matching) -> None:
    source, built = entry.table, {column.name.lower(): column for column in table.columns}
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
    columns = tuple(column_for(vendor, column, built[column.name.lower()]) for column in kept)
    names = {column.name: built[column.name.lower()].name for column in kept}
    pk = tuple(names[name] for name in source.pk) if names.keys() >= set(source.pk) else ()
    found.matches.append(Match(entry, replace(table, label=source.label, columns=columns, pk=pk)))
