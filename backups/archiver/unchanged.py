"""What a backup need not read: what the engine knows to be as the parent backup recorded it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from backups.archiver.writer import Writer
from backups.engines.base import Snapshot
from backups.facts import EVERYTHING, Span
from backups.manifest import Entry, Manifest, Stored, TableEntry


class Unchanged:
    """The engine's word on what is as it was, and how far it is taken.

    With ``reads_all`` everything is read all the same, and where that gives other rows than the engine's word promised,
    ``alarm`` is told: then the word is not to be trusted, or something changes rows behind the database's back.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        parent: Manifest | None,
        writer: Writer,
        alarm: Callable[[str], None],
        *,
        reads_all: bool,
    ) -> None:
        before = parent.signal if parent else {}
        self.signal = snapshot.signal(before)
        same_ids = parent is not None and parent.encryption == writer.repository.encryption
        self._since = before if same_ids and snapshot.follows(before) else {}
        self.states = snapshot.states() if self.signal or self._since else {}
        self._snapshot, self._writer, self._alarm = snapshot, writer, alarm
        self.reads_all = reads_all or not self._since

    def whole(self, entry: TableEntry) -> bool:
        """Say whether a table need not be read at all: no row has changed, and no object was found damaged.

        Most tables change where they grow, so their end is asked for first: it may spare looking at every row in vain.
        """
        if self.reads_all or self._writer.damage_is_noted or not self._applies(entry):
            return False
        asked = [*_end(entry), (EVERYTHING, entry.rows)]
        return all(next(self._snapshot.unchanged(entry.table, self._since, [each])) for each in asked)

    def ranges(self, entry: TableEntry, spans: Sequence[Span], entries: Sequence[Entry]) -> list[bool]:
        """Say of each range of a table, with the entry that it had, whether its rows are as they were."""
        if not self._applies(entry):
            return [False] * len(spans)
        ranges = [(span, known.rows) for span, known in zip(spans, entries, strict=True)]
        return list(self._snapshot.unchanged(entry.table, self._since, ranges))

    def may_name(self, entry: Entry) -> bool:
        """Say whether the object of a range that has not changed can be named again without reading the rows."""
        return not self.reads_all and not self._writer.is_damaged(entry)

    def compare(self, entry: TableEntry, known: Entry, future: Future[Stored]) -> None:
        """See, once a range that has not changed was read, that its rows are those that were stored."""

        def see(done: Future[Stored]) -> None:
            if not done.cancelled() and done.exception() is None and done.result().id != known.id:
                self._alarm(
                    f"Rows of {entry.table.qualified} from {_key(known.first)} to {_key(known.last)} are not those of the "
                    "backup before, though the database says that none has changed: look for damage on its disk."
                )

        future.add_done_callback(see)

    def _applies(self, entry: TableEntry) -> bool:
        state = self.states.get(entry.table.qualified, "")
        return bool(self._since and state and state == entry.state)


def _end(entry: TableEntry) -> list[tuple[Span, int]]:
    """Return the last range of a table that has several, with the rows that it had."""
    before_last, last = [None, None, *(entry.chunks or entry.pages)][-2:]
    return [(Span(before_last.last, None), last.rows)] if before_last and last and before_last.last else []


def _key(key: tuple[object, ...]) -> str:
    return ", ".join(map(str, key))
