"""Rows that a unique key would take for one, by its collation: texts that differ in case, accents, blanks at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from backups.engines.mysql import cells, text
from backups.engines.mysql.session import LOADING_MODE, Session
from backups.rows import Row
from backups.tables import Table

_PROBE, _NAME = "lifeboat_probe", "lifeboat_row"
_AT_ONCE = 500
_LONGEST = 60  # of a group's keys, as they are told


def found(
    session: Session, table: Table, keys: Sequence[tuple[str, ...]], rows: Iterable[tuple[str, Row]]
) -> Iterator[str]:
    """Yield a sentence for each group of rows; those keys that have texts are looked at, in a temporary table."""
    texts = {column.name for column in table.columns if column.kind in ("text", "native")}
    keys = [key for key in keys if texts & set(key) and set(key) <= {column.name for column in table.columns}]
    if not keys:
        return
    session.set({"sql_mode": text.string(LOADING_MODE)})
    names = list(dict.fromkeys(name for key in keys for name in key))
    _fill(session, table, names, rows)
    for key in keys:
        yield from _groups(session, table, key)
    session.run(f"DROP TEMPORARY TABLE {_PROBE}")


def _fill(session: Session, table: Table, names: list[str], rows: Iterable[tuple[str, Row]]) -> None:
    columns = text.names(names)
    session.run(
        f"CREATE TEMPORARY TABLE {_PROBE} ({_NAME} LONGTEXT) AS "
        f"SELECT {columns}, '' AS {_NAME} FROM {text.name(table.name)} WHERE 0"
    )
    places = [next(i for i, column in enumerate(table.columns) if column.name == name) for name in names]
    writers = [cells.writer(table.columns[place]) for place in places]
    remaining = iter(rows)
    while batch := list(islice(remaining, _AT_ONCE)):
        written = [
            ", ".join([*(write(row[place]) for write, place in zip(writers, places, strict=True)), text.string(name)])
            for name, row in batch
        ]
        session.run(f"INSERT INTO {_PROBE} ({columns}, {_NAME}) VALUES ({'), ('.join(written)})")


def _groups(session: Session, table: Table, key: tuple[str, ...]) -> Iterator[str]:
    """Two NULLs are never one."""
    filled = " AND ".join(f"{text.name(name)} IS NOT NULL" for name in key)
    sql = (
        f"SELECT GROUP_CONCAT({_NAME} ORDER BY {_NAME} SEPARATOR ', ') FROM {_PROBE} WHERE {filled} "
        f"GROUP BY {text.names(key)} HAVING COUNT(*) > 1 ORDER BY 1"
    )
    for (rows,) in session.query(sql):
        said = rows if len(rows) <= _LONGEST else f"{rows[:_LONGEST]} …"
        yield (
            f"Rows {said} of {table.qualified}, column {', '.join(key)}: the server takes them for the same, and the column "
            "is unique."
        )
