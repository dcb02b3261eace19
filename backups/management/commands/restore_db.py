"""``manage.py restore_db``: a backup into a fresh database, proven before it is called done."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.reports import checks_table, verification_json
from backups.management.terminal import span
from backups.progress import Progress
from backups.services.restore import RestoredCopy, plan_restore, restore_backup


class Command(DatabaseCommand):
    """Restore into a fresh database."""

    help = (
        "Restore a backup into a fresh database and prove it. Never touches a database that exists; whatever goes wrong, "
        "the half-made one is dropped."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add BACKUP, --to, --expect and --dry-run."""
        parser.add_argument(
            "backup", nargs="?", default="latest", help="An id, the beginning of one, latest, latest-verified."
        )
        parser.add_argument("--to", required=True, metavar="NAME", help="A database, or a file, that is not there yet.")
        parser.add_argument(
            "--expect", type=int, metavar="SEQUENCE", help="Refuse unless the newest backup has at least this number."
        )
        parser.add_argument("--dry-run", action="store_true", help="Print what would be done, and do nothing.")

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Plan, or restore."""
        where = {"to": options["to"], "expect": options["expect"]}
        if options["dry_run"]:
            plan = plan_restore(database, options["backup"], **where)
            return Outcome({"backup": plan.manifest.run, "plan": plan.sentences()}, plan.sentences())
        copy = restore_backup(database, options["backup"], **where, asked=asked(), progress=progress)
        return Outcome(_json(copy), _report(copy), notes=list(copy.notes))


def _json(copy: RestoredCopy) -> dict[str, Any]:
    return {
        "id": copy.run,
        "backup": copy.committed.manifest.run,
        "target": copy.target.name,
        "status": "complete",
        "rows": copy.rows,
        "tables": copy.tables,
        "seconds": copy.seconds,
        "backup_age_seconds": round(copy.age, 1),
        "verification": verification_json(copy.result),
    }


def _report(copy: RestoredCopy) -> list[str]:
    manifest = copy.committed.manifest
    return [
        f"Restored {manifest.run} (taken {span(copy.age)} ago, number {manifest.sequence}) into {copy.target.describe()} "
        f"in {span(copy.seconds)}: {copy.rows:,} rows of {copy.tables:,} tables.",
        *checks_table(copy.result.findings),
        f"Everything is as the backup recorded it. To use it, set NAME of alias {copy.target.alias!r} to {copy.target.name!r}.",
    ]
