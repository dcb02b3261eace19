"""The description of one backup: frozen values with canonical bytes.

A manifest holds what a listing, a plan and a restore need; it names every chunk, page and part by content. It is
written last: its presence is the commit. The fields are specified in docs/format.md, "Manifest".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

import msgspec

from backups.chain import Gap, Head
from backups.exceptions import FormatUnknown, ObjectDamaged
from backups.facts import EngineFacts, Key, Origin, Orphans, Uncovered
from backups.rows import ROW_FORMAT
from backups.schema import Sequence
from backups.tables import Table

FORMAT = 1
KNOWN_REQUIREMENTS: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object: its id, its name, and what to expect of it. Sizes in bytes, digest in hexadecimal SHA-256."""

    id: str
    name: str
    bytes: int
    stored_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry(Stored):
    """A chunk of one table, with the keys of its first and last row (empty for a table without a key)."""

    rows: int = 0
    first: Key = ()
    last: Key = ()


@dataclass(frozen=True, slots=True)
class Page(Stored):
    """A stored run of entries of one large table. ``bytes`` is the page's own size; ``data`` that of its chunks."""

    entries: int = 0
    rows: int = 0
    data: int = 0
    data_stored: int = 0
    first: Key = ()
    last: Key = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of a small table inside a shared chunk: which one, where, and the SHA-256 of these bytes."""

    chunk: int
    offset: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of a backup. Exactly one of ``chunks``, ``pages`` and ``slice`` is used; none where it has no rows.

    ``cut`` is N, the rows of an ordinary chunk. ``anew`` says why it was stored anew, where the parent had it.
    """

    table: Table
    rows: int
    cut: int = 0
    chunks: tuple[Entry, ...] = ()
    pages: tuple[Page, ...] = ()
    slice: Slice | None = None
    anew: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts, and sizes in bytes: of all lines, of all objects, of the objects that this backup was first to put."""

    tables: int = 0
    rows: int = 0
    chunks: int = 0
    new_chunks: int = 0
    bytes: int = 0
    stored_bytes: int = 0
    new_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup."""

    repository: str
    run: str
    sequence: int
    created: datetime
    database: str
    origin: Origin
    engine: EngineFacts
    tables: tuple[TableEntry, ...]
    heads: tuple[Head, ...] = ()
    gaps: tuple[Gap, ...] = ()
    shared: tuple[Entry, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    parts: dict[str, Stored] = field(default_factory=dict)
    orphans: tuple[Orphans, ...] = ()
    uncovered: tuple[Uncovered, ...] = ()
    warnings: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    requested_by: str = ""
    requested_via: str = ""
    requires: tuple[str, ...] = ()
    format: int = FORMAT
    row_format: int = ROW_FORMAT

    @property
    def name(self) -> str:
        """The object it lies under."""
        return manifest_name(self.sequence, self.run)

    def to_bytes(self) -> bytes:
        """Return canonical bytes."""
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, name: str, data: bytes) -> Manifest:
        """Read a manifest whose signature was right; raise FormatUnknown for one that needs a newer reader."""
        try:
            versions = msgspec.json.decode(data, type=_Versions)
            _refuse_newer(name, versions)
            return msgspec.json.decode(data, type=cls)
        except msgspec.MsgspecError as error:
            raise ObjectDamaged(name, f"it is not a manifest ({error})") from None

    def table(self, qualified: str) -> TableEntry | None:
        """Return the entry of a table by its name with schema, or None."""
        return next((entry for entry in self.tables if entry.table.qualified == qualified), None)

    def objects(self) -> Iterator[Stored]:
        """Yield what the manifest itself names: parts, shared chunks, chunks, and pages (not what pages name)."""
        yield from self.parts.values()
        yield from self.shared
        for entry in self.tables:
            yield from entry.chunks
            yield from entry.pages


@dataclass(frozen=True, slots=True)
class _Versions:
    format: int
    row_format: int
    requires: tuple[str, ...] = ()


def _refuse_newer(name: str, versions: _Versions) -> None:
    unknown = [word for word in versions.requires if word not in KNOWN_REQUIREMENTS]
    if versions.format > FORMAT or versions.row_format > ROW_FORMAT:
        raise FormatUnknown(
            f"{name} is of format version {versions.format}, rows {versions.row_format}; "
            f"this version reads up to {FORMAT}, rows {ROW_FORMAT}."
        )
    if unknown:
        raise FormatUnknown(f"{name} needs {', '.join(unknown)}, which this version does not know.")


def manifest_name(sequence: int, run: str) -> str:
    """Return the name of a manifest: one listing of ``backups/`` shows order, holes and forks."""
    return f"backups/{sequence:08d}-{run}"


def encode_entries(entries: tuple[Entry, ...]) -> bytes:
    """Return the plaintext of a page."""
    return msgspec.json.encode(entries)


def decode_entries(name: str, data: bytes) -> tuple[Entry, ...]:
    """Read a page; raise ObjectDamaged where it is none."""
    try:
        return msgspec.json.decode(data, type=tuple[Entry, ...])
    except msgspec.MsgspecError as error:
        raise ObjectDamaged(name, f"it is not a page ({error})") from None
