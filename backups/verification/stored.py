"""The check ``stored``: every object that a backup names is there, and holds the right bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

from backups.contents import Contents, told_apart
from backups.exceptions import CannotOpen, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.manifest import Entry, Stored, decode_entries
from backups.progress import Progress, Step, silent
from backups.repository import damage
from backups.repository.healing import Healed
from backups.verification.findings import Finding, Status
from backups.verification.keys import key_findings

NAME = "stored"
SHOWN = 100
"""How many damaged objects are told one by one: a storage that is lost altogether has millions."""
WORKERS = 4
"""How many objects are read at once: reading waits, and what checks the bytes lets others work meanwhile."""

_Named = tuple[str, Stored, tuple[str, ...]]


class StoredCheck:
    """Opens each object once, and notes what is damaged in the repository, so that the next backup stores it again.

    What can be healed is healed; what is whole again loses its note. What ``contents`` noted as whole, since a restore
    has just opened it with the same checks, is not opened once more.
    """

    def __init__(self, contents: Contents, progress: Progress = silent) -> None:
        self._contents, self._repository, self._progress = contents, contents.repository, progress
        self._noted = damage.noted(self._repository)
        self._seen: set[bytes] = set()
        self._runs = {contents.manifest.run}  # whose data keys the backup needs
        self._bytes = 0
        self._damaged = self._healed = self._unopened = 0
        self._said: list[str] = []

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each damaged object, or one that says how many are whole."""
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="lifeboat-checker") as self._pool:
            yield from self._look(self._contents.objects())
        if self._damaged > SHOWN:
            yield Finding(NAME, Status.FAILED, detail=f"{self._damaged - SHOWN} more objects are missing or damaged.")
        if not self._damaged:
            said = f"{len(self._seen)} objects, {self._bytes} bytes"
            yield Finding(NAME, Status.PASSED, "", said, said, self._told())
        if self._contents.manifest.encryption:
            yield from key_findings(self._repository, self._runs)

    def _look(self, objects: Iterable[_Named]) -> Iterator[Finding]:
        """Look at objects; where one is a page, at the chunks behind it too. A page that is damaged hides them."""
        for (kind, stored, tables), fetched in self._fetched(objects):
            behind: tuple[Entry, ...] = ()
            healed: Healed | None = None
            try:
                plaintext, healed = fetched.result()
                behind = decode_entries(stored.name, plaintext) if kind == "page" else ()
            except CannotOpen:
                # Its bytes are the ones that were stored; whether they open is for who has an identity to say.
                self._unopened += 1
            except (ObjectDamaged, ObjectMissing) as error:
                self._note(kind, stored, error)
                if self._damaged <= SHOWN:
                    yield _found(stored, tables, error)
                continue
            self._heard(stored, healed)
            self._bytes += stored.stored_bytes
            self._progress(Step("check stored", bytes=self._bytes, rows=len(self._seen)))
            yield from self._look(("chunk", entry, tables) for entry in behind)

    def _fetched(self, objects: Iterable[_Named]) -> Iterator[tuple[_Named, Future[tuple[bytes, Healed | None]]]]:
        """Yield objects that were not looked at before, in their order, while the next ones are being read."""
        waiting: deque[tuple[_Named, Future[tuple[bytes, Healed | None]]]] = deque()
        for kind, stored, tables in objects:
            what = told_apart(stored)
            if what in self._seen:
                continue
            self._seen.add(what)
            self._runs.add(stored.name.rpartition(".")[2])
            if kind != "page" and self._is_known(stored):
                self._bytes += stored.stored_bytes
                continue
            waiting.append(((kind, stored, tables), self._pool.submit(self._repository.fetch, kind, stored)))
            if len(waiting) > WORKERS:
                yield waiting.popleft()
        while waiting:
            yield waiting.popleft()

    def _is_known(self, stored: Stored) -> bool:
        """Say whether an object was opened already, and has no note that is to be taken away."""
        known = self._contents.whole or ()
        return told_apart(stored) in known and damage.place_of(stored.name) not in self._noted

    def _note(self, kind: str, stored: Stored, error: ObjectDamaged | ObjectMissing) -> None:
        self._damaged += 1
        with suppress(StorageUnavailable):
            damage.note(self._repository, stored.name, str(error), kind, stored)

    def _heard(self, stored: Stored, healed: Healed | None) -> None:
        """Remember what was healed; take the note away from what was found damaged before and is whole by itself now."""
        if healed:
            self._healed += 1
            self._repository.remember(healed)
            if len(self._said) < SHOWN:
                self._said.append(healed.sentence())
        elif damage.place_of(stored.name) in self._noted:
            with suppress(StorageUnavailable):
                damage.clear(self._repository, stored.name)

    def _told(self) -> str:
        """Say what was read from elsewhere; the first of it where it is much."""
        more = [f"And {self._healed - len(self._said)} more."] if self._healed > len(self._said) else []
        closed = (
            f"{self._unopened} objects are encrypted for others: their stored bytes were checked, not what is in them."
        )
        return " ".join([*self._said, *more, *([closed] if self._unopened else [])])


def _found(stored: Stored, tables: tuple[str, ...], error: ObjectDamaged | ObjectMissing) -> Finding:
    actual = "missing" if isinstance(error, ObjectMissing) else "other bytes"
    table = tables[0] if len(tables) == 1 else ""
    detail = f"{error} It costs: {', '.join(tables)}."
    return Finding(NAME, Status.FAILED, table, f"sha256 {stored.sha256[:16]}", actual, detail)
