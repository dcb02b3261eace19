"""Single rows of a backup, found by reading only the chunks that may hold them; each chunk that is read is counted."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from backups.contents import Contents
from backups.facts import Key
from backups.manifest import Entry, Page, TableEntry, decode_entries
from backups.ordering import Unordered, ident, order_of
from backups.rows import Row
from backups.sieve import Sieve
from backups.tables import Table

IsBelow = Callable[[Table, Key, Key], bool]

_Bounded = TypeVar("_Bounded", Entry, Page)

_READERS = 4
_AHEAD = 8  # chunks that are read before they are looked at


class Lookup:
    """Finds rows. ``is_below`` asks the database for the order of two keys where Python does not know it.

    ``opened`` are the chunks that were read.
    """

    def __init__(self, contents: Contents, is_below: IsBelow) -> None:
        self._contents = contents
        self._asked = is_below
        self._vendor = contents.manifest.engine.vendor
        self._page: tuple[str, Sequence[Entry]] = ("", ())
        self.opened: set[str] = set()

    def find(self, entry: TableEntry, columns: Sequence[str], keys: Collection[Key]) -> list[Row]:
        """Return the rows that hold one of these keys in ``columns``: through the order of the table's key, or a skim."""
        if entry.slice is not None or entry.keys_sealed or tuple(columns) != entry.table.key:
            return list(self.skim(entry, columns, keys))
        places: dict[str, tuple[Entry, list[Key]]] = {}
        for key in keys:
            if found := self._place(entry, key):
                places.setdefault(found.name, (found, []))[1].append(key)
        rows = [row for each, some in places.values() for row in self._sifted(each, Sieve(entry.table, columns, some))]
        if order_of(entry.table, self._vendor) is None:
            # The database may order keys otherwise than when it was backed up: collations change with its libraries.
            there = {ident(tuple(row[i] for i in _places(entry.table, columns))) for row in rows}
            lost = [key for key in keys if ident(key) not in there]
            rows += self.skim(entry, columns, lost) if lost else []
        return rows

    def skim(
        self,
        entry: TableEntry,
        columns: Sequence[str],
        keys: Collection[Key],
        needed: Collection[str] | None = None,
    ) -> Iterator[Row]:
        """Yield the rows that hold one of these keys in ``columns``, out of all chunks, or of those named in ``needed``."""
        sieve = Sieve(entry.table, columns, keys)
        if entry.slice is not None:
            for chunk in self._contents.chunks(entry):
                self.opened.add(chunk.source)
                yield from sieve.rows(chunk.plaintext)
            return
        under_way: deque[Future[list[Row]]] = deque()
        with ThreadPoolExecutor(_READERS, thread_name_prefix="lifeboat-skim") as pool:
            for each in self._contents.entries(entry):
                if needed is None or each.name in needed:
                    under_way.append(pool.submit(self._sifted, each, sieve))
                if len(under_way) >= _AHEAD:
                    yield from under_way.popleft().result()
            for future in under_way:
                yield from future.result()

    def _sifted(self, entry: Entry, sieve: Sieve) -> list[Row]:
        self.opened.add(entry.name)
        return list(sieve.rows(self._contents.repository.get("chunk", entry)))

    def _place(self, entry: TableEntry, key: Key) -> Entry | None:
        """Return the chunk whose first and last key have this one between them."""
        entries: Sequence[Entry] = entry.chunks
        if entry.pages:
            page = self._between(entry.table, entry.pages, key)
            entries = self._entries(page) if page else ()
        return self._between(entry.table, entries, key)

    def _between(self, table: Table, parts: Sequence[_Bounded], key: Key) -> _Bounded | None:
        low, high = 0, len(parts)
        while low < high:
            middle = (low + high) // 2
            if self._is_below(table, parts[middle].last, key):
                low = middle + 1
            else:
                high = middle
        if low == len(parts) or self._is_below(table, key, parts[low].first):
            return None
        return parts[low]

    def _is_below(self, table: Table, one: Key, other: Key) -> bool:
        order = order_of(table, self._vendor)
        if order:
            try:
                return order(one) < order(other)
            except Unordered:
                pass
        return self._asked(table, one, other)

    def _entries(self, page: Page) -> Sequence[Entry]:
        if self._page[0] != page.name:
            self._page = page.name, decode_entries(page.name, self._contents.repository.get("page", page))
        return self._page[1]


def _places(table: Table, columns: Sequence[str]) -> list[int]:
    order = {column.name: place for place, column in enumerate(table.columns)}
    return [order[name] for name in columns]
