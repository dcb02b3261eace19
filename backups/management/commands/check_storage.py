"""``manage.py check_storage``: try out whether a storage does what a repository needs of it."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.conf import STORAGE_ALIAS
from backups.management.base import DatabaseCommand, Outcome
from backups.management.terminal import table
from backups.progress import Progress
from backups.services.storage import Checked, Promise, check_storage


class Command(DatabaseCommand):
    """Try out a storage."""

    help = (
        "Put, list, read and delete objects under a throw-away name in the configured storage, alone and at once, and say "
        "what holds of all that a repository needs. Nothing stays, and no database is touched."
    )
    answers = True
    takes_databases = False

    def add_options(self, parser: CommandParser) -> None:
        """Add --storage."""
        parser.add_argument(
            "--storage", default=STORAGE_ALIAS, metavar="STORAGE", help="Alias of STORAGES. Default: backups."
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Try it out."""
        checked = check_storage(options["storage"], progress=progress)
        left = [f"Could not be removed again: {', '.join(checked.left)}."] if checked.left else []
        broken = [f"This storage cannot hold backups: {_said(promise)}" for promise in checked.broken]
        minor = [f"Mind of this storage: {_said(promise)}" for promise in checked.minor]
        return Outcome(checked.as_json(), _report(checked), broken + left, minor)


def _report(checked: Checked) -> list[str]:
    rows = [(_word(promise), promise.name, promise.detail) for promise in checked.promises]
    return [f"{checked.storage} at {checked.place}:", *table(("", "promise", "detail"), rows)]


def _word(promise: Promise) -> str:
    if promise.holds:
        return "holds"
    return "unknown" if promise.holds is None else "BROKEN" if promise.needed else "mind"


def _said(promise: Promise) -> str:
    return f"{promise.name}: {promise.detail}"
