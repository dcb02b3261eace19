"""The verb *sync*: rebuild the catalogue from what lies in storage."""

from __future__ import annotations

from django.db import Error as DatabaseError

from backups.exceptions import ConfigurationError
from backups.repository import Repository
from backups.services import catalog
from backups.services.rebuild import Synced, rebuild

_NO_TABLES = "Make its tables first: manage.py migrate backups"
_LOST = (
    "If its database is lost, bring it back: manage.py restore_db --replace, which fills the catalogue too. Until then "
    "list_backups reads the storage alone."
)


def sync_backups(database: str) -> Synced:
    """Rebuild the catalogue's rows of one database; raise ConfigurationError where there is no catalogue to write to."""
    recording = catalog.open_catalogue()
    if recording.problem:
        raise ConfigurationError(recording.problem, hint=_LOST if recording.unreachable else _NO_TABLES)
    repository = Repository.open(database)
    try:
        return rebuild(recording.using, repository, database)
    except DatabaseError as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ConfigurationError(
            f"The catalogue in database {recording.using!r} could not be written: {first}."
        ) from error
