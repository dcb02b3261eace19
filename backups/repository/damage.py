"""Notes on objects that were found missing or wrong: what one names is stored again, never named again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from backups.exceptions import NameTaken, ObjectDamaged, ObjectMissing
from backups.manifest import Stored

if TYPE_CHECKING:
    from backups.repository.repository import Repository

FOLDER = "damaged"


@dataclass(frozen=True, slots=True)
class Noted:
    """What a note says of an object: its kind, what a backup expects of it, and why it was noted."""

    kind: str
    stored: Stored
    reason: str


def note(repository: Repository, name: str, reason: str, kind: str = "", stored: Stored | None = None) -> None:
    """Note that an object is missing or wrong; once is enough. Raises StorageUnavailable."""
    place = place_of(name)
    if repository.objects.exists(place):
        return
    said: dict[str, object] = {"name": name, "reason": reason, "at": datetime.now(UTC).isoformat()}
    if stored:
        expected = {key: getattr(stored, key) for key in Stored.__slots__}
        said |= {"kind": kind, "expected": expected}
    with suppress(NameTaken):
        repository.objects.put(place, repository.sign("damaged", place, json.dumps(said, sort_keys=True).encode()))


def noted(repository: Repository) -> frozenset[str]:
    """Return the names of all notes. Which object each speaks of is in its name, so none needs to be read."""
    return frozenset(repository.objects.list(FOLDER))


def read(repository: Repository) -> Iterator[Noted]:
    """Yield what the notes say; one that is not whole, or does not say what is expected, is passed over."""
    for place in repository.objects.list(FOLDER):
        with suppress(ObjectDamaged, ObjectMissing, ValueError, KeyError, TypeError, RecursionError):
            said = json.loads(repository.open_signed("damaged", place))
            yield Noted(said["kind"], msgspec.convert(said["expected"], Stored), said["reason"])


def lost(notes: frozenset[str]) -> frozenset[str]:
    """Return the content of each object that a note is on: another of the same content may be what it is healed from."""
    return frozenset(_content_of(place) for place in notes)


def may_heal(lost: frozenset[str], name: str) -> bool:
    """Say whether an object is of a content that is lost somewhere else."""
    return _content_of(place_of(name)) in lost


def clear(repository: Repository, name: str) -> None:
    """Take the note on an object away, if there is one: it reads whole again. Raises StorageUnavailable."""
    place = place_of(name)
    if repository.objects.exists(place):
        repository.objects.delete(place)


def place_of(name: str) -> str:
    """Return the name of the note on an object."""
    return f"{FOLDER}/{name.replace('/', '-')}"


def _content_of(place: str) -> str:
    """Return kind and id: what is left of a name without the run that put it."""
    return place.rpartition(".")[0]


def is_noted(notes: frozenset[str], name: str) -> bool:
    """Say whether a chunk, page or part is spoilt: noted itself, or all copies of the key that opens it."""
    return place_of(name) in notes or place_of(f"keys/{name.rpartition('.')[2]}") in notes
