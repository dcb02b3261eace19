"""The counters of a built schema, set so that the next row gets a number that no row has had."""

from __future__ import annotations

from dataclasses import replace

from backups.manifest import Manifest
from backups.recast.contents import Built
from backups.recast.matching import Match
from backups.schema import Sequence


def counters(
    vendor: str, manifest: Manifest, built: Built, matches: list[Match], greatest: dict[tuple[str, str], int]
) -> tuple[Sequence, ...]:
    """Return each counter of the built schema with its value.

    It goes on where the source's did, and always above the greatest key: the source may have had rows above its counter.
    One that numbers no table of its own goes on as the source's of the same name; else it is as the migrations made it.
    """
    names = {match.table.qualified: match.entry.table for match in matches}
    recorded = {(found.table, found.column): found.value + found.called for found in manifest.sequences}
    alone = {found.name: found for found in manifest.sequences if not found.table}
    made = []
    for counter in _all(vendor, built):
        if not counter.table:
            same = alone.get(counter.name, counter)
            made.append(replace(counter, value=same.value, called=same.called))
            continue
        source = names.get(counter.table)
        before = recorded.get((source.qualified, counter.column), 1) if source else 1
        after = max(before, greatest.get((counter.table, counter.column), 0) + 1, 1)
        made += _valued(vendor, counter, after)
    return tuple(made)


def _all(vendor: str, built: Built) -> list[Sequence]:
    """Return the counters; SQLite knows one only once a row was numbered."""
    if vendor != "sqlite":
        return list(built.sequences)
    counting = {s.name for s in built.schema.before if s.kind == "table" and "AUTOINCREMENT" in s.sql.upper()}
    return [Sequence(t.name, 0, table=t.name, column=t.key[0]) for t in built.tables if t.name in counting and t.key]


def _valued(vendor: str, counter: Sequence, after: int) -> list[Sequence]:
    """Return a counter that gives ``after`` next; nothing for one of SQLite's that has given none."""
    if vendor == "mysql" or after == 1:
        return [replace(counter, value=after, called=False)] if vendor != "sqlite" else []
    return [replace(counter, value=after - 1, called=True)]
