"""A table of a backup beside the same table of a live database, one range of keys after another, as the backup was cut."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from backups.chunks import split_lines
from backups.comparison.walking import Pair
from backups.contents import Contents
from backups.engines.base import Snapshot
from backups.facts import Key, Span
from backups.manifest import Entry, TableEntry
from backups.ordering import ident
from backups.rows import Decoder
from backups.tables import Table


def ranged(contents: Contents, entry: TableEntry, snapshot: Snapshot, live: Table, opened: set[str]) -> Iterator[Pair]:
    """Yield the pairs of lines that may differ. The database bounds each range, so nobody here need know its order."""
    alike = entry.table.shape() == live.shape()
    after: Key | None = None
    for each in contents.entries(entry):
        lines = snapshot.lines(live, Span(after, each.last))
        after = each.last
        begun = _unlike(contents, each, lines) if alike else []
        if begun is not None:
            opened.add(each.name)
            chunk = contents.repository.get("chunk", each)
            yield from _joined(entry.table, chunk, live, chain(begun, lines))
    yield from ((None, line) for line in snapshot.lines(live, Span(after, None)))


def _unlike(contents: Contents, entry: Entry, lines: Iterator[bytes]) -> list[bytes] | None:
    """Read a range; return None where it is the chunk, byte for byte, else what was read of it before that was plain."""
    begun: list[bytes] = []
    size = 0
    for line in lines:
        begun.append(line)
        size += len(line)
        if size > entry.bytes:
            return begun
    same = size == entry.bytes and contents.repository.sealer.identify(b"".join(begun)) == entry.id
    return None if same else begun


def _joined(then: Table, chunk: bytes, live: Table, lines: Iterator[bytes]) -> Iterator[Pair]:
    """Yield each live row beside that of the same key in the chunk, then what of the chunk has none."""
    named = _Named(then)
    rows = {named(line): line for line in split_lines(chunk)}
    named = _Named(live, then.key)
    for line in lines:
        yield rows.pop(named(line), None), line
    yield from ((line, None) for line in rows.values())


class _Named:
    """Says which row a line is."""

    def __init__(self, table: Table, key: tuple[str, ...] = ()) -> None:
        self._decode = Decoder(table).decode
        order = {column.name: place for place, column in enumerate(table.columns)}
        self._places = [order[name] for name in key or table.key]

    def __call__(self, line: bytes) -> tuple[str, ...]:
        row = self._decode(line)
        return ident(tuple(row[place] for place in self._places))
