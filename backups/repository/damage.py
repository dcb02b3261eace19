"""Notes on objects that were found missing or wrong: what one names is stored again, never named again."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from backups.exceptions import NameTaken

if TYPE_CHECKING:
    from backups.repository.repository import Repository

FOLDER = "damaged"


def note(repository: Repository, name: str, reason: str) -> None:
    """Note that an object is missing or wrong; once is enough. Raises StorageUnavailable."""
    place = place_of(name)
    if repository.objects.exists(place):
        return
    said = {"name": name, "reason": reason, "at": datetime.now(UTC).isoformat()}
    with suppress(NameTaken):
        repository.objects.put(place, repository.sign("damaged", place, json.dumps(said, sort_keys=True).encode()))


def noted(repository: Repository) -> frozenset[str]:
    """Return the names of all notes. Which object each speaks of is in its name, so none needs to be read."""
    return frozenset(repository.objects.list(FOLDER))


def place_of(name: str) -> str:
    """Return the name of the note on an object."""
    return f"{FOLDER}/{name.replace('/', '-')}"
