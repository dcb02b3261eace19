"""The rows of one table in the order of its key, as a walk needs them: none is read before it has to be."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

from backups.chunks import split_lines
from backups.contents import Contents
from backups.facts import Key
from backups.manifest import Entry, Page, TableEntry, decode_entries
from backups.rows import Decoder
from backups.tables import Table


class Reel:
    """Stands at a row, or before a part (a page, a chunk) that was not opened: ``part``; at the end at neither.

    ``opened`` takes the names of the chunks that are read.
    """

    def __init__(self, table: Table, lines: Iterator[bytes], parts: deque[Page | Entry]) -> None:
        self._decode = Decoder(table).decode
        order = {column.name: place for place, column in enumerate(table.columns)}
        self._places = [order[name] for name in table.key]
        self._lines, self._parts = lines, parts
        self._contents: Contents | None = None
        self._opened: set[str] = set()
        self._key: Key | None = None
        self.line: bytes | None = next(lines, None)

    @classmethod
    def of(cls, contents: Contents, entry: TableEntry, opened: set[str]) -> Reel:
        """Return the rows of a table of a backup."""
        whole = contents.chunks(entry) if entry.slice is not None else ()
        lines = chain.from_iterable(chunk.lines() for chunk in whole)
        made = cls(entry.table, lines, deque(entry.pages or entry.chunks))
        made._contents, made._opened = contents, opened
        if entry.slice is not None:
            opened.add(contents.manifest.shared[entry.slice.chunk].name)
        return made

    @classmethod
    def live(cls, table: Table, lines: Iterator[bytes]) -> Reel:
        """Return the rows that a database gives."""
        return cls(table, lines, deque())

    @property
    def part(self) -> Page | Entry | None:
        """The part that it stands before, None where it stands at a row or at the end."""
        return self._parts[0] if self.line is None and self._parts else None

    @property
    def key(self) -> Key | None:
        """The key of the row that it stands at, or of the first row of the part; None at the end."""
        part = self.part
        if part is not None and part.first:
            return part.first
        if part is not None:
            # The manifest keeps this one's keys to itself.
            self.open()
        if self.line is None:
            return self.key if self._parts else None
        if self._key is None:
            row = self._decode(self.line)
            cells = (row[place] for place in self._places)
            self._key = tuple(cell for cell in cells if cell is not None)
        return self._key

    def comes(self, part: Page | Entry) -> bool:
        """Say whether a part with the same content is among those to come, as far as they are known."""
        return any(other.id == part.id for other in self._parts)

    def skip(self) -> None:
        """Pass the part over."""
        self._parts.popleft()

    def open(self) -> None:
        """Go into the part: to the chunks of a page, or to the first row of a chunk."""
        part = self._parts.popleft()
        if self._contents is None:
            raise AssertionError("only backups have parts")
        if isinstance(part, Page):
            entries = decode_entries(part.name, self._contents.repository.get("page", part))
            self._parts.extendleft(reversed(entries))
            return
        self._opened.add(part.name)
        self._lines = split_lines(self._contents.repository.get("chunk", part))
        self.pop()

    def pop(self) -> bytes:
        """Return the line that it stands at, empty where there is none, and go on to the next."""
        line, self.line, self._key = self.line, next(self._lines, None), None
        return line or b""
