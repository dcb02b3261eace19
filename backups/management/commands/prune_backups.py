"""``manage.py prune_backups``: remove what the policy does not keep, or bring a backup back."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.terminal import size, table
from backups.progress import Progress
from backups.services.keeping import confirm_backup
from backups.services.prune import Pruned, prune_backups
from backups.services.undelete import undelete_backup

HEAD = ("id", "number ", "action", "because")
DONE = {"keep": "kept", "remove": "to the trash", "wait": "in the trash", "sweep": "deleted"}
WOULD = {"keep": "keep", "remove": "move to the trash", "wait": "leave in the trash", "sweep": "delete"}


class Command(DatabaseCommand):
    """Prune."""

    reads_copies = True

    help = (
        "Move the backups that BACKUPS['RETENTION'] does not keep to the trash, and delete what lies there for longer than "
        "BACKUPS['GRACE'] and no other backup needs."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add --dry-run, --undelete and --confirm."""
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--dry-run", action="store_true", help="Say what would be done and why, and remove nothing.")
        what.add_argument("--undelete", metavar="BACKUP", help="Bring a backup back from the trash, and pin it.")
        what.add_argument(
            "--confirm", metavar="BACKUP", help="Say that what a suspicious backup has lost was meant to go."
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Prune, tell what would be pruned, bring back, or confirm."""
        if options["undelete"]:
            return _undeleted(database, options["undelete"])
        if options["confirm"]:
            return _confirmed(database, options["confirm"])
        done = prune_backups(database, dry_run=options["dry_run"], asked=asked())
        report = [*table(HEAD, _rows(done, options["dry_run"])), *_sums(done, options["dry_run"]), *_kept(done)]
        problems = [*(f"Nothing would be removed: {said}" for said in done.stops), *done.problems]
        return Outcome(_json(done, options["dry_run"]), report, problems, done.notes)


def _undeleted(database: str, backup: str) -> Outcome:
    manifest = undelete_backup(database, backup, asked=asked()).manifest
    said = f"Brought back {manifest.run} (number {manifest.sequence}) of {database}, whole. It is pinned, since the policy "
    said += f"would remove it again; pin_backup {manifest.run} --unpin lets it go."
    return Outcome({"database": database, "undeleted": manifest.run, "pinned": True}, [said])


def _confirmed(database: str, backup: str) -> Outcome:
    run, said = confirm_backup(database, backup, asked=asked())
    document = {"database": database, "confirmed": run, "suspicious": list(said)}
    return Outcome(document, [f"Confirmed for {run}, and no longer in the way of pruning:", *said])


def _rows(done: Pruned, dry_run: bool) -> list[tuple[str, ...]]:
    words = WOULD if dry_run else DONE
    because = {"remove": "no rule keeps it", "sweep": "its grace is over"}
    return [
        (fate.id, str(fate.sequence), words[fate.action], ", ".join(fate.reasons) or because[fate.action])
        for fate in done.fates
    ]


def _sums(done: Pruned, dry_run: bool) -> list[str]:
    freed, waiting = done.freed, done.waiting
    word = "Would free" if dry_run else "Freed"
    return [
        f"{word} {size(freed.bytes)} ({freed.objects:,} objects). {size(waiting.bytes)} ({waiting.objects:,} objects) more "
        "when all that is in the trash has had its grace."
    ]


def _kept(done: Pruned) -> list[str]:
    return [
        *(f"Dropped {name}, which was kept since it was replaced." for name in done.dropped),
        *(f"Kept since it was replaced: {one.name} ({one.since:%Y-%m-%d %H:%M:%S} UTC)." for one in done.kept),
    ]


def _json(done: Pruned, dry_run: bool) -> dict[str, Any]:
    return {
        "database": done.database,
        "run": done.run,
        "dry_run": dry_run,
        "backups": [
            {"id": fate.id, "number": fate.sequence, "action": fate.action, "reasons": list(fate.reasons)}
            for fate in done.fates
        ],
        "freed_objects": done.freed.objects,
        "freed_bytes": done.freed.bytes,
        "waiting_objects": done.waiting.objects,
        "waiting_bytes": done.waiting.bytes,
        "kept_databases": [one.name for one in done.kept],
        "dropped_databases": done.dropped,
        "stopped": done.stops,
        "problems": done.problems,
    }
