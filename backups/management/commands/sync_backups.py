"""``manage.py sync_backups``: rebuild the catalogue from storage."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from backups.management.base import DatabaseCommand, Outcome
from backups.progress import Progress
from backups.services.sync import sync_backups


class Command(DatabaseCommand):
    """Rebuild the catalogue."""

    help = "Rebuild the catalogue of backups, verifications and restores from what lies in storage."

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Read the repository and write the rows."""
        synced = sync_backups(database)
        said = f"{synced.backups} backups, {synced.verifications} verifications and {synced.restores} restores of {database}."
        return Outcome(asdict(synced), [said], synced.problems)
