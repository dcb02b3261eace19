"""The built-in checks of a restored copy, but for ``content``: counts, facts, keys, definition, counters, migrations."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

from django.db import Error as DatabaseError

from backups import migrations_state
from backups.facts import Orphans
from backups.recast import Recast, comparable
from backups.schema import Sequence, differences, fingerprint
from backups.tables import Table
from backups.verification.findings import Finding, Status, compared
from backups.verification.registry import Copy, Invariant, invariants_for, restored_check

INVARIANTS = "invariants"
# A check of the project may find something wrong with every row.
_SHOWN = 5


@restored_check("rows")
def rows(copy: Copy) -> Iterable[Finding]:
    """Count the rows of each table; tables whose rows were left out must be empty."""
    for entry in copy.contents.manifest.tables:
        name = entry.table.qualified
        found = copy.snapshot.count(entry.table) if name in copy.found else "no such table"
        yield compared("rows", entry.rows, found, table=name)


@restored_check("witness")
def witness(copy: Copy) -> Iterable[Finding]:
    """Compare the facts that plain SQL told of each column in the dump's own snapshot."""
    recorded = copy.contents.witness()
    tables = {entry.table.qualified: entry.table for entry in copy.contents.manifest.tables}
    wrong = 0
    for name, facts in recorded.items():
        found = _comparable(copy, tables[name], _witnessed(copy, tables[name]))
        for column in sorted(facts["columns"].keys() | found.keys()):
            expected, actual = facts["columns"].get(column), found.get(column)
            if expected != actual:
                wrong += 1
                yield Finding(
                    "witness", Status.FAILED, name, _facts(expected), _facts(actual), f"Column {column} differs."
                )
    if not wrong:
        summary = f"{len(recorded)} tables"
        yield Finding("witness", Status.PASSED, "", summary, summary)


def _comparable(copy: Copy, table: Table, found: dict[str, Any]) -> dict[str, Any]:
    """Engines tell of least and greatest values in their own words, but for whole numbers; across them, numbers count."""
    if not isinstance(copy.contents, Recast):
        return found
    kinds = {column.name: column.kind for column in table.columns}
    return comparable(kinds, found)


def _witnessed(copy: Copy, table: Table) -> dict[str, dict[str, object]]:
    """Return the facts of those columns that the copy has."""
    if table.qualified not in copy.found:
        return {}
    missing = copy.missing(table)
    there = replace(table, columns=tuple(column for column in table.columns if column.name not in missing))
    found: dict[str, dict[str, object]] = asdict(copy.snapshot.witness(there))["columns"]
    return found


@restored_check("foreign_keys")
def foreign_keys(copy: Copy) -> Iterable[Finding]:
    """Look for rows that point at nothing; those that the source had already are named as such."""
    manifest = copy.contents.manifest
    before = {_foreign_key(orphan): orphan.rows for orphan in manifest.orphans}
    tables = [entry.table for entry in manifest.tables if entry.table.qualified in copy.found]
    now = {_foreign_key(orphan): orphan.rows for orphan in copy.snapshot.orphans(tables)}
    for key in sorted(before.keys() | now.keys()):
        table, _, parent = key
        detail = f"Rows of {table} point at rows of {parent} that are not there."
        if key in copy.contents.dangling:
            said = f"{now.get(key, 0)} rows"
            left = f"{detail} Those were left out, as was asked."
            yield Finding("foreign_keys", Status.PASSED, table, said, said, left)
            continue
        if before.get(key):
            detail += " The source had them already."
        yield compared("foreign_keys", before.get(key, 0), now.get(key, 0), table=table, detail=detail)
    if not before and not now:
        yield Finding("foreign_keys", Status.PASSED, "", "no dangling row", "no dangling row")


@restored_check("schema")
def schema(copy: Copy) -> Iterable[Finding]:
    """Capture the definition again and compare it object by object."""
    recorded, found = copy.contents.schema(), copy.snapshot.schema()
    normal = copy.engine.normal
    wrong = differences(recorded, found, normal)
    for difference in wrong:
        yield Finding(
            "schema",
            Status.FAILED,
            difference.table,
            difference.expected or "(none)",
            difference.actual or "(none)",
            f"The {difference.kind} {difference.name} is not as it was.",
        )
    if not wrong:
        yield compared("schema", fingerprint(recorded, normal)[:16], fingerprint(found, normal)[:16])


@restored_check("sequences")
def sequences(copy: Copy) -> Iterable[Finding]:
    """Compare each counter's last value."""
    before = {sequence.qualified: sequence for sequence in copy.contents.manifest.sequences}
    now = {sequence.qualified: sequence for sequence in copy.snapshot.sequences()}
    wrong = 0
    for name in sorted(before.keys() | now.keys()):
        left, right = before.get(name), now.get(name)
        if (left and (left.value, left.called)) != (right and (right.value, right.called)):
            wrong += 1
            table = (left or right or Sequence(name, 0)).table
            yield Finding("sequences", Status.FAILED, table, _counter(left), _counter(right), f"Sequence {name}.")
    if not wrong:
        yield compared("sequences", f"{len(before)} sequences", f"{len(now)} sequences")


@restored_check("migrations")
def migrations(copy: Copy) -> Iterable[Finding]:
    """Compare the rows of django_migrations with those that were recorded."""
    recorded = copy.contents.applied()
    table = next(
        (e.table for e in copy.contents.manifest.tables if e.table.label == f"tables.{migrations_state.TABLE}"), None
    )
    found = migrations_state.applied(table, copy.snapshot.rows(table)) if table and not copy.lost(table) else []
    missing = sorted(set(recorded) - set(found))
    added = sorted(set(found) - set(recorded))
    detail = " ".join(
        [f"{app}.{name} is missing." for app, name in missing] + [f"{app}.{name} was not there." for app, name in added]
    )
    status = Status.FAILED if missing or added or len(recorded) != len(found) else Status.PASSED
    yield Finding(
        "migrations", status, migrations_state.TABLE, f"{len(recorded)} applied", f"{len(found)} applied", detail
    )


@restored_check(INVARIANTS)
def invariants(copy: Copy) -> Iterable[Finding]:
    """Ask the project's own checks. They are today's, so that the tables of an older state may be none that they know."""
    for name, function in invariants_for(copy.source_alias):
        if not copy.contents.complete:
            left = "Not asked: it is about all rows, and only those of some tables were restored."
            yield Finding(f"invariant: {name}", Status.SKIPPED, detail=left)
            continue
        began = time.monotonic()
        yield _asked(name, function, copy).timed(time.monotonic() - began)


def _asked(name: str, function: Invariant, copy: Copy) -> Finding:
    title = f"invariant: {name}"
    try:
        with copy.snapshot.lent():
            problems = iter(function(copy.alias) or ())
            told = [*islice(problems, _SHOWN)]
            more = sum(1 for _ in problems)
    except Exception as error:  # noqa: BLE001 (the project's code may raise anything, and must not stop the other checks)
        said = f"It raised {type(error).__name__}: {error}"
        if isinstance(error, DatabaseError) and not copy.is_today:
            older = "The backup's migrations are not those of today's code, whose check could not ask its tables"
            return Finding(title, Status.SKIPPED, "", "no problem", "", f"{older}. {said}")
        return Finding(title, Status.ERROR, "", "no problem", "", said)
    if not told:
        return Finding(title, Status.PASSED, "", "no problem", "no problem")
    said = " ".join([*told, f"And {more} more."] if more else told)
    return Finding(title, Status.FAILED, "", "no problem", f"{len(told) + more} problems", said)


def _facts(column: dict[str, object] | None) -> str:
    """Say how many values there are, and digest the least and greatest: they are values of rows."""
    if column is None:
        return "(no such column)"
    bounds = json.dumps([column["least"], column["greatest"]])
    return f"{column['filled']} values, bounds #{_short(bounds)}"


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _foreign_key(orphan: Orphans) -> tuple[str, tuple[str, ...], str]:
    return (orphan.table, orphan.columns, orphan.parent)


def _counter(sequence: Sequence | None) -> str:
    if sequence is None:
        return "(none)"
    return f"{sequence.value}" if sequence.called else f"{sequence.value}, not yet used"
