"""``manage.py copy_backups``: bring the copies in other storages up to date."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.terminal import size, span
from backups.progress import Progress
from backups.services.copy import Copied, copy_backups


class Command(DatabaseCommand):
    """Bring copies up to date."""

    help = (
        'Bring the copies that BACKUPS["COPIES"] names up to date: only what is missing is copied, each object compared with '
        "its digest. Nothing is removed from a copy."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add --copy."""
        parser.add_argument(
            "--copy", action="append", metavar="STORAGE", dest="copies", help="Only this copy; repeat it for several."
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Copy."""
        done = copy_backups(database, options["copies"] or (), asked=asked(), progress=progress)
        outcome = Outcome([copied.as_json(database) for copied in done])
        for copied in done:
            outcome.report.append(_said(database, copied))
            outcome.problems += copied.problems
            outcome.notes += copied.notes
        return outcome


def _said(database: str, copied: Copied) -> str:
    if not copied.backups:
        now = "is not up to date" if copied.problems else "is up to date: nothing was missing"
        return f"The copy of {database} in {copied.copy!r} {now}."
    return (
        f"Copied {len(copied.backups)} backups of {database} to {copied.copy!r} in {span(copied.seconds)}: {copied.objects:,} "
        f"objects, {size(copied.bytes)}. They lie in {copied.place}."
    )
