"""A row too long for one statement, sent value by value: each is put together in a variable of the session."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence

from backups.engines.mysql import cells, text
from backups.engines.mysql.session import Session
from backups.engines.values import json_to
from backups.rows import Cell, Exact, Row
from backups.tables import Column

_SHARE = 16  # of the longest packet: what a piece may take, and a value that needs no pieces


def assigned(session: Session, columns: Sequence[Column], row: Row) -> tuple[str, list[str]]:
    """Return what stands between the parentheses of a row, and the variables that hold its long values, to be cleared.

    A variable that is NULL then stands for a value that is longer than the server takes at all.
    """
    limit, literals, variables = session.largest_packet // _SHARE, [], []
    for i, (column, cell) in enumerate(zip(columns, row, strict=True)):
        literal = cells.writer(column)(cell)
        if len(literal) > limit and column.kind in {"text", "json", "binary"}:
            variables.append(f"@lifeboat_{i}")
            _assign(session, variables[-1], column, cell, limit)
            literal = variables[-1]
        literals.append(literal)
    return ",".join(literals), variables


def cleared(session: Session, variables: Sequence[str]) -> None:
    """Forget the values of variables."""
    if variables:
        session.run("SET " + ", ".join(f"{variable} = NULL" for variable in variables))


def _assign(session: Session, variable: str, column: Column, cell: Cell, limit: int) -> None:
    session.run(f"SET {variable} = {'X' if column.kind == 'binary' else ''}''")
    for piece in _pieces(column, cell, limit):
        session.run(f"SET {variable} = CONCAT({variable}, {piece})")


def _pieces(column: Column, cell: Cell, limit: int) -> Iterator[str]:
    size = limit // 4  # an escape doubles a character, and a character has up to four bytes
    if column.kind == "binary":
        data = base64.b64decode(str(cell))
        yield from (text.data(data[at : at + size]) for at in range(0, len(data), size))
        return
    whole = json_to(cell) if isinstance(cell, Exact) else cell
    whole = whole or ""
    yield from (text.string(whole[at : at + size]) for at in range(0, len(whole), size))
