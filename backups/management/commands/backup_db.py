"""``manage.py backup_db``: take a backup."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.reports import (
    backup_json,
    backup_report,
    problem_sentence,
    verification_json,
    verification_report,
)
from backups.progress import Progress
from backups.services.backup import create_backup
from backups.services.verify import verify_backup
from backups.verification import Level


class Command(DatabaseCommand):
    """Take a backup, and prove it where asked to."""

    help = "Take a backup of a database."

    def add_options(self, parser: CommandParser) -> None:
        """Add --verify, --full and --adopt."""
        parser.add_argument(
            "--verify", choices=[level.value for level in Level], help="Prove it at this level afterwards."
        )
        parser.add_argument("--full", action="store_true", help="Read everything, even what has not changed.")
        parser.add_argument(
            "--adopt",
            action="store_true",
            help="Go on although the repository says that it belongs to another database.",
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Back up, then verify."""
        done = create_backup(database, full=options["full"], adopt=options["adopt"], asked=asked(), progress=progress)
        manifest = done.committed.manifest
        outcome = Outcome(
            backup_json(manifest), backup_report(manifest, done.place), list(done.problems), list(done.notes)
        )
        if options["verify"]:
            proof = verify_backup(
                database, manifest.run, level=Level(options["verify"]), asked=asked(), progress=progress
            )
            outcome.document["verification"] = verification_json(proof.result)
            outcome.report += verification_report(proof.result)
            outcome.problems += problem_sentence(proof.result)
            outcome.notes += proof.notes
        return outcome
