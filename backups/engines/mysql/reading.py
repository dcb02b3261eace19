"""How rows are read: the fast way and the plain one, both in pages of key order, so that the connection stays free."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from functools import partial
from itertools import chain
from json.encoder import encode_basestring
from typing import Any

from backups.engines import codec
from backups.engines.codec import Codec, Misfit, NativeRow, Writer
from backups.engines.mysql import cells, retelling, text
from backups.engines.mysql.columns import digits, is_type
from backups.engines.mysql.lines import fraction, line_expression, text_of
from backups.engines.mysql.session import Session
from backups.exceptions import UnreadableValue
from backups.facts import Among, Key, Span
from backups.rows import Cell, Exact, Row
from backups.tables import Column, Table

_PAGE_BYTES, _FEWEST, _MOST = 16 * 1024 * 1024, 64, 20_000
_STEP_BYTES, _LONGEST_STEP = 512 * 1024, 256
_SORTABLE = {"integer", "boolean", "decimal", "float", "date", "time", "datetime", "timestamp", "duration"}
_BYTES = {"binary", "native"}
_TEXTS = {"text", "json"}
_BAD = "(unreadable)"
_UNFAITHFUL = "X'FF'"  # stands for a text that utf8mb4 cannot say: never valid, so that reading it fails


class Reader:
    """Reads one table. ``row_bytes`` is about how long a row is, 0 where that is not known; ``index`` is its key's."""

    def __init__(self, session: Session, table: Table, row_bytes: int = 0, index: str = "") -> None:
        self._session, self._table, self._index = session, table, index
        usual = max(row_bytes, 64)
        self._page = min(max(_PAGE_BYTES // usual, _FEWEST), _MOST)
        self._step = min(max(_STEP_BYTES // usual, 1), _LONGEST_STEP)
        names = [column.name for column in table.columns]
        self._key = [names.index(name) for name in table.key]
        self._literals = [cells.writer(table.columns[i]) for i in self._key]
        self._texts = [cells.reader(column) for column in table.columns]
        self._cells = [_cell_of(column) for column in table.columns]

    def lines(self, span: Span | Among) -> Iterator[bytes]:
        """Yield canonical lines, from the driver's own values."""
        return chain.from_iterable(self.batches(span))

    def batches(self, span: Span | Among) -> Iterator[list[bytes]]:
        """Yield the same lines, some of them at a time."""
        codec = Codec(self._table, [_writer(column) for column in self._table.columns], self._reference)
        selected = [_quick(column) for column in self._table.columns]
        try:
            yield from codec.batches(self._pages(selected, span, self._reference))
        except UnicodeDecodeError:
            # The driver does not say where; the plain way does.
            for _ in self.rows(span):
                pass
            raise

    def text(self, span: Span, largest: int) -> bytes | None:
        """Return the lines of a span, as the server writes them; None where these are too much, or not all canonical."""
        line = line_expression(self._table)
        if not (line and self._key):
            return None
        rows = list(self._session.stream(self._statement([line], span, f"{self._page + 1}"), self._step))
        if len(rows) > self._page or sum(len(row[0] or b"") for row in rows) > largest:
            return None
        return text_of(self._table, [row[0] for row in rows])

    def digest(self, span: Span, most: int) -> bytes | None:
        """Return the SHA-256 of the first ``most`` lines of a span, as the server tells them again; None where it does not."""
        line = retelling.line_expression(self._table)
        if not (line and self._key):
            return None
        # In the order of the inner query, which its limit has the server keep; in any other they are no chunk.
        rows = self._statement([f"{line} AS line"], span, f"{most}")
        found = self._session.value(f"SELECT SHA2(GROUP_CONCAT(line SEPARATOR ''), 256) FROM ({rows}) AS rows_of_it")
        return bytes.fromhex(found) if found else None

    def rows(self, span: Span | Among) -> Iterator[Row]:
        """Yield cells, from what the server says in text of each value."""
        selected = [_plain(column) for column in self._table.columns]
        yield from map(self._row, self._pages(selected, span, self._row))

    def _pages(
        self, selected: list[str], span: Span | Among, cells_of: Callable[[NativeRow], Row]
    ) -> Iterator[NativeRow]:
        if isinstance(span, Among):
            yield from self._session.stream(self._selected(selected, span), self._step)
            return
        if not self._key:
            yield from self._session.stream(self._statement(selected, Span(), ""), self._step)
            return
        while True:
            rows = 0
            last: NativeRow = ()
            for last in self._session.stream(self._statement(selected, span, f"{self._page}"), self._step):
                rows += 1
                yield last
            if rows < self._page:
                return
            found = cells_of(last)
            span = Span(tuple(_filled(found[i]) for i in self._key), span.upto)

    def _selected(self, selected: list[str], among: Among) -> str:
        where = condition(self._table, among)
        order = ", ".join(self._keys()) or ", ".join(_whole_row(self._table))
        return f"SELECT {', '.join(selected)} FROM {text.name(self._table.name)} AS t WHERE {where} ORDER BY {order}"

    def _keys(self) -> list[str]:
        return [_column(self._table.columns[i]) for i in self._key]

    def _statement(self, selected: list[str], span: Span, limit: str) -> str:
        sql = f"SELECT {', '.join(selected) or 'NULL'} FROM {text.name(self._table.name)} AS t"
        if not self._key:
            return f"{sql} ORDER BY {', '.join(_whole_row(self._table))}"
        keys = self._keys()
        bounds = [_above(keys, self._bound(span.after))] if span.after else []
        bounds += [_up_to(keys, self._bound(span.upto))] if span.upto else []
        where = f" WHERE {' AND '.join(bounds)}" if bounds else ""
        # Else the server may think that sorting the whole table once is cheaper, and sort it for every page.
        sql += f" FORCE INDEX ({text.name(self._index)})" if self._index else ""
        return f"{sql}{where} ORDER BY {', '.join(keys)} LIMIT {limit}"

    def _bound(self, key: Key) -> list[str]:
        return [literal(cell) for literal, cell in zip(self._literals, key, strict=True)]

    def _reference(self, row: NativeRow) -> Row:
        """Return the cells of driver values: of rows that the fast way cannot write."""
        return [self._cell(i, value) for i, value in enumerate(row)]

    def _cell(self, i: int, value: Any) -> Cell:
        column = self._table.columns[i]
        if value is None:
            return None
        if isinstance(value, bytes):
            return cells.from_bytes(column, value) if column.kind in _BYTES else self._texts[i](value.decode())
        return self._texts[i](repr(value) if isinstance(value, float) else str(value))

    def _row(self, row: NativeRow) -> Row:
        """Return the cells of the server's texts, and of values that are bytes."""
        try:
            return [None if value is None else cell(value) for cell, value in zip(self._cells, row, strict=True)]
        except UnicodeDecodeError:
            raise self._unreadable(row) from None

    def _unreadable(self, row: NativeRow) -> UnreadableValue:
        key = ", ".join(_shown(row[i]) for i in self._key) or "unknown"
        bad = next(
            i for i, column in enumerate(self._table.columns) if column.kind in _TEXTS and _shown(row[i]) == _BAD
        )
        reason = "it holds bytes that are no text of its character set, or that Unicode does not have"
        return UnreadableValue(self._table.name, key, self._table.columns[bad].name, reason)


def condition(table: Table, among: Among) -> str:
    """Return the condition that a row, as ``t``, is among some keys."""
    columns = [table.column(name) for name in among.columns]
    writers = [cells.writer(column) for column in columns]
    keys = (", ".join(write(cell) for write, cell in zip(writers, key, strict=True)) for key in among.keys)
    listed = ", ".join(f"({key})" for key in keys)
    return f"({', '.join(map(_column, columns))}) IN ({listed})" if listed else "FALSE"


def _cell_of(column: Column) -> Callable[[Any], Cell]:
    """Return what makes a cell of the result of a column's plain expression."""
    if column.kind in _BYTES:
        return partial(cells.from_bytes, column)
    from_text = cells.reader(column)
    return (lambda value: from_text(value.decode())) if column.kind in _TEXTS else from_text


def _shown(value: Any) -> str:
    try:
        return value.decode() if isinstance(value, bytes) else str(value)
    except UnicodeDecodeError:
        return _BAD


def _filled(cell: Cell) -> str | Exact:
    if cell is None:
        raise AssertionError("a key column held NULL, which its definition rules out")
    return cell


def _column(column: Column) -> str:
    """Qualified, since ORDER BY would otherwise look among the selected expressions first."""
    return f"t.{text.name(column.name)}"


def _quick(column: Column) -> str:
    """Return the expression that the driver makes an exact value of."""
    if column.kind == "float" or is_type(column, "bit"):
        return f"{_column(column)} + 0" + ("e0" if column.kind == "float" else "")  # FLOAT's own text is cut short
    return _unicode(column) if column.detail and column.kind in _TEXTS else _column(column)


def _plain(column: Column) -> str:
    """Return the expression of the value's text, or of its bytes where it has any number of them.

    Not HEX(): it is NULL, without a word, for what is longer than half of max_allowed_packet.
    """
    if column.kind in _BYTES:
        return f"CAST({_column(column)} AS BINARY)"
    if column.kind in _TEXTS:
        return _unicode(column) if column.detail else f"CAST(CONVERT({_column(column)} USING utf8mb4) AS BINARY)"
    return f"CAST({_quick(column)} AS CHAR)"


def _unicode(column: Column) -> str:
    """Return the expression of a text of another character set, as UTF-8, where it comes back from that as it was."""
    own, there = _column(column), f"CONVERT({_column(column)} USING utf8mb4)"
    back = f"CONVERT({there} USING {column.detail})"
    same = f"CAST({back} AS BINARY) <=> CAST({own} AS BINARY)"
    return f"IF({same}, CAST({there} AS BINARY), {_UNFAITHFUL})"


def _whole_row(table: Table) -> list[str]:
    """Return what to sort by where there is no key: numbers and times, then a digest of all values.

    The server sorts by the first bytes of long values only, so texts are sorted by digest.
    """
    sortable = [_column(column) for column in table.columns if column.kind in _SORTABLE]
    digests = [f"IFNULL(SHA2({_plain(column)}, 256), '-')" for column in table.columns]
    return [*sortable, f"SHA2(CONCAT({', '.join(digests)}), 256)"]


def _above(keys: Sequence[str], bound: Sequence[str]) -> str:
    return _beyond(keys, bound, ">", ">")


def _up_to(keys: Sequence[str], bound: Sequence[str]) -> str:
    return _beyond(keys, bound, "<", "<=")


def _beyond(keys: Sequence[str], bound: Sequence[str], sign: str, last: str) -> str:
    """Compare rows of keys in the one way that the server finds the place in the index by: not as ``(a, b) > (1, 2)``."""
    if len(keys) == 1:
        return f"{keys[0]} {last} {bound[0]}"
    rest = _beyond(keys[1:], bound[1:], sign, last)
    return f"({keys[0]} {sign} {bound[0]} OR ({keys[0]} = {bound[0]} AND {rest}))"


def _writer(column: Column) -> Writer:
    if column.kind == "text" and column.detail:
        return codec.each(lambda value: encode_basestring(value.decode()), bytes)
    if column.kind == "uuid" and is_type(column, "uuid"):
        return codec.texts
    if column.kind in ("datetime", "timestamp"):
        return _moments(digits(column.type), "Z" if column.kind == "datetime" else "")
    if column.kind == "time":
        return _times_of_day(digits(column.type))
    return _WRITERS.get(column.kind) or codec.texts


def _dates(values: Sequence[str]) -> Sequence[str]:
    _assert_days(values)
    return codec.surrounded("\n".join(values))


def _assert_days(values: Iterable[str]) -> None:
    """Raise ValueError where a zero date or an impossible day is among them; most days come more than once."""
    for day in {*values}:
        date.fromisoformat(day)


_WRITERS: dict[str, Writer] = {
    "integer": codec.integers,
    "boolean": codec.each(codec.boolean, int),
    "float": codec.each(codec.float_text, float),
    "duration": codec.each(codec.duration_text, int),
    "date": codec.whole(_dates, str),
    "uuid": codec.each(codec.uuid_text, str),
    "json": codec.documents,
    "binary": codec.each(codec.base64_text, bytes),
    "native": codec.each(lambda value: f'"{value.hex().upper()}"', bytes),
}


def _moments(kept: int, mark: str) -> Writer:
    end = fraction(kept) + mark

    def write(values: Sequence[str]) -> Sequence[str]:
        _assert_days(value[:10] for value in values)  # the time of day is always one
        return codec.surrounded("\n".join(values).replace(" ", "T"), end)

    return codec.whole(write, str)


def _times_of_day(kept: int) -> Writer:
    end, length = fraction(kept), 9 + kept if kept else 8

    def write(values: Sequence[str]) -> Sequence[str]:
        if {*map(len, values)} != {length} or not "00" <= min(values)[:2] <= max(values)[:2] < "24":
            raise Misfit
        return codec.surrounded("\n".join(values), end)

    return codec.whole(write, str)
