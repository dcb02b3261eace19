"""What backups that never came to their end had stored, so that the next one names it instead of storing it again.

Rows are read again from the new snapshot, and only a chunk of the same id is adopted. Memory: 16 bytes for each object
that was stored, and a few checkpoints.
"""

from __future__ import annotations

import threading
from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from backups.exceptions import BackupsError, StorageUnavailable
from backups.manifest import Stored
from backups.repository import damage
from backups.repository.names import object_name
from backups.repository.runs import beat_names, dead, read_beat, remove_beats

if TYPE_CHECKING:
    from backups.repository.repository import Repository

KEPT = 8  # checkpoints that are held in memory at once


class Checkpoints:
    """The objects that some runs had stored. ``adopted`` and ``adopted_bytes`` count those that were asked for."""

    def __init__(self, repository: Repository, runs: Iterable[str]) -> None:
        self.runs = tuple(runs)
        self.adopted = self.adopted_bytes = 0
        self._repository = repository
        self._damaged = damage.noted(repository) if self.runs else frozenset()
        # What was sealed for others than those who are to open the new backup is not named by it.
        served = [run for run in self.runs if repository.keys.serves(run)]
        self._names = [name for run in served for name in beat_names(repository, run)]
        self._index = array("Q", sorted(self._entries()))
        self._read: OrderedDict[int, dict[tuple[str, str], Stored]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def of_dead(cls, repository: Repository, grace: timedelta) -> Checkpoints:
        """Return what dead backups left that had a beat within ``grace``: later, what no backup names may be swept."""
        since = datetime.now(UTC) - grace
        runs = (beat for beat in dead(repository) if beat.verb == "backup")
        return cls(repository, [beat.run for beat in runs if datetime.fromisoformat(beat.beat) > since])

    def adopt(self, kind: str, ident: str) -> Stored | None:
        """Return the object of that kind and id, where there is one that nobody has found damaged."""
        with self._lock:
            for number in self._where(ident):
                stored = self._checkpoint(number).get((kind, ident))
                if stored is not None:
                    self.adopted += 1
                    self.adopted_bytes += stored.stored_bytes
                    return stored
        return None

    def forget(self) -> None:
        """Remove the beats of these runs: what of them counts is named by a backup now."""
        for run in self.runs:
            # A beat that stays is looked at again by the next backup.
            with suppress(StorageUnavailable):
                remove_beats(self._repository, run)

    def _entries(self) -> Iterator[int]:
        """Yield the beginning of each id, and the number of the checkpoint that tells of it, in one number."""
        for number in range(len(self._names)):
            yield from ((int(ident[:8], 16) << 32) | number for _, ident in self._content(number))

    def _where(self, ident: str) -> Iterator[int]:
        beginning = int(ident[:8], 16)
        place = bisect_left(self._index, beginning << 32)
        while place < len(self._index) and self._index[place] >> 32 == beginning:
            yield self._index[place] & 0xFFFFFFFF
            place += 1

    def _checkpoint(self, number: int) -> dict[tuple[str, str], Stored]:
        if number not in self._read:
            self._read[number] = self._content(number)
            if len(self._read) > KEPT:
                self._read.popitem(last=False)
        return self._read[number]

    def _content(self, number: int) -> dict[tuple[str, str], Stored]:
        """Read a checkpoint; one that is not whole says nothing."""
        name = self._names[number]
        try:
            items, run = read_beat(self._repository, name).stored, name.split("/")[1]
            if not self._repository.keys.serves(run):
                return {}
            found = (
                Stored(ident, object_name(kind, ident, run), size, stored_bytes, sha256)
                for kind, ident, size, stored_bytes, sha256 in items
            )
            return {
                (item[0], item[1]): stored
                for item, stored in zip(items, found, strict=True)
                if not damage.is_noted(self._damaged, stored.name)
            }
        except (BackupsError, TypeError, ValueError, KeyError):
            return {}
