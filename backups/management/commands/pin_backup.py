"""``manage.py pin_backup``: keep a backup whatever the policy says."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.progress import Progress
from backups.services.keeping import pin_backup


class Command(DatabaseCommand):
    """Pin or unpin one backup."""

    reads_copies = True

    help = "Keep a backup whatever BACKUPS['RETENTION'] says, until it is unpinned. Kept in the repository, signed."

    def add_options(self, parser: CommandParser) -> None:
        """Add BACKUP, --unpin and --reason."""
        parser.add_argument("backup", help="An id, the beginning of one, latest, latest-verified.")
        parser.add_argument("--unpin", action="store_true", help="Leave it to the policy again.")
        parser.add_argument("--reason", default="", help="Why, for whoever asks later.")

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Pin or unpin."""
        done = pin_backup(database, options["backup"], unpin=options["unpin"], reason=options["reason"], asked=asked())
        said = "is pinned: prune_backups keeps it" if done.pinned else "is not pinned any more: the policy decides"
        because = f" ({done.reason})" if done.reason else ""
        document = {"database": database, "backup": done.backup, "pinned": done.pinned, "reason": done.reason}
        return Outcome(document, [f"Backup {done.backup} of {database} {said}{because}."])
