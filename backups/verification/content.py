"""The check ``content``: every row of the restored copy, read back by another path than wrote it, against its chunk."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice, tee

from backups.contents import Chunk
from backups.facts import Key, Span
from backups.manifest import Entry, TableEntry
from backups.recast import Recast
from backups.rows import Cell, Decoder, Exact
from backups.tables import RAW_KINDS, Column, Table
from backups.verification import across
from backups.verification.findings import Finding, Status
from backups.verification.registry import Copy, restored_check

NAME = "content"
SHOWN = 5


@restored_check(NAME)
def content(copy: Copy) -> Iterable[Finding]:
    """Compare table by table, chunk by chunk."""
    for entry in copy.contents.manifest.tables:
        lost = copy.lost(entry.table)
        yield _failed(entry.table, "every column", "not", lost) if lost else _table(copy, entry)


def _table(copy: Copy, entry: TableEntry) -> Finding:
    if isinstance(copy.contents, Recast):
        return across.content(copy.contents, entry, copy.snapshot)
    return _by_digests(copy, entry) or _by_lines(copy, entry)


def _by_digests(copy: Copy, entry: TableEntry) -> Finding | None:
    """Have the database take the digest of each chunk's rows; None where it does not say that all are as they were."""
    table = entry.table
    if not entry.rows or entry.slice is not None or entry.keys_sealed or not table.key:
        return None
    entries, ahead = tee(copy.contents.entries(entry))
    total = hashlib.sha256()
    with closing(copy.snapshot.digests(table, ((span, known.rows) for span, known in _spans(ahead)))) as digests:
        for span, known in _spans(entries):
            wanted, found = copy.contents.digest(known), next(digests)
            if found != wanted and not _reads_back(copy, table, span, known):
                return None
            total.update(wanted)
    return _passed(entry, total.hexdigest())


def _spans(entries: Iterable[Entry]) -> Iterator[tuple[Span, Entry]]:
    """Yield the span of each entry. The last has no end, so that no row that there may be lies outside of all of them."""
    after: Key | None = None
    held: Entry | None = None
    for known in entries:
        if held is not None:
            yield Span(after, held.last), held
            after = held.last
        held = known
    if held is not None:
        yield Span(after, None), held


def _reads_back(copy: Copy, table: Table, span: Span, known: Entry) -> bool:
    """Say whether the rows of a span, written in Python, are those of a chunk; no more of them are read than there may be."""
    lines = islice(copy.snapshot.read_back(table, span), known.rows + 1)
    return b"".join(lines) == copy.contents.repository.get("chunk", known)


def _by_lines(copy: Copy, entry: TableEntry) -> Finding:
    """Read all rows back in their order, and name the first that differ."""
    table = entry.table
    found = copy.snapshot.read_back(table)
    total, rows = hashlib.sha256(), 0
    for chunk in copy.contents.chunks(entry):
        lines = list(islice(found, chunk.plaintext.count(b"\n")))
        if b"".join(lines) != chunk.plaintext:
            return _difference(table, chunk, list(chunk.lines()), lines, found)
        rows += len(lines)
        total.update(hashlib.sha256(chunk.plaintext).digest())
    extra = next(found, None)
    if extra is not None:
        said = f"Row {_Names(table).of(extra)} is not in the backup."
        return _failed(table, f"{rows} rows", "more rows", said)
    return _passed(entry, total.hexdigest())


def _passed(entry: TableEntry, digest: str) -> Finding:
    """``digest`` is that of the digests of all chunks."""
    summary = f"{entry.rows} rows, sha256 {digest[:16]}"
    return Finding(NAME, Status.PASSED, entry.table.qualified, summary, summary)


def _difference(table: Table, chunk: Chunk, wanted: list[bytes], lines: list[bytes], rest: Iterator[bytes]) -> Finding:
    """Name the first rows that differ. All further lines are read where one is missed: a row that moved is not lost."""
    ahead = [*lines, *islice(rest, len(wanted))]
    names = _Names(table)
    expected, actual = {names.of(line): line for line in wanted}, {names.of(line): line for line in ahead}
    said = [
        f"Row {name} differs in {names.columns(line, actual[name])}."
        for name, line in expected.items()
        if name in actual and actual[name] != line
    ][:SHOWN]
    # Counted, since a table without a key may hold a row more than once.
    missing = Counter(map(names.of, wanted)) - Counter(map(names.of, ahead))
    while missing and (line := next(rest, None)) is not None:
        missing -= Counter((names.of(line),))
    added = Counter(map(names.of, lines)) - Counter(map(names.of, wanted))
    said += [f"Row {name} is missing." for name in islice(missing.elements(), SHOWN)]
    # Rows beyond the chunk's own count as added only where nothing else explains the difference.
    said += [f"Row {name} is not in the backup." for name in islice(added.elements(), SHOWN) if not missing]
    detail = " ".join(said) or "The rows are not in the recorded order."
    return _failed(table, f"sha256 {_digest(wanted)}", f"sha256 {_digest(lines)}", f"In {chunk.source}: {detail}")


def _failed(table: Table, expected: str, actual: str, detail: str) -> Finding:
    return Finding(NAME, Status.FAILED, table.qualified, expected, actual, detail)


def _digest(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join(lines)).hexdigest()[:16]


class _Names:
    """What people call the rows of a table, and the columns in which two differ; never the values of other columns."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._decode = Decoder(table).decode

    def of(self, line: bytes) -> str:
        """Return a row's primary key as JSON, or the digest of the whole row where it has none."""
        if not self._table.pk:
            return f"with sha256 {_digest([line])}"
        row = self._by_column(line)
        parts = [_shown(self._table.column(name), row[name]) for name in self._table.pk]
        return parts[0] if len(parts) == 1 else f"[{', '.join(parts)}]"

    def columns(self, expected: bytes, actual: bytes) -> str:
        """Name the columns that differ, be it only in how a value is spelt."""
        left, right = self._by_column(expected), self._by_column(actual)
        return ", ".join(name for name in left if left[name] != right[name]) or "the spelling of its line"

    def _by_column(self, line: bytes) -> dict[str, Cell]:
        return dict(zip((column.name for column in self._table.columns), self._decode(line), strict=True))


def _shown(column: Column, cell: Cell) -> str:
    if isinstance(cell, Exact) or cell is None or column.kind not in RAW_KINDS:
        return json.dumps(cell.value if isinstance(cell, Exact) else cell, ensure_ascii=False)
    return cell
