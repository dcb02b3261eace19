"""What only pruned backups name, found and deleted.

Which manifest names which object is kept in a temporary SQLite file, one row an object, and each page is read once: so
memory stays the same for any number of backups and chunks. A set of all names would not: a terabyte is a million chunks.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from backups.contents import Contents
from backups.exceptions import ObjectDamaged, ObjectMissing, PruneStopped
from backups.manifest import Manifest, Stored, decode_entries
from backups.repository import Repository, damage
from backups.repository.names import OBJECT, RUN, check_object_name, run_time

KEPT = 1 << 40
"""The rank of what stays: it is named by a backup that is live, or not yet to be swept."""
_ORDER = {"page": 0, "chunk": 1, "part": 2}
_FOLDERS = ("pages", "chunks", "parts")


@dataclass(slots=True)
class Freed:
    """What was deleted; ``bytes`` as stored."""

    objects: int = 0
    bytes: int = 0

    def count(self, size: int) -> None:
        """Count one object."""
        self.objects += 1
        self.bytes += size


@contextmanager
def _room() -> Iterator[None]:
    """Turn what goes wrong with the temporary file into PruneStopped: as a rule there is no room for it."""
    try:
        yield
    except sqlite3.Error as error:
        raise PruneStopped(
            f"The temporary list of what backups need could not be kept ({error}). Nothing more was deleted.",
            hint="Make room in the folder for temporary files (TMPDIR), then run it again.",
        ) from error


class Names:
    """Which objects manifests name, and the last of them to be swept. Used in a ``with``: the file goes at its end."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._folder = TemporaryDirectory(prefix="lifeboat-names-")
        self._file = sqlite3.connect(Path(self._folder.name) / "names.sqlite3", isolation_level=None)
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("PRAGMA synchronous = OFF")
        self._file.execute(
            "CREATE TABLE named (name TEXT PRIMARY KEY, kind INTEGER, bytes INTEGER, last INTEGER) WITHOUT ROWID"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._folder.cleanup()

    def add(self, manifest: Manifest, rank: int, *, swept: bool = False) -> None:
        """Note what a manifest names. Those of higher rank go first, so that each page is read once.

        Every page must be whole: raises ObjectDamaged or ObjectMissing. ``swept``: some of it may be gone already.
        """
        with _room():
            for kind, stored, _ in Contents(self._repository, manifest).objects():
                if self._note(kind, stored, rank) and kind == "page":
                    self._open(stored, rank, swept)

    def _open(self, page: Stored, rank: int, swept: bool) -> None:
        try:
            if swept and not self._repository.objects.exists(page.name):
                return
            entries = decode_entries(page.name, self._repository.get("page", page))
        except (ObjectDamaged, ObjectMissing):
            if swept:
                return
            raise
        for entry in entries:
            self._note("chunk", entry, rank)

    def _note(self, kind: str, stored: Stored, rank: int) -> bool:
        """Note one object; return whether it was not noted before, by a manifest of this rank or a higher one."""
        check_object_name(kind, stored.id, stored.name)
        values = (stored.name, _ORDER[kind], stored.stored_bytes, rank)
        return self._file.execute("INSERT OR IGNORE INTO named VALUES (?, ?, ?, ?)", values).rowcount > 0

    def only(self, rank: int) -> Iterator[tuple[str, int]]:
        """Yield name and stored bytes of what nothing of a higher rank names: pages, then chunks, then parts."""
        with _room():
            cursor = self._file.execute("SELECT name, bytes FROM named WHERE last = ? ORDER BY kind, name", (rank,))
            yield from cursor

    def total(self, first: int, after: int) -> Freed:
        """Return how much of it all is only named by ranks from the first on, up to another."""
        query = "SELECT count(*), coalesce(sum(bytes), 0) FROM named WHERE last >= ? AND last < ?"
        with _room():
            return Freed(*self._file.execute(query, (first, after)).fetchone())

    def holds(self, name: str) -> bool:
        """Say whether any manifest names an object."""
        with _room():
            return self._file.execute("SELECT 1 FROM named WHERE name = ?", (name,)).fetchone() is not None


class Sweeper:
    """Deletes objects. ``check`` is asked before each, and raises when this run may have been taken for dead."""

    def __init__(self, repository: Repository, names: Names, check: Callable[[], None]) -> None:
        self.freed = Freed()
        self._repository, self._objects, self._names, self._check = repository, repository.objects, names, check
        # Where an object is damaged, another one of the same content may be what it is healed from.
        self._lost = damage.lost(damage.noted(repository))

    def sweep(self, rank: int, run: str) -> None:
        """Delete what only a backup of this rank names, then what was recorded of it."""
        for name, size in self._names.only(rank):
            if not self._heals(name):
                self._delete(name, size)
        for name in self._objects.list(f"events/{run}"):
            self._delete(name, 0)
        self._objects.remove_folder(f"events/{run}")

    def strays(self, alive: Collection[str], before: datetime) -> set[str]:
        """Delete what no manifest names, that dead runs put before that moment; return the runs that have objects left."""
        left = set()
        for kind in _FOLDERS:
            for folder in self._objects.folders(kind):
                for name in self._objects.list(folder):
                    match = OBJECT.fullmatch(name)
                    if match is None:
                        continue  # None of ours.
                    run = match[1]
                    stays = self._names.holds(name) or run in alive or self._heals(name) or run_time(run) > before
                    if stays or self._objects.modified(name) > before:
                        left.add(run)
                    else:
                        self._delete(name, self._objects.size(name) or 0)
        return left

    def keys(self, needed: Collection[str], before: datetime) -> None:
        """Delete the keys of runs that have nothing under them any more; last of all."""
        for folder in self._objects.folders("keys"):
            run = folder.removeprefix("keys/")
            if not RUN.fullmatch(run) or run in needed:
                continue
            wrapped = self._objects.list(folder)
            if all(self._objects.modified(name) <= before for name in wrapped):
                for name in wrapped:
                    self._delete(name, self._objects.size(name) or 0)
                self._objects.remove_folder(folder)

    def _heals(self, name: str) -> bool:
        """Say whether an object of the same content is damaged, so that this one may be the only whole one."""
        return damage.may_heal(self._lost, name) and not self._objects.exists(damage.place_of(name))

    def _delete(self, name: str, size: int) -> None:
        self._check()
        if self._objects.exists(name):
            self._objects.delete(name)
            self.freed.count(size)
        if self._lost:
            damage.clear(self._repository, name)
