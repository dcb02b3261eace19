"""Runs statements in batches; one that fails is run again, statement by statement, to find out which did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

import psycopg

from backups.engines.postgresql.session import Connection, run
from backups.schema import Statement

# One transaction holds its locks to the end, and a server has some 6,400 of them in all.
AT_ONCE = 200

_ADD = " ADD CONSTRAINT "

Failed = Callable[[Connection, Statement, psycopg.Error], Exception]
Done = Callable[[Statement, int], None]


def replay(connection: Connection, statements: Sequence[Statement], failed: Failed, done: Done) -> None:
    """Run statements in order. ``failed`` makes the exception to raise; ``done`` is told how many were run."""
    for start in range(0, len(statements), AT_ONCE):
        batch = statements[start : start + AT_ONCE]
        run_batch(connection, batch, failed)
        done(batch[-1], len(batch))


def _texts(batch: Iterable[Statement]) -> Iterator[str]:
    """Yield the SQL of statements in order; checks of one table that follow each other become one, which reads its rows once."""
    for (kind, _), group in groupby(batch, lambda statement: (statement.kind, statement.table)):
        texts = [statement.sql for statement in group]
        alter = texts[0].partition(_ADD)[0]
        if kind == "check" and all(text.startswith(f"{alter}{_ADD}") for text in texts):
            yield alter + ",".join(text.removeprefix(alter) for text in texts)
        else:
            yield from texts


def run_batch(connection: Connection, batch: Sequence[Statement], failed: Failed) -> None:
    """Run statements in one transaction; raise what ``failed`` makes of the first that cannot be run."""
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
