"""The check ``stored``: every object that a backup names is there, and holds the right bytes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from backups.contents import Contents
from backups.exceptions import ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.manifest import Stored, decode_entries
from backups.progress import Progress, Step, silent
from backups.repository import damage
from backups.verification.findings import Finding, Status

NAME = "stored"
SHOWN = 100
"""How many damaged objects are told one by one: a storage that is lost altogether has millions."""


class StoredCheck:
    """Opens each object once. What is damaged is noted in the repository, so that the next backup stores it again."""

    def __init__(self, contents: Contents, progress: Progress = silent) -> None:
        self._contents, self._repository, self._progress = contents, contents.repository, progress
        self._seen: set[tuple[str, str, int]] = set()
        self._bytes = 0
        self._damaged = 0

    def findings(self) -> Iterator[Finding]:
        """Yield a finding for each damaged object, or one that says how many are whole."""
        for kind, stored, tables in self._contents.objects():
            yield from self._look(kind, stored, tables)
        if self._damaged > SHOWN:
            yield Finding(NAME, Status.FAILED, detail=f"{self._damaged - SHOWN} more objects are missing or damaged.")
        if not self._damaged:
            said = f"{len(self._seen)} objects, {self._bytes} bytes"
            yield Finding(NAME, Status.PASSED, "", said, said)

    def _look(self, kind: str, stored: Stored, tables: tuple[str, ...]) -> Iterator[Finding]:
        """Look at an object; where it is a page, at the chunks behind it too. A page that is damaged hides them."""
        what = (stored.name, stored.sha256, stored.bytes)
        if what in self._seen:
            return
        self._seen.add(what)
        try:
            plaintext = self._repository.get(kind, stored)
            behind = decode_entries(stored.name, plaintext) if kind == "page" else ()
        except (ObjectDamaged, ObjectMissing) as error:
            self._note(stored, error)
            if self._damaged <= SHOWN:
                yield _found(stored, tables, error)
            return
        self._bytes += stored.stored_bytes
        self._progress(Step("check stored", bytes=self._bytes, rows=len(self._seen)))
        for entry in behind:
            yield from self._look("chunk", entry, tables)

    def _note(self, stored: Stored, error: ObjectDamaged | ObjectMissing) -> None:
        self._damaged += 1
        with suppress(StorageUnavailable):
            damage.note(self._repository, stored.name, str(error))


def _found(stored: Stored, tables: tuple[str, ...], error: ObjectDamaged | ObjectMissing) -> Finding:
    actual = "missing" if isinstance(error, ObjectMissing) else "other bytes"
    table = tables[0] if len(tables) == 1 else ""
    detail = f"{error} It costs: {', '.join(tables)}."
    return Finding(NAME, Status.FAILED, table, f"sha256 {stored.sha256[:16]}", actual, detail)
