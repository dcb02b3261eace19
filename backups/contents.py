"""The contents of a committed backup, read chunk by chunk with every digest checked."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from backups.chunks import split_lines
from backups.exceptions import ObjectDamaged
from backups.manifest import Entry, Manifest, Stored, TableEntry, decode_entries
from backups.migrations_state import Applied, read_applied
from backups.repository import Repository
from backups.schema import Schema


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of one table that one object holds. ``source`` is the object, for errors that name it."""

    entry: Entry
    plaintext: bytes
    source: str

    def lines(self) -> Iterator[bytes]:
        """Yield its lines."""
        return split_lines(self.plaintext)


class Contents:
    """Reads one backup. The last shared chunk is kept, since the slices of small tables lie beside each other."""

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self.repository = repository
        self.manifest = manifest
        self._shared: tuple[int, bytes] | None = None

    def entries(self, table: TableEntry) -> Iterator[Entry]:
        """Yield a large table's chunks in key order; pages are read one at a time."""
        yield from table.chunks
        for page in table.pages:
            yield from decode_entries(page.name, self.repository.get("page", page))

    def chunks(self, table: TableEntry) -> Iterator[Chunk]:
        """Yield the rows of a table, chunk by chunk in key order; raise ObjectDamaged or ObjectMissing."""
        if table.slice is not None:
            yield self._slice(table)
        for entry in self.entries(table):
            yield Chunk(entry, self.repository.get("chunk", entry), entry.name)

    def lines(self, table: TableEntry) -> Iterator[bytes]:
        """Yield the lines of a table; raise ObjectDamaged where they are not as many as the manifest says."""
        rows = 0
        for chunk in self.chunks(table):
            before = rows
            for line in chunk.lines():
                rows += 1
                yield line
            if chunk.entry.rows != rows - before:
                raise ObjectDamaged(chunk.source, f"it holds {rows - before} rows instead of {chunk.entry.rows}")
        if rows != table.rows:
            name = self.manifest.name
            raise ObjectDamaged(name, f"it names {rows} rows of {table.table.qualified} but counts {table.rows}")

    def part(self, name: str) -> bytes:
        """Return a part's plaintext."""
        stored = self.manifest.parts.get(name)
        if stored is None:
            raise ObjectDamaged(self.manifest.name, f"it names no part {name!r}")
        return self.repository.get("part", stored)

    def schema(self) -> Schema:
        """Return the recorded definition."""
        return Schema.from_bytes(self.part("schema"))

    def applied(self) -> Applied:
        """Return the migrations that the source had had."""
        return read_applied(self.part("migrations"))

    def objects(self) -> Iterator[tuple[str, Stored, tuple[str, ...]]]:
        """Yield what the manifest names: kind, what to expect of it, and the tables that its loss would cost.

        The chunks that a page names are not among them: who opens the page sees them.
        """
        for name, stored in self.manifest.parts.items():
            yield "part", stored, (f"({name})",)
        for number, shared in enumerate(self.manifest.shared):
            tables = (t for t in self.manifest.tables if t.slice is not None and t.slice.chunk == number)
            yield "chunk", shared, tuple(t.table.qualified for t in tables)
        for table in self.manifest.tables:
            cost = (table.table.qualified,)
            yield from (("chunk", entry, cost) for entry in table.chunks)
            yield from (("page", page, cost) for page in table.pages)

    def _slice(self, table: TableEntry) -> Chunk:
        where = table.slice
        if where is None or not 0 <= where.chunk < len(self.manifest.shared):
            raise ObjectDamaged(self.manifest.name, f"it names no shared chunk for {table.table.qualified}")
        shared = self.manifest.shared[where.chunk]
        if self._shared is None or self._shared[0] != where.chunk:
            self._shared = (where.chunk, self.repository.get("chunk", shared))
        data = self._shared[1][where.offset : where.offset + where.bytes]
        if len(data) != where.bytes or hashlib.sha256(data).hexdigest() != where.sha256:
            raise ObjectDamaged(shared.name, f"its slice for {table.table.qualified} does not have its digest")
        entry = Entry(shared.id, shared.name, len(data), shared.stored_bytes, shared.sha256, table.rows)
        return Chunk(entry, data, shared.name)
