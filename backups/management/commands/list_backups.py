"""``manage.py list_backups``: what there is, and what was done with it, from the catalogue or from storage alone."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome
from backups.management.terminal import size, span, table
from backups.progress import Progress
from backups.services.copy import lags
from backups.services.listing import Line, list_backups
from backups.services.restores import RestoreLine, by_table, list_restores, was_thrown_away

HEAD = ("id", "status", "taken (UTC)", "took ", "rows ", "size ", "stored ", "new ", "verified")
RESTORES_HEAD = ("id", "kind", "status", "begun (UTC)", "backup", "rows ", "by", "into", "")

NEWEST = 100
"""How many backups are listed where nobody says: of storage alone each costs the reading of its manifest."""


FOR_SAFETY = "taken before a replacement"
THROWN_AWAY = "a throw-away copy, dropped since"


class Command(DatabaseCommand):
    """List the backups of a database, newest first."""

    reads_copies = True

    help = "List the backups of a database, newest first. Works with the database gone, from storage alone."
    answers = True

    def add_options(self, parser: CommandParser) -> None:
        """Add --limit and --restores."""
        parser.add_argument(
            "--restores",
            action="store_true",
            help="List what was restored, replaced, undone and recovered instead: when, by whom, from which backup.",
        )
        parser.add_argument(
            "--limit",
            type=_number,
            default=NEWEST,
            metavar="N",
            help=f"The newest N; 0 for all of them; default: {NEWEST}.",
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """List them, or what was done with them."""
        if options["restores"]:
            return _restores(database, options["limit"] or None)
        lines, note = list_backups(database, options["limit"] or None)
        report = [f"Backups of {database}:", *table(HEAD, [_row(line) for line in lines])] if lines else []
        report = report or [f"There is no backup of {database} yet. manage.py backup_db takes one."]
        notes = [note] if note else []
        return Outcome(
            [line.as_json() for line in lines], report, notes=[*notes, *([] if options["from"] else lags(database))]
        )


def _restores(database: str, limit: int | None) -> Outcome:
    lines, note = list_restores(database, limit)
    report = (
        [f"Restores of {database}:", *table(RESTORES_HEAD, [_restore_row(line) for line in lines])] if lines else []
    )
    return Outcome(
        [line.as_json() for line in lines],
        report or [f"Nothing of {database} was restored yet."],
        notes=[note] if note else [],
    )


def _restore_row(line: RestoreLine) -> tuple[str, ...]:
    tables = ", ".join(by_table(line.contents, "{:,}".format))
    kept = f"the one before is kept as {line.kept}" if line.kept else ""
    dropped = THROWN_AWAY if line.kind == "copy" and was_thrown_away(line.target) else ""
    return (
        line.id,
        line.kind,
        line.status,
        f"{line.started:%Y-%m-%d %H:%M:%S}",
        line.backup,
        f"{line.rows:,}" if line.rows else "-",
        ", ".join(part for part in (line.requested_by, line.requested_via) if part),
        line.target,
        line.error[:80] or tables or kept or dropped,
    )


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number of backups.")
    return int(text)


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
        "; ".join(
            said for said in (_verified(line) or line.problem[:80], FOR_SAFETY if line.for_safety else "") if said
        ),
    )


def _verified(line: Line) -> str:
    found = line.verification
    return f"{found['status']} at level {found['level']}" if found else ""
