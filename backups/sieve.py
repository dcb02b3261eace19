"""Lines of a chunk that hold certain values, found among the bytes; only what may fit is decoded, and then compared."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from backups.chunks import split_lines
from backups.facts import Key
from backups.ordering import ident
from backups.rows import Decoder, Row, quoted
from backups.tables import RAW_KINDS, Column, Table

_FEW = 16  # so many values are looked for one by one
_VALUE = rb'("(?:[^"\\]|\\.)*"|[^,}\]]+)'
_AFTER = b",}]"


class Sieve:
    """Finds the rows of one table that hold one of ``keys`` in ``columns``; it may be used by several threads."""

    def __init__(self, table: Table, columns: Sequence[str], keys: Collection[Key]) -> None:
        order = {column.name: place for place, column in enumerate(table.columns)}
        self._places = [order[name] for name in columns]
        self._wanted = {ident(key) for key in keys}
        self._decode = Decoder(table).decode
        self._head, column = _head(table, columns)
        cells = [key[list(columns).index(column.name)] for key in keys] if column else []
        self._values = {_bytes(column, cell) for cell in cells if isinstance(cell, str)} if column else set()
        # A value beside the canonical forms stands elsewhere in its line.
        self._blind = not column or any(not isinstance(cell, str) for cell in cells)

    def rows(self, plaintext: bytes) -> Iterator[Row]:
        """Yield the rows."""
        for line in split_lines(plaintext) if self._blind else self._candidates(plaintext):
            row = self._decode(line)
            if ident(tuple(row[place] for place in self._places)) in self._wanted:
                yield row

    def _candidates(self, plaintext: bytes) -> Iterator[bytes]:
        begun: set[int] = set()
        for at in self._one_by_one(plaintext) if len(self._values) <= _FEW else self._together(plaintext):
            start = plaintext.rfind(b"\n", 0, at) + 1
            if start not in begun:
                begun.add(start)
                yield plaintext[start : plaintext.find(b"\n", at) + 1 or len(plaintext)]

    def _one_by_one(self, plaintext: bytes) -> Iterator[int]:
        for value in self._values:
            needle = self._head + value
            at = plaintext.find(needle)
            while at >= 0:
                if plaintext[at + len(needle)] in _AFTER:
                    yield at
                at = plaintext.find(needle, at + len(needle))

    def _together(self, plaintext: bytes) -> Iterator[int]:
        for found in re.finditer(re.escape(self._head) + _VALUE, plaintext):
            if found[1] in self._values:
                yield found.start()


def _head(table: Table, columns: Sequence[str]) -> tuple[bytes, Column | None]:
    """Return what stands in a line right before the value of one of the columns, and which one that is."""
    for name in columns:
        if name not in table.pk:
            return f"{quoted(table.column(name).field)}:".encode(), table.column(name)
    if table.pk and table.pk[0] in columns:
        return b'"pk":' + (b"[" if len(table.pk) > 1 else b""), table.column(table.pk[0])
    return b"", None


def _bytes(column: Column, cell: str) -> bytes:
    return (cell if column.kind in RAW_KINDS else quoted(cell)).encode()
