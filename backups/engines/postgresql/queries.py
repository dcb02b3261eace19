"""Which rows of a table are read, and in which order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from backups.engines.postgresql.session import literal, quoted, relation
from backups.engines.postgresql.values import text_of
from backups.facts import Among, Key, Span
from backups.tables import Table

# So many columns are sorted by one by one, the rest as one array.
_APART = 32


def select(table: Table, expressions: str, span: Span | Among, *, ordered: bool = True) -> str:
    """Return the query of these expressions over a span of a table, or rows among keys, in the order of its key if ``ordered``.

    A table without a key is read whole, ordered by the text of all its columns.
    """
    bounds = " AND ".join(_among(table, span) if isinstance(span, Among) else _bounds(table, span))
    where = f" WHERE {bounds}" if bounds else ""
    by = order(table) if ordered else ""
    return f"SELECT {expressions} FROM ONLY {relation(table.schema, table.name)}{where}{by}"


def order(table: Table) -> str:
    """Return the ORDER BY of a table's rows, with a blank before it; nothing for a table without columns."""
    by = ", ".join(map(quoted, table.key) if table.key else _by_text(table))
    return f" ORDER BY {by}" if by else ""


def select_rows(table: Table, span: Span) -> str:
    """Return the query of all columns over a span of a table, in the order of its key."""
    return select(table, ", ".join(map(quoted, _names(table))), span)


def _bounds(table: Table, span: Span) -> Iterator[str]:
    if not table.key:
        return
    names = ", ".join(map(quoted, table.key))
    if span.after is not None:
        yield f"({names}) > ({literals(table, table.key, span.after)})"
    if span.upto is not None:
        yield f"({names}) <= ({literals(table, table.key, span.upto)})"


def _among(table: Table, among: Among) -> Iterator[str]:
    names = ", ".join(map(quoted, among.columns))
    keys = ", ".join(f"({literals(table, among.columns, key)})" for key in among.keys)
    yield f"({names}) IN ({keys})" if keys else "FALSE"


def literals(table: Table, names: Sequence[str], key: Key) -> str:
    """Return the values of these columns, each with its type."""
    columns = map(table.column, names)
    pairs = zip(columns, key, strict=True)
    return ", ".join(f"{literal(text_of(column.kind, cell))}::{column.type}" for column, cell in pairs)


def _by_text(table: Table) -> list[str]:
    # concat makes of NULL what it makes of an empty text; a composite value with a NULL in it is not "IS NOT NULL".
    texts = [f"CASE WHEN {name} IS DISTINCT FROM NULL THEN concat({name}) END" for name in map(quoted, _names(table))]
    # A query has room for 1,664 columns, those that it is ordered by among them.
    rest = [f"ARRAY[{', '.join(texts[_APART:])}]"] if texts[_APART:] else []
    return [f'{text} COLLATE "C"' for text in texts[:_APART] + rest]


def _names(table: Table) -> Iterator[str]:
    return (column.name for column in table.columns)
