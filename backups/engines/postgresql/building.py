"""Builds keys and indexes on several connections at once, what takes longest first.

ALTER TABLE locks its table. So the key of a large table is built as the unique index that it is, beside the other indexes of
the table, and made the key once they are there (PostgreSQL's documentation of ALTER TABLE, "table_constraint_using_index").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from backups.engines.postgresql.replay import AT_ONCE, Done, Failed, run_batch
from backups.engines.postgresql.session import Connection
from backups.schema import Statement

# From so many rows on, what is built of a table is worth a connection to itself.
_LARGE = 10_000
# How much longer texts take to compare, by the rules of a language, than numbers.
_TEXT = 4

_INDEX = "index"
_NAME = r'(?:[a-z_][a-z0-9_$]*|"(?:[^"]|"")+")'
_KEY = re.compile(
    rf"(?P<add>ALTER TABLE ONLY (?P<table>{_NAME}\.{_NAME}) ADD CONSTRAINT (?P<name>{_NAME}) (?:PRIMARY KEY|UNIQUE)) "
    rf"(?P<columns>\({_NAME}(?:, {_NAME})*\))"
)

_Batch = list[Statement]


@dataclass(frozen=True, slots=True)
class Size:
    """What building anything of a table depends on: its rows, and which of its columns are texts."""

    rows: int = 0
    texts: Collection[str] = ()

    def cost(self, statement: Statement) -> int:
        """Guess how long a key or index takes; only the order of the work depends on it."""
        columns = statement.sql.partition(" (")[2].split(", ")
        return self.rows * sum(_TEXT if self._is_text(column) else 1 for column in columns)

    def _is_text(self, column: str) -> bool:
        name = column.partition(")")[0].partition(" ")[0].strip('"')
        return name in self.texts and "_pattern_ops" not in column


def build(
    connections: Sequence[Connection],
    statements: Iterable[Statement],
    size: Callable[[Statement], Size],
    failed: Failed,
    done: Done,
) -> None:
    """Run statements that make keys and indexes, none of which needs another; ``size`` tells of a statement's table.

    Those of small tables go many in a transaction. ``failed`` and ``done`` are as in ``replay``.
    """
    given = list(statements)
    large = [statement for statement in given if size(statement).rows >= _LARGE]
    large.sort(key=lambda statement: size(statement).cost(statement), reverse=True)
    indexes = [[index] for statement in large if (index := _as_index(statement))]
    keys = _by_table(_as_key(statement) for statement in large if statement.kind != _INDEX)
    small = _together(_by_table(statement for statement in given if size(statement).rows < _LARGE))
    known = set(given)
    idle = list(connections)

    def work(batch: _Batch) -> _Batch:
        connection = idle.pop()
        try:
            run_batch(connection, batch, failed)
        finally:
            idle.append(connection)
        return batch

    with ThreadPoolExecutor(len(connections)) as pool:
        for batch in pool.map(work, [*indexes, *small]):
            done(batch[-1], len(known.intersection(batch)))
        for batch in pool.map(work, keys):
            done(batch[-1], len(batch))


def _as_index(statement: Statement) -> Statement | None:
    """Return what builds the index of a key, or an index as it is; nothing for a key that only ALTER TABLE can make."""
    if statement.kind == _INDEX:
        return statement
    key = _KEY.fullmatch(statement.sql)
    return (
        replace(statement, sql=f"CREATE UNIQUE INDEX {key['name']} ON {key['table']} {key['columns']}") if key else None
    )


def _as_key(statement: Statement) -> Statement:
    """Return what makes a key of its index, where that was built before."""
    key = _KEY.fullmatch(statement.sql)
    return replace(statement, sql=f"{key['add']} USING INDEX {key['name']}") if key else statement


def _by_table(statements: Iterable[Statement]) -> list[_Batch]:
    tables: dict[str, _Batch] = {}
    for statement in statements:
        tables.setdefault(statement.table, []).append(statement)
    return list(tables.values())


def _together(batches: Iterable[_Batch]) -> Iterator[_Batch]:
    """Join batches as long as a transaction does not hold too many locks."""
    joined: _Batch = []
    for batch in batches:
        if joined and len(joined) + len(batch) > AT_ONCE:
            yield joined
            joined = []
        joined = joined + batch
    if joined:
        yield joined
