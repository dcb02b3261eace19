"""What is printed of a restore: its plan, what was restored, and its proof."""

from __future__ import annotations

from typing import Any

from backups.management.reports import checks_table, verification_json
from backups.management.terminal import size, span, table
from backups.migrations_state import named
from backups.services.planning import RestorePlan
from backups.services.restore import RestoredCopy


def planned(plan: RestorePlan) -> list[str]:
    """Return the plan, and how much goes into each table."""
    loads = [(load.table, f"{load.rows:,}", size(load.bytes)) for load in plan.loads()]
    return [*plan.sentences(), *table(("table", "rows ", "bytes "), loads), "Nothing was made: this is the plan alone."]


def copy_json(copy: RestoredCopy) -> dict[str, Any]:
    """Return the documented keys of a restore."""
    return {
        "id": copy.run,
        "backup": copy.committed.manifest.run,
        "target": copy.target.name,
        "status": "complete",
        "rows": copy.rows,
        "tables": copy.tables,
        "seconds": copy.seconds,
        "backup_age_seconds": round(copy.age, 1),
        "migrated": [f"{app}.{name}" for app, name in copy.migrated.migrations] if copy.migrated else None,
        "verification": verification_json(copy.result),
    }


def copy_report(copy: RestoredCopy, where: str = "") -> list[str]:
    """Say what was restored and how it was proven."""
    manifest = copy.committed.manifest
    return [
        f"Restored {manifest.run} (taken {span(copy.age)} ago, number {manifest.sequence}){where} "
        f"in {span(copy.seconds)}: {copy.rows:,} rows of {copy.tables:,} tables.",
        *checks_table(copy.result.findings),
        *_migrated(copy),
    ]


def _migrated(copy: RestoredCopy) -> list[str]:
    if copy.migrated is None:
        return []
    if not copy.migrated.migrations:
        return ["It is at today's migrations: there was none to apply."]
    return [
        f"Then migrated to today's code in {span(copy.migrated.seconds)}, {len(copy.migrated.migrations)} migrations: "
        f"{named(copy.migrated.migrations)}."
    ]
