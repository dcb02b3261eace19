"""The databases that were replaced and are kept: which there are, and the end of those whose grace is over."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from backups.conf import get_settings
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.engines.kept import run_of
from backups.exceptions import BackupsError, RepositoryError
from backups.repository import Repository
from backups.services.promotions import promotion_that_kept


@dataclass(frozen=True, slots=True)
class Kept:
    """A database that is kept under a dated name, since when."""

    name: str
    since: datetime


def kept_databases(database: str) -> list[Kept]:
    """Return the databases that are kept which stood in the place of an alias's, the newest first."""
    found = [Kept(name, _moment(run_of(name))) for live in ways(database) for name in live.kept()]
    return sorted(found, key=lambda kept: kept.since, reverse=True)


def ways(database: str) -> list[Engine]:
    """Return the live database of an alias as what is replaced as a whole, and inside, where its engine can."""
    live = engine_for(database).standing()
    inside = live.inside()
    return [live, inside] if inside else [live]


def drop_replaced(database: str, now: datetime) -> list[str]:
    """Drop the kept databases whose replacement is longer ago than BACKUPS["GRACE"], and return their names.

    Only such as the repository holds a signed record of; the record says since when. Raises TargetError, RepositoryError.
    """
    kept = [(live, name) for live in ways(database) for name in live.kept()]
    if not kept:
        # Nothing is asked of the storage, which is nearly always.
        return []
    repository, dropped = Repository.open(database), []
    for live, name in kept:
        event = promotion_that_kept(repository, name)
        if event and now - event.at >= get_settings().GRACE:
            live.at(name).drop()
            dropped.append(name)
    return dropped


def drop_when_over(database: str, now: datetime) -> list[str]:
    """Do the same beside another verb: never raises, and returns a sentence for each that was dropped or could not be."""
    try:
        names = drop_replaced(database, now)
    except RepositoryError as error:
        return [f"Whether a replaced database is to be dropped could not be looked up: {error}"]
    except BackupsError:
        # Whoever only backs up need not be allowed to see, or to drop, other databases; prune_backups says so.
        return []
    return [f"{name}, kept since it was replaced, was dropped: BACKUPS['GRACE'] is over." for name in names]


def _moment(run: str) -> datetime:
    return datetime.strptime(f"{run[:15]}+0000", "%Y%m%dt%H%M%S%z")
