"""``manage.py diff_backup``: what changed since a backup."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.comparison import LIVE
from backups.management.base import DatabaseCommand, Outcome
from backups.progress import Progress
from backups.services.diff import SHOWN, diff_backup


class Command(DatabaseCommand):
    """Compare two backups, or a backup and the live database."""

    help = "Say which rows were added, changed and deleted since a backup, by another backup or by the live database."
    answers = True

    def add_options(self, parser: CommandParser) -> None:
        """Add A, B, --table, --stat and --limit."""
        parser.add_argument("a", help="An id, the beginning of one, latest, latest-verified.")
        parser.add_argument("b", nargs="?", default=LIVE, help="Another, or live, which is the default.")
        parser.add_argument(
            "--table", action="append", default=[], metavar="MODEL", help="A model or table; repeat it for several."
        )
        parser.add_argument("--stat", action="store_true", help="Only count; name no rows.")
        parser.add_argument(
            "--limit",
            type=int,
            default=SHOWN,
            metavar="ROWS",
            help=f"How many rows of a table to name; default {SHOWN}.",
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Compare."""
        limit = 0 if options["stat"] else max(options["limit"], 0)
        done = diff_backup(
            database, options["a"], options["b"], tables=options["table"], limit=limit, progress=progress
        )
        found = done.difference
        return Outcome(found.as_json(), found.sentences(stat=options["stat"]), found.problems(), list(done.notes))
