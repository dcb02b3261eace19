"""Where a table's lines are cut into chunks, and its chunks into pages.

Pure: no Django, no storage. Sizes are bytes of plaintext (JSON Lines), counts are rows or entries. See docs/format.md,
"Chunks and pages", for why boundaries are inherited from the parent backup.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

TARGET_BYTES = 1024 * 1024
LIMIT_BYTES = 8 * TARGET_BYTES
SMALL_TABLE_BYTES = 64 * 1024
PAGE_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class Limits:
    """The sizes that cutting goes by; tests use small ones."""

    target: int = TARGET_BYTES
    largest: int = LIMIT_BYTES
    small_table: int = SMALL_TABLE_BYTES
    page: int = PAGE_ENTRIES


@dataclass(slots=True)
class Piece:
    """The lines of one chunk to be: texts of whole lines, each ending with a line feed."""

    texts: list[bytes] = field(default_factory=list)
    size: int = 0
    rows: int = 0

    def add(self, text: bytes, rows: int = 1) -> None:
        """Append some lines."""
        self.texts.append(text)
        self.size += len(text)
        self.rows += rows

    @property
    def first(self) -> bytes:
        """Its first line."""
        return self.texts[0][: self.texts[0].index(b"\n") + 1]

    @property
    def last(self) -> bytes:
        """Its last line."""
        return self.texts[-1][self.texts[-1].rfind(b"\n", 0, -1) + 1 :]

    def plaintext(self) -> bytes:
        """Return the chunk's bytes."""
        return self.texts[0] if len(self.texts) == 1 else b"".join(self.texts)


class Cutter:
    """Cuts one table's lines, given in key order, into pieces.

    ``rows`` is N, the rows of an ordinary chunk; 0 means that it is not known yet: the first ``target`` bytes decide.
    ``add`` returns a piece whenever one is complete; ``boundary`` is called where the parent's chunk ended, and
    ``finish`` once at the end.
    """

    def __init__(self, rows: int = 0, limits: Limits | None = None) -> None:
        self.rows = rows
        self._limits = limits or Limits()
        self._piece = Piece()
        self._inherited = False

    def inherit(self) -> None:
        """From here on the parent's boundaries cut, so a piece may grow to 2N rows between them."""
        self._inherited = True

    def release(self) -> None:
        """From here on there are no more boundaries of the parent: every N rows again."""
        self._inherited = False

    def add(self, line: bytes) -> Piece | None:
        """Take one line; return the piece that was complete before it or with it.

        Between the parent's boundaries a piece is cut only when one line more comes: it may end where the parent's did.
        """
        full = None
        if self._piece.rows and (self._piece.size + len(line) > self._limits.largest or self._is_overdue()):
            full = self._take()
        self._piece.add(line)
        if full is None and not self._inherited and self._is_complete():
            full = self._take()
        return full

    @property
    def is_empty(self) -> bool:
        """Whether no line waits for more to come."""
        return not self._piece.rows

    def add_text(self, text: bytes) -> Iterator[Piece]:
        """Take many lines at once and yield the pieces that ``add`` would have returned for them, one by one."""
        rows = text.count(b"\n")
        if not self._takes_whole(rows, len(text)):
            yield from filter(None, map(self.add, split_lines(text)))
            return
        self._piece.add(text, rows)
        if not self._inherited and self._is_complete():
            yield self._take()

    def add_lines(self, lines: Sequence[bytes]) -> Iterator[Piece]:
        """Take some lines and yield the pieces that ``add`` would have returned for them, one by one."""
        start = 0
        while start < len(lines):
            # As many as fit into the piece; while that is not known, or none does, a single one.
            part = lines[start : start + max(self._room(), 1)]
            yield from self.add_text(b"".join(part))
            start += len(part)

    def boundary(self) -> Piece | None:
        """Cut where the parent did, unless the piece is so small, in rows and bytes, that it should merge with the next."""
        enough = self.rows and self._piece.rows * 4 >= self.rows
        return self._take() if enough or self._piece.size * 4 >= self._limits.target else None

    def finish(self) -> Piece | None:
        """Return what is left."""
        return self._take() if self._piece.rows else None

    def _takes_whole(self, rows: int, size: int) -> bool:
        """Say whether nothing would be cut within a text of that many rows and bytes."""
        return 0 < rows <= self._room() and self._piece.size + size <= self._limits.largest

    def _room(self) -> int:
        """Return how many rows more the piece may have, 0 or less where that is not known."""
        return (2 * self.rows if self._inherited else self.rows) - self._piece.rows

    def _is_overdue(self) -> bool:
        return self._inherited and self._is_complete()

    def _is_complete(self) -> bool:
        if not self.rows:
            return self._piece.size >= self._limits.target
        return self._piece.rows >= (2 * self.rows if self._inherited else self.rows)

    def _take(self) -> Piece:
        piece, self._piece = self._piece, Piece()
        if not self.rows and piece.size >= self._limits.target:
            self.rows = piece.rows
        return piece


def page_is_full(entries: int, at_boundary: bool, limits: Limits | None = None, *, inherited: bool = True) -> bool:
    """Say whether a page of ``entries`` ends here: at its parent's boundary, else at twice the usual number.

    Where there are no boundaries to inherit, it ends at the usual number, which leaves it room to grow.
    """
    size = (limits or Limits()).page
    return entries * 4 >= size if at_boundary else entries >= (2 * size if inherited else size)


def split_lines(plaintext: bytes) -> Iterator[bytes]:
    """Yield the lines of a chunk, each with its line feed. Only ``\\n`` parts lines: U+2028 may stand inside one."""
    start = 0
    while start < len(plaintext):
        end = plaintext.find(b"\n", start) + 1 or len(plaintext)
        yield plaintext[start:end]
        start = end


def lines_of(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines of some texts."""
    for text in texts:
        yield from split_lines(text)
