"""The verb *undelete*: bring back a pruned backup, as long as nothing of it was deleted."""

from __future__ import annotations

from backups.exceptions import PruneStopped
from backups.repository import Committed, Repository, trash
from backups.repository.events import PINNED
from backups.repository.names import new_run
from backups.repository.places import is_copy
from backups.services import catalog
from backups.services.catalog import Asked
from backups.services.copy import tell_catalogue
from backups.services.keeping import note
from backups.services.prune import cleaning

REASON = "brought back from the trash"


def undelete_backup(database: str, backup: str, *, asked: Asked | None = None, run: str = "") -> Committed:
    """Bring back a pruned backup by its id or a unique beginning of it, and pin it: the policy would remove it again.

    Raises UnknownBackup, LockHeld, and PruneStopped where its objects are being deleted.
    """
    asked, run = asked or Asked(), run or new_run()
    repository = Repository.open(database)
    with cleaning(repository, run, "undelete", database, asked):
        entry = trash.find(trash.tombstones(repository), backup)
        if trash.is_sweeping(repository, entry.manifest):
            raise PruneStopped(
                f"The backup {entry.run} cannot be brought back: its grace is over, and its objects are being deleted.",
                hint="manage.py list_backups shows those that are whole.",
            )
        note(repository, PINNED, entry.run, trash.read(repository, entry).digest, asked, REASON)
        committed = trash.dig_up(repository, entry)
    if is_copy():
        tell_catalogue(repository, database)
    else:
        catalog.take_in(catalog.open_catalogue(), committed)
    return committed
