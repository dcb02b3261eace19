"""``manage.py verify_backup``: prove a backup, and record the proof."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked, duration
from backups.management.reports import problem_sentence, verification_json, verification_report
from backups.progress import Progress
from backups.services.verify import Verified, verify_all, verify_backup
from backups.verification import Level


class Command(DatabaseCommand):
    """Prove one backup or all of them."""

    reads_copies = True

    help = (
        "Prove a backup and record the proof. At level restore it is restored into a throw-away database and compared."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add BACKUP, --all, --level and --max-duration."""
        which = parser.add_mutually_exclusive_group()
        which.add_argument(
            "backup", nargs="?", default="latest", help="An id, the beginning of one, latest, latest-verified."
        )
        which.add_argument("--all", action="store_true", help="Every backup, least recently checked first.")
        parser.add_argument("--level", choices=[level.value for level in Level], default=Level.RESTORE.value)
        parser.add_argument(
            "--max-duration", type=duration, metavar="TIME", help="With --all: begin none after this, for example 30m."
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Verify."""
        level = Level(options["level"])
        if not options["all"]:
            one = verify_backup(database, options["backup"], level=level, asked=asked(), progress=progress)
            return _outcome(verification_json(one.result), [one])
        proofs = verify_all(
            database, level=level, max_duration=options["max_duration"], asked=asked(), progress=progress
        )
        found = list(proofs)
        return _outcome([verification_json(proof.result) for proof in found], found)


def _outcome(document: Any, proofs: list[Verified]) -> Outcome:
    outcome = Outcome(document)
    for proof in proofs:
        outcome.report += verification_report(proof.result)
        outcome.problems += problem_sentence(proof.result)
        outcome.notes += proof.notes
    return outcome
