"""The contents of a committed backup, read chunk by chunk with every digest checked."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict, TypeVar

import msgspec

from backups.chunks import lines_of, split_lines
from backups.exceptions import ObjectDamaged
from backups.manifest import Entry, Manifest, Stored, TableEntry, decode_entries
from backups.migrations_state import Applied, read_applied
from backups.repository import Repository
from backups.schema import Schema

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The rows of one table that one object holds. ``source`` is the object, for errors that name it."""

    entry: Entry
    plaintext: bytes
    source: str

    def lines(self) -> Iterator[bytes]:
        """Yield its lines."""
        return split_lines(self.plaintext)


def told_apart(stored: Stored) -> bytes:
    """Return what tells an object, with what is recorded of it, from every other: sixteen bytes, since objects may be many."""
    what = f"{stored.name} {stored.sha256} {stored.bytes}"
    return hashlib.blake2b(what.encode(), digest_size=16).digest()


def _arrived(entry: Entry, future: Future[bytes]) -> Chunk:
    return Chunk(entry, future.result(), entry.name)


class _Facts(TypedDict):
    filled: int
    least: str | None
    greatest: str | None


class _Witness(TypedDict):
    rows: int
    columns: dict[str, _Facts]


def _read_witness(part: bytes) -> dict[str, Any]:
    return dict(msgspec.json.decode(part, type=dict[str, _Witness]))


class Contents:
    """Reads one backup. The last shared chunk is kept, since the slices of small tables lie beside each other."""

    def __init__(self, repository: Repository, manifest: Manifest) -> None:
        self.repository = repository
        self.manifest = manifest
        self.complete = True
        """Whether every table has the rows that the backup recorded."""
        self.dangling: frozenset[tuple[str, tuple[str, ...], str]] = frozenset()
        """Foreign keys (table, columns, parent) whose parents' rows are left out, so that they are not validated."""
        self.whole: set[bytes] | None = None
        """Where it is a set, the objects found whole as they lie in this storage are noted in it (``told_apart``)."""
        self._shared: tuple[int, bytes] | None = None

    def entries(self, table: TableEntry) -> Iterator[Entry]:
        """Yield a large table's chunks in key order; pages are read one at a time."""
        yield from table.chunks
        for page in table.pages:
            yield from decode_entries(page.name, self._get("page", page))

    def chunks(self, table: TableEntry) -> Iterator[Chunk]:
        """Yield the rows of a table, chunk by chunk in key order; raise ObjectDamaged or ObjectMissing."""
        if table.slice is not None:
            yield self._slice(table)
        yield from self._opened_ahead(self.entries(table))

    def _opened_ahead(self, entries: Iterable[Entry]) -> Iterator[Chunk]:
        """Yield chunks in turn while the next are being read and opened, as many as it takes to hide the storage's waiting."""
        ahead = self.repository.objects.reads_ahead
        waiting: deque[tuple[Entry, Future[bytes]]] = deque()
        with ThreadPoolExecutor(ahead, thread_name_prefix="lifeboat-opener") as pool:
            try:
                for entry in entries:
                    waiting.append((entry, pool.submit(self._get, "chunk", entry)))
                    if len(waiting) > ahead:
                        yield _arrived(*waiting.popleft())
                while waiting:
                    yield _arrived(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def digest(self, entry: Entry) -> bytes:
        """Return the SHA-256 of a chunk's plaintext: its id, as long as that is no secret; raises as ``chunks`` does."""
        if self.manifest.encryption:
            return hashlib.sha256(self.repository.get("chunk", entry)).digest()
        return bytes.fromhex(entry.id)

    def texts(self, table: TableEntry) -> Iterator[bytes]:
        """Yield the lines of a table, chunk by chunk; raise ObjectDamaged where they are not as many as the manifest says."""
        rows = 0
        for chunk in self.chunks(table):
            held = chunk.plaintext.count(b"\n")
            if chunk.entry.rows != held or not chunk.plaintext.endswith(b"\n"):
                raise ObjectDamaged(chunk.source, f"it holds {held} rows instead of {chunk.entry.rows}")
            rows += held
            yield chunk.plaintext
        if rows != table.rows:
            name = self.manifest.name
            raise ObjectDamaged(name, f"it names {rows} rows of {table.table.qualified} but counts {table.rows}")

    def lines(self, table: TableEntry) -> Iterator[bytes]:
        """Yield the lines of a table one by one; raises as ``texts`` does."""
        return lines_of(self.texts(table))

    def part(self, name: str) -> bytes:
        """Return a part's plaintext."""
        stored = self.manifest.parts.get(name)
        if stored is None:
            raise ObjectDamaged(self.manifest.name, f"it names no part {name!r}")
        return self._get("part", stored)

    def schema(self) -> Schema:
        """Return the recorded definition."""
        return self._parsed("schema", Schema.from_bytes)

    def applied(self) -> Applied:
        """Return the migrations that the source had had."""
        return self._parsed("migrations", read_applied)

    def witness(self) -> dict[str, Any]:
        """Return what plain SQL told of each table in the snapshot, by its name with schema."""
        found = self._parsed("witness", _read_witness)
        if not found.keys() <= {entry.table.qualified for entry in self.manifest.tables}:
            raise ObjectDamaged(self.manifest.parts["witness"].name, "it speaks of tables that the backup has not")
        return found

    def _parsed(self, name: str, parse: Callable[[bytes], Read]) -> Read:
        """Parse a part; raise ObjectDamaged where it says something else than such a part does."""
        try:
            return parse(self.part(name))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ObjectDamaged(self.manifest.parts[name].name, f"it is not a part {name!r} ({error})") from None

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

    def _get(self, kind: str, stored: Stored) -> bytes:
        plaintext, healed = self.repository.fetch(kind, stored)
        if healed:
            self.repository.remember(healed)
        elif self.whole is not None:
            self.whole.add(told_apart(stored))
        return plaintext

    def _slice(self, table: TableEntry) -> Chunk:
        where = table.slice
        if where is None or not 0 <= where.chunk < len(self.manifest.shared):
            raise ObjectDamaged(self.manifest.name, f"it names no shared chunk for {table.table.qualified}")
        shared = self.manifest.shared[where.chunk]
        if self._shared is None or self._shared[0] != where.chunk:
            self._shared = (where.chunk, self._get("chunk", shared))
        data = self._shared[1][where.offset : where.offset + where.bytes]
        # An encrypted backup tells no digest of a part: its chunk as a whole is authenticated, and so is this description.
        told = where.sha256 or not self.manifest.encryption
        if len(data) != where.bytes or (told and hashlib.sha256(data).hexdigest() != where.sha256):
            raise ObjectDamaged(shared.name, f"its slice for {table.table.qualified} does not have its digest")
        entry = Entry(shared.id, shared.name, len(data), shared.stored_bytes, shared.sha256, table.rows)
        return Chunk(entry, data, shared.name)
