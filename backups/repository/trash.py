"""Pruned backups: the manifest in its tombstone, the marks of a sweep, and the way back while there is one.

``trash/<seq>-<run>`` is signed and holds the manifest's stored bytes. It never has other bytes: when a backup was pruned
is the storage's to say. Beside it lie ``….sweeping``, from when on nothing brings the backup back, and ``….swept``.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backups.exceptions import ObjectDamaged, ObjectMissing, UnknownBackup
from backups.repository.names import MANIFEST

if TYPE_CHECKING:
    from backups.repository.repository import Committed, Repository

FOLDER = "trash"
_LIVE = "backups"
_SWEEPING, _SWEPT = ".sweeping", ".swept"


@dataclass(frozen=True, slots=True)
class Buried:
    """A backup in the trash, as one listing shows it. ``name`` is the tombstone's, ``manifest`` where it came from.

    ``sweeping``: the mark is there, so that its objects may be gone.
    """

    sequence: int
    run: str
    name: str
    sweeping: bool = False

    @property
    def manifest(self) -> str:
        """The name of its manifest while it was live."""
        return f"{_LIVE}/{self.name.partition('/')[2]}"


def buried(repository: Repository) -> list[Buried]:
    """Return what lies in the trash, oldest first; what is live as well is not pruned."""
    live = set(repository.objects.list(_LIVE))
    return [entry for entry in tombstones(repository) if entry.manifest not in live]


def tombstones(repository: Repository) -> list[Buried]:
    """Return every tombstone, oldest first, also of what is live because a killed run was between the two."""
    listed = repository.objects.list(FOLDER)
    there = set(listed)
    found = (match for name in listed if (match := MANIFEST.fullmatch(name)))
    return [Buried(int(match[1]), match[2], match[0], match[0] + _SWEEPING in there) for match in found]


def bury(repository: Repository, name: str) -> None:
    """Move a manifest to the trash: tombstone first, read back, then the manifest goes. In between the backup is live."""
    objects = repository.objects
    stored = objects.get(name)
    repository.open_manifest(name, stored)
    place = f"{FOLDER}/{name.partition('/')[2]}"
    for left in (place, place + _SWEEPING, place + _SWEPT):
        # Left by somebody who was killed: its grace would have begun too early, while the backup was live.
        _delete(repository, left)
    objects.put(place, repository.sign("tombstone", place, stored))
    objects.settle()
    if repository.open_signed("tombstone", place) != stored:
        raise ObjectDamaged(place, "the storage gives other bytes than it was given")
    objects.delete(name)
    objects.settle()


def read(repository: Repository, entry: Buried) -> Committed:
    """Read the manifest in a tombstone; raise ObjectDamaged or ObjectMissing."""
    return repository.open_manifest(entry.manifest, repository.open_signed("tombstone", entry.name))


def dig_up(repository: Repository, entry: Buried) -> Committed:
    """Put a manifest back where it was; the caller has seen that nobody sweeps it. The tombstone goes last."""
    objects, stored = repository.objects, repository.open_signed("tombstone", entry.name)
    repository.open_manifest(entry.manifest, stored)
    # Half of it may be there, where a storage does not store at once.
    objects.replace(entry.manifest, stored)
    objects.settle()
    committed = repository.read_manifest(entry.manifest)
    objects.delete(entry.name)
    objects.settle()
    return committed


def mark_sweeping(repository: Repository, entry: Buried) -> None:
    """Say that objects of a backup are about to go: from here on nothing brings it back."""
    place = entry.name + _SWEEPING
    if not repository.objects.exists(place):
        repository.objects.put(place, repository.sign("sweeping", place, b""))
        repository.objects.settle()


def mark_swept(repository: Repository, entry: Buried) -> None:
    """Say that all objects of a backup are gone: the next manifest names its number as a gap."""
    place = entry.name + _SWEPT
    if not is_swept(repository, entry):
        _delete(repository, place)
        repository.objects.put(place, repository.sign("swept", place, b""))
        repository.objects.settle()


def is_swept(repository: Repository, entry: Buried) -> bool:
    """Say whether all objects of a backup are gone. A mark that is not whole says nothing: then it is swept again."""
    with suppress(ObjectDamaged, ObjectMissing):
        repository.open_signed("swept", entry.name + _SWEPT)
        return True
    return False


def is_sweeping(repository: Repository, manifest: str) -> bool:
    """Say whether the objects of a backup may be gone, by its manifest's name. No backup may be built on such a one."""
    return repository.objects.exists(f"{FOLDER}/{manifest.partition('/')[2]}{_SWEEPING}")


def forget(repository: Repository, entry: Buried) -> None:
    """Remove a tombstone whose gap is in a committed manifest, then its marks: without them it could be brought back."""
    for place in (entry.name, entry.name + _SWEEPING, entry.name + _SWEPT):
        _delete(repository, place)


def tidy(repository: Repository) -> None:
    """Remove marks whose tombstone is gone, and tombstones of live backups: whoever left them was killed."""
    listed = set(repository.objects.list(FOLDER))
    live = {f"{FOLDER}/{name.partition('/')[2]}" for name in repository.objects.list(_LIVE)}
    for name in sorted(listed):
        tombstone = name.removesuffix(_SWEEPING).removesuffix(_SWEPT)
        if MANIFEST.fullmatch(tombstone) and (tombstone in live or tombstone not in listed):
            _delete(repository, name)


def find(entries: Iterable[Buried], selector: str) -> Buried:
    """Return the one whose id is that or begins so; raise UnknownBackup."""
    matching = [entry for entry in entries if selector and entry.run.lower().startswith(selector.lower())]
    if len(matching) == 1:
        return matching[0]
    if matching:
        shown = ", ".join(entry.run for entry in matching[:5])
        raise UnknownBackup(f"{selector!r} is not unique: it is the beginning of {shown}.", hint="Type more of the id.")
    raise UnknownBackup(
        f"There is no backup {selector!r} in the trash.", hint="manage.py prune_backups --dry-run shows what is there."
    )


def _delete(repository: Repository, name: str) -> None:
    if repository.objects.exists(name):
        repository.objects.delete(name)
