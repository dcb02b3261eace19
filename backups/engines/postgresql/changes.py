"""Which rows have not changed since an earlier snapshot, told by the server without moving them.

The rule: a range is unchanged if it has as many rows as it had, and every one of them was written by a transaction
below S, where S is the ``xmin`` of the earlier snapshot (``pg_snapshot_xmin``). All transactions below S had ended by
then, so all of these rows were there and visible; as many as there were leave none out. Ages are compared rather than
numbers, since a row keeps the number of its transaction when it is frozen.

It holds only for the same database of the same server, less than 2^31 transactions later, and while no transaction number
was handed out twice. A server that loses the end of its log does that (asynchronous commits and a crash, a disk rolled
back, a recovery to a point in time, a failover to a replica that lagged). So a random token is committed, for
certain, after each snapshot; where the next snapshot does not see it, nothing is taken for unchanged.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import psycopg

from backups.engines.postgresql.lines import line_expression
from backups.engines.postgresql.queries import select
from backups.engines.postgresql.session import Connection, fetch, relation, run, session
from backups.exceptions import BackupsError
from backups.facts import Span
from backups.tables import Table

if TYPE_CHECKING:
    from backups.engines.base import Engine

# The table of tokens is made by our own migrations, wherever the catalogue is.
MARKER_LABEL = "backups.marker"
_FARTHEST = 2**31

_WHERE = """
SELECT pg_snapshot_xmin(pg_current_snapshot())::text, (SELECT system_identifier::text FROM pg_control_system()),
    (SELECT oid::text FROM pg_database WHERE datname = current_database()), pg_is_in_recovery()
"""
# Text of these types may change though the row does not: names of other objects, parts that were altered.
_STEADY = """
SELECT c.oid::int8 FROM pg_class c
WHERE c.relkind = 'r' AND c.relpersistence = 'p' AND c.relam = (SELECT oid FROM pg_am WHERE amname = 'heap')
    AND NOT EXISTS (
        SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_type e ON e.oid = t.typelem
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND (a.attgenerated = 'v' OR t.typname ~ '^_?reg' OR t.typtype NOT IN ('b', 'e', 'r', 'm')
                OR (t.typtype IN ('r', 'm') AND t.oid >= 16384) OR coalesce(e.typtype, 'b') NOT IN ('b', 'e'))
    )
"""
_AROUND = """
SELECT version(), current_setting('server_encoding'),
    (SELECT array_agg(ROW(enumtypid, enumsortorder, enumlabel)::text ORDER BY enumtypid, enumsortorder) FROM pg_enum),
    (SELECT array_agg(ROW(extname, extversion)::text ORDER BY extname) FROM pg_extension),
    (SELECT array_agg(ROW(oid, collversion, pg_collation_actual_version(oid))::text ORDER BY oid)
        FROM pg_collation WHERE collversion IS NOT NULL),
    (SELECT to_jsonb(d) - 'datfrozenxid' - 'datminmxid' - 'datacl' - 'datname' - 'datconnlimit'
        FROM pg_database d WHERE datname = current_database())
"""


class Changes:
    """What one snapshot knows of changes. ``tables`` are those that it reads, by oid."""

    def __init__(self, engine: Engine, connection: Connection, tables: Mapping[int, Table]) -> None:
        self._engine, self._connection, self._tables = engine, connection, tables
        marker = next((table for table in tables.values() if table.label == MARKER_LABEL), None)
        self._marker = relation(marker.schema, marker.name) if marker else ""

    def signal(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return what a later snapshot compares itself with, once its token is committed; nothing where that cannot be.

        ``before`` is the signal of the backup that this one follows: its token stays, should this one come to nothing.
        """
        xmin, system, database, recovering = fetch(self._connection, _WHERE)[0]
        if not self._marker or recovering:
            return {}
        token = secrets.token_hex(16)
        try:
            self._commit(token, before.get("marker", ""))
        except (psycopg.Error, BackupsError):
            return {}
        return {"xmin": xmin, "system": system, "database": database, "marker": token}

    def _commit(self, token: str, before: str) -> None:
        with session(self._engine) as own, own.transaction():
            run(own, "SET LOCAL synchronous_commit = on")
            own.execute(f"DELETE FROM {self._marker} WHERE token <> %s".encode(), [before])
            own.execute(f"INSERT INTO {self._marker} (token, created) VALUES (%s, now())".encode(), [token])

    def follows(self, since: Mapping[str, str]) -> bool:
        """Say whether this snapshot is a later state of the very database that gave a signal."""
        if not self._marker or not since.keys() >= {"xmin", "system", "database", "marker"}:
            return False
        xmin, system, database, _ = fetch(self._connection, _WHERE)[0]
        if (system, database) != (since["system"], since["database"]):
            return False
        if not 0 <= int(xmin) - int(since["xmin"]) < _FARTHEST:
            return False
        query = f"SELECT EXISTS (SELECT FROM {self._marker} WHERE token = %(token)s)"
        return bool(fetch(self._connection, query, {"token": since["marker"]})[0][0])

    def states(self) -> dict[str, str]:
        """Return, for each table that the rule holds for, a digest of all but its rows that its lines depend on."""
        around = _digest(fetch(self._connection, _AROUND)[0])
        steady = {oid for (oid,) in fetch(self._connection, _STEADY)}
        return {
            table.qualified: _digest([oid, around, table.key, [c.type for c in table.columns], line_expression(table)])
            for oid, table in self._tables.items()
            if oid in steady
        }


def comparison(table: Table, since: Mapping[str, str], ranges: Sequence[tuple[Span, int]]) -> str:
    """Return the query that says of each range, given with the rows that it had, whether it is as it was: a digit for each.

    All connections of one snapshot say the same, since a row's age and that of the signal are told by the same one.
    """
    age = f"age('{int(since['xmin'])}'::xid8::xid)"
    each = " UNION ALL ".join(_compared(table, span, rows, age, i) for i, (span, rows) in enumerate(ranges))
    return f"SELECT string_agg(CASE WHEN same THEN '1' ELSE '0' END, '' ORDER BY i) FROM ({each}) r"


def _compared(table: Table, span: Span, rows: int, age: str, number: int) -> str:
    if not table.key or span == Span():
        source = f"ONLY {relation(table.schema, table.name)}"
    else:
        source = f"({select(table, 'xmin', span, ordered=False)}) r{number}"
    same = f"count(*) = {rows} AND coalesce(min(age(xmin)) > {age}, true)"
    return f"SELECT {number} AS i, {same} AS same FROM {source}"


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()
