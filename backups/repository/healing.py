"""Reads an object that is missing or wrong from where it is whole: other storages first, then other names of its content.

The bytes that the backup recorded are put back under their name, whoever reads them: then every backup that names the
object is whole again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backups.exceptions import CannotOpen, NameTaken, RepositoryError, StorageUnavailable
from backups.manifest import Stored
from backups.repository import damage
from backups.repository.names import check_object_name, folder_of

if TYPE_CHECKING:
    from backups.repository.repository import Repository


@dataclass(frozen=True, slots=True)
class Healed:
    """An object that was missing or wrong and was read all the same. ``source`` says from where, for people.

    ``whole`` says that its own bytes lie under its own name again; else it is read from there each time.
    """

    name: str
    source: str
    whole: bool

    def sentence(self) -> str:
        """Say it, for people."""
        if self.whole:
            return f"{self.name} was missing or damaged, and is whole again: its bytes came from {self.source}."
        return f"{self.name} is missing or damaged. It was read from {self.source}, which stands in for it."


def rescue(repository: Repository, kind: str, stored: Stored, error: RepositoryError) -> tuple[bytes, Healed]:
    """Return the plaintext of an object that could not be read twice; raise that error where it is nowhere whole.

    Notes the damage unless it could be undone. A storage that is away is not damaged, and nothing is put there. Raises
    CannotOpen where it was healed and is encrypted for others.
    """
    found = _found(repository, kind, stored)
    away = isinstance(error, StorageUnavailable)
    whole = found is not None and found.exact and not away and _put_back(repository, stored, found.sealed)
    if not whole and not away:
        with suppress(StorageUnavailable):
            damage.note(repository, stored.name, str(error), kind, stored)
    if found is None or (found.plaintext is None and not whole):
        raise error
    healed = Healed(stored.name, found.source, whole)
    if found.plaintext is None:
        repository.remember(healed)
        raise CannotOpen(healed.sentence())
    return found.plaintext, healed


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found in another place; ``exact`` where these are the very bytes that the backup recorded.

    ``plaintext`` is None where only the recorded bytes are known, since no identity here opens them.
    """

    source: str
    sealed: bytes
    plaintext: bytes | None
    exact: bool


def _found(repository: Repository, kind: str, stored: Stored) -> _Found | None:
    """Look in the other storages under the same name, then everywhere under other names."""
    others = repository.others()
    for other in others:
        with suppress(RepositoryError):
            sealed = other.objects.get(stored.name, stored.stored_bytes)
            repository.check_recorded(stored, sealed)
            try:
                plaintext: bytes | None = repository.opened_as(kind, stored, stored.name, sealed)
            except CannotOpen:
                plaintext = None
            return _Found(other.where, sealed, plaintext, exact=True)
    for place in (repository, *others):
        with suppress(StorageUnavailable):
            for name in _other_names(place, kind, stored):
                with suppress(RepositoryError):
                    sealed = place.objects.get(name)
                    plaintext = repository.opened_as(kind, stored, name, sealed)
                    exact = hashlib.sha256(sealed).hexdigest() == stored.sha256
                    source = name if place is repository else f"{name} in {place.where}"
                    return _Found(source, sealed, plaintext, exact)
    return None


def _other_names(repository: Repository, kind: str, stored: Stored) -> Iterator[str]:
    for name in repository.objects.list(folder_of(kind, stored.id)):
        if name != stored.name:
            with suppress(RepositoryError):
                check_object_name(kind, stored.id, name)
                yield name


def _put_back(repository: Repository, stored: Stored, sealed: bytes) -> bool:
    """Put the recorded bytes under their name, in the place of what was found wrong there; say whether they are there now."""
    try:
        repository.objects.replace(stored.name, sealed)
        if repository.objects.get(stored.name, len(sealed)) != sealed:
            return False
        repository.objects.settle()
        damage.clear(repository, stored.name)
    except (StorageUnavailable, NameTaken):
        # Nothing can be written there. What was read is right all the same.
        return False
    return True
