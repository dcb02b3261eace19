"""The verb *sync*: rebuild the catalogue from what lies in storage."""

from __future__ import annotations

from backups.exceptions import ConfigurationError
from backups.repository import Repository
from backups.services import catalog
from backups.services.rebuild import Synced, rebuild


def sync_backups(database: str) -> Synced:
    """Rebuild the catalogue's rows of one database; raise ConfigurationError where there is no catalogue to write to."""
    recording = catalog.open_catalogue()
    if recording.problem:
        raise ConfigurationError(recording.problem, hint="Make its tables first: manage.py migrate backups")
    return rebuild(recording.using, Repository.open(database), database)
