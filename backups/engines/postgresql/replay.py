"""Runs statements in batches, on one connection or on two; a batch that fails is run again to find out which did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import psycopg

from backups.engines.postgresql.session import Connection, run
from backups.schema import Statement

# One transaction holds its locks to the end, and a server has some 6,400 of them in all.
_AT_ONCE = 200
# From so many rows on, a table's statements are worth a connection to themselves.
_LARGE = 10_000

_ADD = " ADD CONSTRAINT "

Failed = Callable[[Connection, Statement, psycopg.Error], Exception]
Done = Callable[[Statement, int], None]


def replay(connection: Connection, statements: Sequence[Statement], failed: Failed, done: Done) -> None:
    """Run statements in order. ``failed`` makes the exception to raise; ``done`` is told how many were run."""
    for start in range(0, len(statements), _AT_ONCE):
        batch = statements[start : start + _AT_ONCE]
        _run(connection, batch, failed)
        done(batch[-1], len(batch))


def replay_apart(
    connections: Sequence[Connection],
    statements: Iterable[Statement],
    rows: Callable[[Statement], int],
    failed: Failed,
    done: Done,
) -> None:
    """Run statements that do not need one another on several connections at once, the longest first.

    ``rows`` says how many rows a statement's table has. Statements that add constraints lock their table, so those of
    one table stay together; indexes of one table may be built at the same time.
    """
    idle = list(connections)

    def work(batch: list[Statement]) -> list[Statement]:
        connection = idle.pop()
        try:
            _run(connection, batch, failed)
        finally:
            idle.append(connection)
        return batch

    with ThreadPoolExecutor(len(connections)) as pool:
        for batch in pool.map(work, _batches(statements, rows)):
            done(batch[-1], len(batch))


def _batches(statements: Iterable[Statement], rows: Callable[[Statement], int]) -> list[list[Statement]]:
    units: dict[str, list[Statement]] = {}
    for statement in statements:
        unit = f"{statement.table} {statement.name}" if statement.kind == "index" else statement.table
        units.setdefault(unit, []).append(statement)
    ordered = sorted(units.values(), key=lambda unit: rows(unit[0]), reverse=True)
    batches = [unit for unit in ordered if rows(unit[0]) >= _LARGE]
    small: list[Statement] = []
    for some in ordered[len(batches) :]:
        if len(small) + len(some) > _AT_ONCE and small:
            batches.append(small)
            small = []
        small = small + some
    return [*batches, small] if small else batches


def _texts(batch: Iterable[Statement]) -> Iterator[str]:
    """Yield the SQL of statements in order; checks of one table that follow each other become one, which reads its rows once."""
    for (kind, _), group in groupby(batch, lambda statement: (statement.kind, statement.table)):
        texts = [statement.sql for statement in group]
        alter = texts[0].partition(_ADD)[0]
        if kind == "check" and all(text.startswith(f"{alter}{_ADD}") for text in texts):
            yield alter + ",".join(text.removeprefix(alter) for text in texts)
        else:
            yield from texts


def _run(connection: Connection, batch: Sequence[Statement], failed: Failed) -> None:
    try:
        with connection.transaction():
            run(connection, ";\n".join(_texts(batch)))
    except psycopg.Error:
        for statement in batch:
            try:
                with connection.transaction():
                    run(connection, statement.sql)
            except psycopg.Error as error:
                raise failed(connection, statement, error) from error
