"""The verb *sync*: rebuild the catalogue from what lies in storage."""

from __future__ import annotations

from django.db import Error as DatabaseError

from backups.exceptions import ConfigurationError
from backups.repository import Repository
from backups.services import catalog
from backups.services.rebuild import Synced, rebuild


def sync_backups(database: str) -> Synced:
    """Rebuild the catalogue's rows of one database; raise ConfigurationError where there is no catalogue to write to."""
    recording = catalog.open_catalogue()
    if recording.problem:
        raise ConfigurationError(recording.problem, hint="Make its tables first: manage.py migrate backups")
    repository = Repository.open(database)
    try:
        return rebuild(recording.using, repository, database)
    except DatabaseError as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"The catalogue in database {recording.using!r} could not be written: {first}."
        ) from error
