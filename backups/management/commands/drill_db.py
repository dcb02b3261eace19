"""``manage.py drill_db``: the whole lifecycle on a throw-away copy."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.reports import (
    backup_json,
    backup_report,
    verification_json,
    verification_report,
)
from backups.management.terminal import span
from backups.progress import Progress
from backups.services.backup import create_backup
from backups.services.drill import Drill, fail_and_recover
from backups.services.failure import MODES


class Command(DatabaseCommand):
    """Back up, lose a copy, recover it, prove it, drop it, record it."""

    help = (
        "Rehearse the worst day on a throw-away copy: back up, restore a copy, break it, see that the proof notices, restore "
        "it again, prove and record it, drop the copy. The live database is only read."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add --failure."""
        parser.add_argument("--failure", choices=MODES, default="drop-database", metavar="MODE", help=", ".join(MODES))

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Do the whole lifecycle."""
        done = create_backup(database, asked=asked(), progress=progress)
        manifest = done.committed.manifest
        drill = fail_and_recover(database, manifest.run, failure=options["failure"], asked=asked(), progress=progress)
        document = {
            "backup": backup_json(manifest),
            "failure": drill.failure,
            "steps": [asdict(step) for step in drill.steps],
            "recovery_seconds": drill.recovery_seconds,
            "verification": verification_json(drill.result),
        }
        report = [*backup_report(manifest, done.place), *_report(drill), *verification_report(drill.result)]
        return Outcome(document, report, list(done.problems), [*done.notes, *drill.notes])


def _report(drill: Drill) -> list[str]:
    steps = [f"{step.name}: {step.detail} ({span(step.seconds)})" for step in drill.steps]
    return [*steps, f"From noticing the failure to the recovered and proven copy: {span(drill.recovery_seconds)}."]
