"""All tables of two states, each compared in the way that suits it."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping

from backups.comparison.difference import Collector, Difference, TableDifference, chosen
from backups.comparison.live import ranged
from backups.comparison.reel import Reel
from backups.comparison.walking import Pair, TooFarApart, counted, matched, merged
from backups.contents import Contents
from backups.engines.base import Snapshot
from backups.exceptions import EngineMismatch
from backups.manifest import Manifest, TableEntry
from backups.ordering import Unordered, order_of
from backups.progress import Progress, Step, silent
from backups.tables import Table

LIVE = "live"


def compare_backups(
    a: Contents, b: Contents, names: Collection[str], limit: int, progress: Progress = silent
) -> Difference:
    """Compare two backups of one repository. ``names`` are the tables, all where there are none."""
    _refuse_other_engine(a.manifest, b.manifest.engine.vendor)
    then, now = (_entries(each.manifest) for each in (a, b))
    result = Difference(a.manifest.run, b.manifest.run)
    reasons = {**_left_out(a.manifest), **_left_out(b.manifest)}
    for name in _wanted(then, {name: entry.table for name, entry in now.items()}, names):
        progress(Step("compare", name))
        one, other = then.get(name), now.get(name)
        tables = one.table if one else None, other.table if other else None
        if untold := _untold(tables, reasons.get(name, "")):
            result.tables.append(untold)
            continue
        pairs: Iterator[Pair] = iter(())
        if not (one and other and _is_same_slice(one, other)):
            reels = _reel(a, one, tables, result.opened), _reel(b, other, tables, result.opened)
            pairs = _walk(*reels, tables, a.manifest.engine.vendor)
        result.tables.append(_compared(tables, pairs, limit))
    return result


def compare_live(
    a: Contents, snapshot: Snapshot, vendor: str, names: Collection[str], limit: int, progress: Progress = silent
) -> Difference:
    """Compare a backup with a live database, in one view of it."""
    _refuse_other_engine(a.manifest, vendor)
    then, now = _entries(a.manifest), {table.qualified: table for table in snapshot.tables()}
    result = Difference(a.manifest.run, LIVE)
    reasons = _left_out(a.manifest)
    for name in _wanted(then, now, names):
        progress(Step("compare", name))
        one, live = then.get(name), now.get(name)
        tables = one.table if one else None, live
        if untold := _untold(tables, reasons.get(name, "")):
            result.tables.append(untold)
            continue
        if one and live and _has_bounds(one):
            pairs = ranged(a, one, snapshot, live, result.opened)
        else:
            reel = Reel.live(live, snapshot.lines(live)) if live else _reel(a, None, tables, result.opened)
            pairs = _walk(_reel(a, one, tables, result.opened), reel, tables, vendor)
        result.tables.append(_compared(tables, pairs, limit))
    return result


_Tables = tuple[Table | None, Table | None]


def _untold(tables: _Tables, reason: str) -> TableDifference | None:
    """Return what to say of a table whose rows cannot be compared at all, None for one whose rows can."""
    then, now = _both(tables)
    if reason:
        return TableDifference(now, reason=reason)
    if then.key != now.key:
        return TableDifference(now, problem=f"its key was {_listed(then.key)}, and is {_listed(now.key)} now.")
    return None


def _compared(tables: _Tables, pairs: Iterator[Pair], limit: int) -> TableDifference:
    collector = Collector(*_both(tables), limit)
    try:
        for one, other in pairs:
            collector.add(one, other)
    except (TooFarApart, Unordered) as error:
        return TableDifference(collector.found.table, problem=str(error))
    return collector.found


def _both(tables: _Tables) -> tuple[Table, Table]:
    """Return the table as each side describes it; where one side does not have it, as the other does."""
    then, now = tables[0] or tables[1], tables[1] or tables[0]
    if then is None or now is None:
        raise AssertionError("a table is on one side at least")
    return then, now


def _walk(a: Reel, b: Reel, tables: _Tables, vendor: str) -> Iterator[Pair]:
    table, _ = _both(tables)
    order = order_of(table, vendor)
    if not table.key:
        return counted(a, b)
    return merged(a, b, order) if order else matched(a, b)


def _reel(contents: Contents, entry: TableEntry | None, tables: _Tables, opened: set[str]) -> Reel:
    """Return the rows of a table; none where this side does not have it."""
    if entry is not None:
        return Reel.of(contents, entry, opened)
    return Reel(_both(tables)[0], iter(()), deque())


def _entries(manifest: Manifest) -> dict[str, TableEntry]:
    return {entry.table.qualified: entry for entry in manifest.tables}


def _wanted(then: Mapping[str, TableEntry], now: Mapping[str, Table], names: Collection[str]) -> list[str]:
    return sorted(chosen([*(entry.table for entry in then.values()), *now.values()], names))


def _left_out(manifest: Manifest) -> dict[str, str]:
    """Return the tables whose rows a backup does not hold, with the reason: nothing can be said of them."""
    return {
        each.name: f"the backup {manifest.run} does not hold the rows: {each.reason}."
        for each in manifest.uncovered
        if each.kind in ("rows", "table")
    }


def _has_bounds(entry: TableEntry) -> bool:
    return bool((entry.chunks or entry.pages) and entry.table.key and not entry.keys_sealed)


def _is_same_slice(one: TableEntry, other: TableEntry) -> bool:
    known = one.slice is not None and other.slice is not None and one.slice.sha256
    return bool(known and other.slice and known == other.slice.sha256 and one.table.shape() == other.table.shape())


def _refuse_other_engine(manifest: Manifest, vendor: str) -> None:
    if manifest.engine.vendor != vendor:
        raise EngineMismatch(
            f"The backup {manifest.run} was taken from {manifest.engine.vendor}, and the other side is {vendor}.",
            hint="Rows are compared within one engine.",
        )


def _listed(columns: tuple[str, ...]) -> str:
    return ", ".join(columns) or "nothing"
