"""The verb *diff*: rows that were added, changed and deleted since a backup, by another backup or by the live database."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backups.comparison import LIVE, Difference, compare_backups, compare_live
from backups.conf import get_settings
from backups.contents import Contents
from backups.engines import engine_for
from backups.exceptions import SourceCorrupt, SourceError
from backups.progress import Progress, silent
from backups.repository import Repository
from backups.services.vouching import chosen

SHOWN = 100
_LOST = (
    "Nothing was changed. Two backups are compared without it: diff_backup A B. To put the newest one in its place: manage.py "
    "restore_db --replace."
)


@dataclass(frozen=True, slots=True)
class Compared:
    """What differs; ``notes`` say what had to be healed to be read."""

    difference: Difference
    notes: tuple[str, ...] = ()


def diff_backup(
    database: str,
    a: str,
    b: str = LIVE,
    *,
    tables: Collection[str] = (),
    limit: int = SHOWN,
    progress: Progress = silent,
) -> Compared:
    """Compare a backup with another, or with the live database; only reads.

    ``tables`` are models or tables, all where there are none; of each the first ``limit`` rows are told, and all are
    counted. Raises UnknownBackup, ConfigurationError for a table that is on neither side, SourceError, RepositoryError.
    """
    repository = Repository.open(database)
    then = _contents(repository, a)
    if b == LIVE:
        engine = engine_for(database)
        try:
            with engine.snapshot(get_settings().EXCLUDE) as snapshot:
                found = compare_live(then, snapshot, engine.vendor, tables, limit, progress)
        except SourceError as error:
            if isinstance(error, SourceCorrupt) or not engine.exists():
                error.hint = _LOST
            raise
    else:
        found = compare_backups(then, _contents(repository, b), tables, limit, progress)
    return Compared(found, tuple(repository.healings()))


def _contents(repository: Repository, backup: str) -> Contents:
    manifest = chosen(repository, backup).manifest
    repository.require_identity(manifest)
    return Contents(repository, manifest)
