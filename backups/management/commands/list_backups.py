"""``manage.py list_backups``: what there is, from the catalogue or from storage alone."""

from __future__ import annotations

from typing import Any

from backups.management.base import DatabaseCommand, Outcome
from backups.management.terminal import size, span, table
from backups.progress import Progress
from backups.services.listing import Line, list_backups

HEAD = ("id", "status", "taken (UTC)", "took ", "rows ", "size ", "stored ", "new ", "verified")


class Command(DatabaseCommand):
    """List the backups of a database, newest first."""

    help = "List the backups of a database, newest first. Works with the database gone, from storage alone."
    answers = True

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """List them."""
        lines, note = list_backups(database)
        report = [f"Backups of {database}:", *table(HEAD, [_row(line) for line in lines])] if lines else []
        report = report or [f"There is no backup of {database} yet. manage.py backup_db takes one."]
        return Outcome([line.as_json() for line in lines], report, notes=[note] if note else [])


def _row(line: Line) -> tuple[str, ...]:
    totals = line.totals
    return (
        line.id,
        line.status,
        f"{line.created:%Y-%m-%d %H:%M:%S}",
        span(line.seconds),
        f"{totals.rows:,}",
        size(totals.bytes),
        size(totals.stored_bytes),
        size(totals.new_bytes),
        _verified(line) or line.problem[:80],
    )


def _verified(line: Line) -> str:
    found = line.verification
    return f"{found['status']} at level {found['level']}" if found else ""
