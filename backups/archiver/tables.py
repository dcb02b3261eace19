"""One table → its entries in the manifest: cut into chunks at the parent's boundaries, equal chunks named again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain, islice, pairwise

import msgspec

from backups.archiver.unchanged import Unchanged
from backups.archiver.writer import Writer
from backups.chunks import Cutter, Limits, Piece, page_is_full
from backups.engines.base import BOUNDARIES, Snapshot
from backups.exceptions import BackupsError, RepositoryError
from backups.facts import EVERYTHING, Key, Span, Witness, key_of
from backups.manifest import Entry, Manifest, Page, Slice, Stored, TableEntry, decode_entries, encode_entries
from backups.repository import Repository
from backups.rows import Decoder, Row
from backups.tables import Table

# Below so many rows a table is not worth asking where to cut it.
LARGE_TABLE_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Inherited:
    """An entry of the parent backup; ``ends_page`` where it was the last one of its page."""

    entry: Entry
    ends_page: bool = False


class Parent:
    """What the parent backup says of each table. Pages are read one at a time, and one that cannot be read is reported."""

    def __init__(self, manifest: Manifest | None, repository: Repository, warn: Callable[[str], None]) -> None:
        self._entries = {entry.table.qualified: entry for entry in manifest.tables} if manifest else {}
        self._schemas = any(entry.table.schema for entry in self._entries.values())
        self._repository = repository
        self._warn = warn
        self.shared: tuple[Entry, ...] = manifest.shared if manifest else ()
        self.parts: dict[str, Stored] = manifest.parts if manifest else {}
        self.orphans = manifest.orphans if manifest else ()

    def of(self, table: Table) -> TableEntry | None:
        """Return the parent's entry of a table, or None."""
        return self._entries.get(table.qualified)

    def gone(self, tables: Iterable[Table]) -> list[TableEntry]:
        """Return the entries with rows whose tables are not among these.

        Where the database has moved between an engine that has schemas and one that has none, their bare names count.
        """
        there = {name for table in tables for name in (table.qualified, table.name if self._moved(table) else "")}
        return [
            entry
            for name, entry in self._entries.items()
            if entry.rows and name not in there and not (self._schemas and entry.table.name in there)
        ]

    def _moved(self, table: Table) -> bool:
        return bool(table.schema) != self._schemas

    def witness(self) -> dict[str, Witness]:
        """Return what was recorded of each table; nothing where that cannot be read, as it cannot be without an identity."""
        try:
            recorded = self._repository.get("part", self.parts["witness"])
            return msgspec.json.decode(recorded, type=dict[str, Witness])
        except (KeyError, BackupsError, msgspec.MsgspecError):
            return {}

    def usable(self, table: Table) -> tuple[TableEntry | None, str]:
        """Return the entry whose boundaries can be inherited, and why there is none although the parent has the table."""
        entry = self.of(table)
        if entry is None or entry.slice is not None or not entry.rows:
            return None, ""
        if entry.table.shape() != table.shape():
            return None, "its columns, kinds, label or key are not as in the backup before"
        return entry, ""

    def walk(self, entry: TableEntry) -> Iterator[Inherited]:
        """Yield the entries of a table in order; a page that cannot be read ends the walk, with a warning."""
        yield from (Inherited(chunk) for chunk in entry.chunks)
        for page in entry.pages:
            try:
                entries = decode_entries(page.name, self._repository.get("page", page))
            except RepositoryError as error:
                self._warn(f"{error} The rest of {entry.table.qualified} is stored anew.")
                return
            yield from (Inherited(chunk) for chunk in entries[:-1])
            yield Inherited(entries[-1], ends_page=True)


class SharedChunks:
    """Lays the rows of small tables one after another into common chunks."""

    def __init__(self, writer: Writer, known: tuple[Entry, ...], limits: Limits) -> None:
        self._writer, self._known, self._limits = writer, known, limits
        self._waiting: list[bytes] = []
        self._size = self._rows = 0
        self._put: list[tuple[Future[Stored], int]] = []

    def add(self, piece: Piece) -> Slice:
        """Take all rows of one table and say where they lie."""
        plaintext = piece.plaintext()
        if self._size and self._size + len(plaintext) > self._limits.target:
            self._flush()
        digest = self._writer.repository.sealer.digest_of_slice(plaintext)
        where = Slice(len(self._put), self._size, len(plaintext), digest)
        self._waiting.append(plaintext)
        self._size += len(plaintext)
        self._rows += piece.rows
        return where

    def finish(self) -> tuple[Entry, ...]:
        """Return the entries of the shared chunks, in the order that slices count them in."""
        if self._waiting:
            self._flush()
        return tuple(_entry(future.result(), rows) for future, rows in self._put)

    def _flush(self) -> None:
        future = self._writer.put("chunk", b"".join(self._waiting), self._known)
        self._put.append((future, self._rows))
        self._waiting, self._size, self._rows = [], 0, 0


class TableWriter:
    """Writes one table of ``expected`` rows. ``watch`` is told the rows and bytes of each chunk.

    With ``keys_sealed`` no entry tells a key. Then, or where the parent's tell none, its chunks are compared in their order.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        table: Table,
        writer: Writer,
        parent: Parent,
        unchanged: Unchanged,
        limits: Limits,
        expected: int,
        watch: Callable[[int, int], None],
        *,
        keys_sealed: bool = False,
    ) -> None:
        self._snapshot, self._table, self._writer, self._limits, self._watch = snapshot, table, writer, limits, watch
        self._parent, self._unchanged, self._expected, self._keys_sealed = parent, unchanged, expected, keys_sealed
        self._entry, self._anew = parent.usable(table)
        self._cutter = Cutter(self._entry.cut if self._entry else 0, limits)
        self._pages = _Pages(writer, self._entry.pages if self._entry else (), limits)
        self._rows = 0
        self._last: Entry | None = None  # the parent's entry that the rows left over may be equal to

    def write(self, shared: SharedChunks, whole: bytes | None = None) -> TableEntry:
        """Read the table to its end and return its entry; ``whole`` are all of its lines, where they are known."""
        untold = self._keys_sealed or (self._entry is not None and self._entry.keys_sealed)
        if whole is not None:
            self._take(EVERYTHING, whole)
        elif self._table.key and not untold:
            self._read_ranges()
        else:
            self._read_through()
        rest = self._cutter.finish()
        state = self._unchanged.states.get(self._table.qualified, "")
        entry = TableEntry(self._table, 0, anew=self._anew, keys_sealed=self._keys_sealed, state=state)
        if rest and self._pages.empty and rest.size <= self._limits.small_table:
            self._count(rest)
            return replace(entry, rows=self._rows, slice=shared.add(rest))
        if rest:
            self._put(rest, self._last)
        chunks, pages = self._pages.finish()
        return replace(entry, rows=self._rows, cut=self._cutter.rows, chunks=chunks, pages=pages)

    def _read_ranges(self) -> None:
        """Read range by range, so that the server compares the parent's boundaries; then what lies beyond the last."""
        after: Key | None = None
        if self._entry:
            self._cutter.inherit()
            self._pages.inherit()
            known = self._parent.walk(self._entry)
            while batch := list(islice(known, BOUNDARIES)):
                self._read_inherited(self._entry, after, batch)
                after = batch[-1].entry.last
            self._cutter.release()
            self._pages.release()
        self._read_on(after)

    def _read_inherited(self, entry: TableEntry, after: Key | None, batch: Sequence[Inherited]) -> None:
        """Go on by ranges of the parent; one whose rows have not changed is named again, unless the rest of one waits."""
        spans = [Span(*bounds) for bounds in pairwise([after, *(inherited.entry.last for inherited in batch)])]
        same = self._unchanged.ranges(entry, spans, [inherited.entry for inherited in batch])
        named = [flag and self._unchanged.may_name(it.entry) for flag, it in zip(same, batch, strict=True)]
        texts = self._texts([span for span, flag in zip(spans, named, strict=True) if not flag])
        for inherited, span, is_same, is_named in zip(batch, spans, same, named, strict=True):
            self._last = inherited.entry
            whole = self._cutter.is_empty
            if is_named and whole:
                self._name_again(inherited)
                continue
            self._take(span, None if is_named else next(texts))
            piece = self._cutter.boundary()
            if piece:
                future = self._put(piece, inherited.entry, ends_page=inherited.ends_page)
                if is_same and whole:
                    self._unchanged.compare(entry, inherited.entry, future)

    def _name_again(self, inherited: Inherited) -> None:
        entry = inherited.entry
        self._rows += entry.rows
        self._watch(entry.rows, entry.bytes)
        future: Future[Stored] = Future()
        future.set_result(entry)
        self._pages.add(future, entry.rows, entry.first, entry.last, inherited.ends_page)

    def _read_on(self, after: Key | None) -> None:
        """Read what no parent has cut: every N rows at once, as far as the engine tells where that is."""
        large = self._expected >= LARGE_TABLE_ROWS
        if large and not self._cutter.rows and (size := self._snapshot.line_size(self._table)):
            self._cutter.rows = max(self._limits.target // size, 1)
        while large and self._cutter.rows:
            ends = self._snapshot.boundaries(self._table, after, self._cutter.rows)
            spans = [Span(*bounds) for bounds in pairwise([after, *ends])]
            for span, text in zip(spans, self._texts(spans), strict=True):
                self._take(span, text)
            after = ends[-1] if ends else after
            if len(ends) < BOUNDARIES:
                break
        self._take(Span(after, None), None)

    def _texts(self, spans: Sequence[Span]) -> Iterator[bytes | None]:
        return self._snapshot.texts(self._table, spans, self._limits.largest)

    def _take(self, span: Span, text: bytes | None) -> None:
        """Cut the rows of a span, which are read now where there is no text of them yet."""
        pieces = self._cutter.add_text(text) if text is not None else self._pieces(span)
        for piece in pieces:
            self._put(piece)

    def _pieces(self, span: Span) -> Iterator[Piece]:
        return chain.from_iterable(map(self._cutter.add_lines, self._snapshot.batches(self._table, span)))

    def _read_through(self) -> None:
        """Read all rows at once. Where there is no key, the parent's chunks are compared in their order."""
        known = (inherited.entry for inherited in self._parent.walk(self._entry)) if self._entry else iter(())
        self._last = next(known, None)
        for line in self._snapshot.lines(self._table, EVERYTHING):
            piece = self._cutter.add(line)
            if piece:
                self._put(piece, self._last)
                self._last = next(known, None)

    def _put(self, piece: Piece, known: Entry | None = None, *, ends_page: bool = False) -> Future[Stored]:
        self._count(piece)
        future = self._writer.put("chunk", piece.plaintext(), (known,) if known else ())
        self._pages.add(future, piece.rows, self._key(piece.first), self._key(piece.last), ends_page)
        return future

    def _count(self, piece: Piece) -> None:
        self._rows += piece.rows
        self._watch(piece.rows, piece.size)

    @cached_property
    def _decode(self) -> Callable[[bytes], Row]:
        # Few small tables ever need it, and there may be very many of them.
        return Decoder(self._table).decode

    def _key(self, line: bytes) -> Key:
        if not self._table.key or self._keys_sealed:
            return ()
        row = self._decode(line)
        by_name = dict(zip((column.name for column in self._table.columns), row, strict=True))
        return key_of([by_name[name] for name in self._table.key])


@dataclass(frozen=True, slots=True)
class _Waiting:
    """An entry whose object may still be on its way; ``inherited`` where it lies among the parent's pages."""

    future: Future[Stored]
    rows: int
    first: Key
    last: Key
    ends_page: bool
    inherited: bool


class _Pages:
    """Gathers a table's entries in order, as they are stored; many of them go into pages."""

    def __init__(self, writer: Writer, known: tuple[Page, ...], limits: Limits) -> None:
        self._writer, self._known, self._limits = writer, known, limits
        self._waiting: deque[_Waiting] = deque()
        self._entries: list[Entry] = []
        self._pages: list[Page] = []
        self._inherited = False

    def inherit(self) -> None:
        """From here on the parent's pages, if it has any, say where pages end."""
        self._inherited = bool(self._known)

    def release(self) -> None:
        """From here on there are no more pages of the parent."""
        self._inherited = False

    @property
    def empty(self) -> bool:
        """Whether nothing was added yet."""
        return not (self._waiting or self._entries or self._pages)

    def add(self, future: Future[Stored], rows: int, first: Key, last: Key, ends_page: bool) -> None:
        """Take the next entry; its object may still be on its way."""
        self._waiting.append(_Waiting(future, rows, first, last, ends_page, self._inherited))
        while self._waiting and self._waiting[0].future.done():
            self._settle()

    def finish(self) -> tuple[tuple[Entry, ...], tuple[Page, ...]]:
        """Return the entries, or the pages that they lie in."""
        while self._waiting:
            self._settle()
        if not self._pages and len(self._entries) * 4 <= self._limits.page:
            return tuple(self._entries), ()
        if self._entries:
            self._flush()
        return (), tuple(self._pages)

    def _settle(self) -> None:
        it = self._waiting.popleft()
        self._entries.append(_entry(it.future.result(), it.rows, it.first, it.last))
        if page_is_full(len(self._entries), it.ends_page, self._limits, inherited=it.inherited):
            self._flush()

    def _flush(self) -> None:
        entries, self._entries = tuple(self._entries), []
        stored = self._writer.put("page", encode_entries(entries), self._known).result()
        self._pages.append(
            Page(
                stored.id,
                stored.name,
                stored.bytes,
                stored.stored_bytes,
                stored.sha256,
                entries=len(entries),
                rows=sum(e.rows for e in entries),
                data=sum(e.bytes for e in entries),
                data_stored=sum(e.stored_bytes for e in entries),
                first=entries[0].first,
                last=entries[-1].last,
            )
        )


def _entry(stored: Stored, rows: int, first: Key = (), last: Key = ()) -> Entry:
    if isinstance(stored, Entry):
        return replace(stored, rows=rows, first=first, last=last)
    return Entry(stored.id, stored.name, stored.bytes, stored.stored_bytes, stored.sha256, rows, first, last)
