"""The description of one backup: frozen values with canonical bytes.

A manifest holds what a listing, a plan and a restore need; it names every chunk, page and part by content. It is
written last: its presence is the commit. The fields are specified in docs/format.md, "Manifest".
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated

import msgspec

from backups.chain import Gap, Head
from backups.exceptions import FormatUnknown, ObjectDamaged
from backups.facts import EngineFacts, Key, Origin, Orphans, Uncovered
from backups.rows import ROW_FORMAT
from backups.schema import Sequence
from backups.tables import KINDS, Table

FORMAT = 1
KNOWN_REQUIREMENTS: frozenset[str] = frozenset()


LARGEST_CHUNK = 64 * 1024 * 1024
"""Bytes that no chunk of several rows comes near (docs/format.md, "Chunks and pages")."""
LARGEST_CONTENT = 2 * 1024 * 1024 * 1024
"""Bytes of anything else: engines hold single values of a gigabyte."""

Size = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
"""A count, or a size in bytes; in a manifest that says something else, nothing is what it says."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored object: its id, its name, and what to expect of it. Sizes in bytes, digest in hexadecimal SHA-256."""

    id: str
    name: str
    bytes: Size
    stored_bytes: Size
    sha256: str

    @property
    def most(self) -> int:
        """The bytes that such an object can have at most: what is said of a size is not taken for granted."""
        return LARGEST_CONTENT


@dataclass(frozen=True, slots=True)
class Entry(Stored):
    """A chunk of one table, with the keys of its first and last row (empty for a table without a key)."""

    rows: Size = 0
    first: Key = ()
    last: Key = ()

    @property
    def most(self) -> int:
        """The bytes that a chunk of so many rows can have at most."""
        return LARGEST_CONTENT if self.rows == 1 else LARGEST_CHUNK


@dataclass(frozen=True, slots=True)
class Page(Stored):
    """A stored run of entries of one large table. ``bytes`` is the page's own size; ``data`` that of its chunks."""

    entries: Size = 0
    rows: Size = 0
    data: Size = 0
    data_stored: Size = 0
    first: Key = ()
    last: Key = ()


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows of a small table inside a shared chunk: which one, where, and the SHA-256 of these bytes."""

    chunk: Size
    offset: Size
    bytes: Size
    sha256: str


@dataclass(frozen=True, slots=True)
class TableEntry:
    """One table of a backup. Exactly one of ``chunks``, ``pages`` and ``slice`` is used; none where it has no rows.

    ``cut`` is N, the rows of an ordinary chunk. ``anew`` says why it was stored anew, where the parent had it.
    ``keys_sealed`` says that its entries have no first and last key, since these are nobody's business.
    ``state`` is the engine's digest of all but the rows that the lines depend on, empty where it does not say.
    """

    table: Table
    rows: Size
    cut: Size = 0
    chunks: tuple[Entry, ...] = ()
    pages: tuple[Page, ...] = ()
    slice: Slice | None = None
    anew: str = ""
    keys_sealed: bool = False
    state: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts, and sizes in bytes: of all lines, of all objects, of the objects that this backup was first to put."""

    tables: Size = 0
    rows: Size = 0
    chunks: Size = 0
    new_chunks: Size = 0
    bytes: Size = 0
    stored_bytes: Size = 0
    new_bytes: Size = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup. ``encryption`` is the fingerprint of the key that its ids are made with, empty for plaintext.

    ``recipients`` can open all that it names.
    ``signal`` is what the engine needs to tell what has changed since; ``unread`` counts the backups up to this one that
    did not read every row; ``alarms`` are sentences on what nothing should have changed. ``zone`` is the time zone in which
    Django keeps the moments of this database that are written without one, empty where nobody recorded it.
    """

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
    suspicious: tuple[str, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    options: dict[str, bool] = field(default_factory=dict)
    totals: Totals = field(default_factory=Totals)
    seconds: float = 0.0
    phases: dict[str, float] = field(default_factory=dict)
    requested_by: str = ""
    requested_via: str = ""
    encryption: str = ""
    recipients: tuple[str, ...] = ()
    signal: dict[str, str] = field(default_factory=dict)
    unread: int = 0
    alarms: tuple[str, ...] = ()
    zone: str = ""
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
            manifest = msgspec.json.decode(data, type=cls)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ObjectDamaged(name, f"it is not a manifest ({error})") from None
        reason = _contradiction(manifest)
        if reason:
            raise ObjectDamaged(name, reason)
        return manifest

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


def _contradiction(manifest: Manifest) -> str:
    """Return in which way a manifest contradicts itself, whoever signed it; nothing where it does not."""
    if manifest.created.tzinfo is None:
        return "it does not say in which zone its time is"
    if any(not 1 <= gap.first <= gap.last < manifest.sequence for gap in manifest.gaps):
        return "it tells of pruned backups that cannot have been before it"
    names = [entry.table.qualified for entry in manifest.tables]
    if len(set(names)) < len(names):
        return "it names a table twice"
    return next((reason for entry in manifest.tables if (reason := _contradiction_of(entry))), "")


def _contradiction_of(entry: TableEntry) -> str:
    table = entry.table
    columns, fields = [column.name for column in table.columns], {column.field for column in table.columns}
    if len(set(columns)) < len(columns) or len(fields) < len(columns):
        return f"it names a column of {table.qualified} twice"
    if not set(columns).issuperset((*table.pk, *table.key)):
        return f"the key of {table.qualified} is none of its columns"
    if not {column.kind for column in table.columns} <= KINDS:
        return f"it names a kind of values in {table.qualified} that is none"
    if sum(map(bool, (entry.chunks, entry.pages, entry.slice))) > 1:
        return f"it says twice where the rows of {table.qualified} are"
    return ""


def manifest_name(sequence: int, run: str) -> str:
    """Return the name of a manifest: one listing of ``backups/`` shows order, holes and forks."""
    return f"backups/{sequence:08d}-{run}"


def encode_entries(entries: tuple[Entry, ...]) -> bytes:
    """Return the plaintext of a page."""
    return msgspec.json.encode(entries)


def decode_entries(name: str, data: bytes) -> tuple[Entry, ...]:
    """Read a page; raise ObjectDamaged where it is none."""
    try:
        entries = msgspec.json.decode(data, type=tuple[Entry, ...])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ObjectDamaged(name, f"it is not a page ({error})") from None
    if not entries:
        raise ObjectDamaged(name, "it is not a page (it names no chunk)")
    return entries
