"""Plain facts of a table's rows, taken by SQL: how many, which values are least and greatest, which references dangle."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from backups.engines.postgresql.session import Connection, fetch, quoted, relation
from backups.engines.postgresql.together import AT_ONCE, answers
from backups.facts import ColumnWitness, Orphans, Witness
from backups.tables import Column, Table

_ORDERED = frozenset({"integer", "float", "decimal", "date", "datetime", "timestamp", "time", "duration"})
# The beginning of a text is enough to notice a change, and keeps long texts out of the witness.
_PREFIX = 64
_VARCHAR = re.compile(r"character varying\((\d+)\)")
# A query returns at most 1,664 values.
_WIDEST = 500

# A reference to a partitioned table has another one to each partition, which says less.
_REFERENCES = """
SELECT con.oid::int8, con.conrelid::int8, n.nspname, c.relname, fn.nspname, f.relname, f.relkind = 'p',
    con.confmatchtype = 'f',
    (SELECT array_agg(a.attname ORDER BY k.i) FROM unnest(con.conkey) WITH ORDINALITY k(num, i)
        JOIN pg_attribute a ON a.attrelid = con.conrelid AND a.attnum = k.num),
    (SELECT array_agg(a.attname ORDER BY k.i) FROM unnest(con.confkey) WITH ORDINALITY k(num, i)
        JOIN pg_attribute a ON a.attrelid = con.confrelid AND a.attnum = k.num)
FROM pg_constraint con
JOIN pg_class c ON c.oid = con.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class f ON f.oid = con.confrelid JOIN pg_namespace fn ON fn.oid = f.relnamespace
WHERE con.contype = 'f' AND c.relkind = 'r'
    AND NOT EXISTS (SELECT FROM pg_constraint whole WHERE whole.oid = con.conparentid AND whole.conrelid = con.conrelid)
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", con.conname COLLATE "C"
"""


class Reference:
    """One foreign key of one ordinary table."""

    def __init__(self, row: tuple[Any, ...]) -> None:
        self.schema, self.name, self.parent_schema, self.parent = row[2:6]
        self._parent_is_partitioned, self._full = row[6:8]
        self.columns: tuple[str, ...] = tuple(row[8])
        self.parent_columns: tuple[str, ...] = tuple(row[9])

    @property
    def child(self) -> tuple[str, str]:
        """Schema and name of the table that refers."""
        return self.schema, self.name

    @property
    def parent_name(self) -> str:
        """The qualified name of the table that is referred to."""
        return f"{self.parent_schema}.{self.parent}"

    def dangling(self) -> str:
        """Return SQL for the rows, as ``c``, that point at nothing: FROM and WHERE."""
        only = "" if self._parent_is_partitioned else "ONLY "
        parent = f"{only}{relation(self.parent_schema, self.parent)}"
        same = " AND ".join(
            f"p.{quoted(theirs)} = c.{quoted(ours)}"
            for ours, theirs in zip(self.columns, self.parent_columns, strict=True)
        )
        missing = f"{self._filled(' AND ')} AND NOT EXISTS (SELECT FROM {parent} p WHERE {same})"
        if self._full and len(self.columns) > 1:
            missing = f"({missing}) OR (({self._filled(' OR ')}) AND NOT ({self._filled(' AND ')}))"
        return f"FROM ONLY {relation(*self.child)} c WHERE {missing}"

    def _filled(self, between: str) -> str:
        return between.join(f"c.{quoted(column)} IS NOT NULL" for column in self.columns)

    def filled(self) -> str:
        """Return SQL for the rows, as ``c``, that point at anything."""
        return f"FROM ONLY {relation(*self.child)} c WHERE {self._filled(' AND ')}"


def references(connection: Connection) -> list[Reference]:
    """Return the foreign keys of all ordinary tables, partitions with those that they have from their parents."""
    return [Reference(row) for row in fetch(connection, _REFERENCES)]


def concerned(known: Iterable[Reference], tables: Collection[Table], settled: Collection[str]) -> list[Reference]:
    """Return those of the ``known`` foreign keys that are of these tables, and not from one ``settled`` table to another."""
    asked = {(table.schema, table.name) for table in tables}
    return [ref for ref in known if ref.child in asked and not {".".join(ref.child), ref.parent_name}.issubset(settled)]


def orphans(connection: Connection, references: Sequence[Reference]) -> list[Orphans]:
    """Return which of these foreign keys are broken, with how many rows break them."""
    counted = answers(connection, (f"SELECT count(*) {ref.dangling()}" for ref in references))
    return [
        Orphans(".".join(ref.child), ref.columns, ref.parent_name, rows)
        for ref, rows in zip(references, counted, strict=True)
        if rows
    ]


def referring(connection: Connection, known: Iterable[Reference], table: Table) -> list[str]:
    """Return the qualified names of other tables with rows that point at this one."""
    pointing = [ref for ref in known if (ref.parent_schema, ref.parent) == (table.schema, table.name) != ref.child]
    with_rows = {ref.child for ref in pointing if fetch(connection, f"SELECT EXISTS (SELECT {ref.filled()})")[0][0]}
    return [".".join(child) for child in sorted(with_rows)]


def witness(connection: Connection, table: Table) -> Witness:
    """Return the table's row count, and for each column how many values, the least and the greatest."""
    rows = 0
    columns: dict[str, ColumnWitness] = {}
    for start in range(0, max(len(table.columns), 1), _WIDEST):
        part = table.columns[start : start + _WIDEST]
        asked = ["count(*)", *(fact for column in part for fact in _facts(column))]
        query = f"SELECT {', '.join(asked)} FROM ONLY {relation(table.schema, table.name)}"
        answers = iter(fetch(connection, query)[0])
        rows = next(answers)
        columns |= _read(part, answers)
    return Witness(rows, columns)


def batches(tables: Iterable[Table]) -> Iterator[list[Table]]:
    """Yield tables in turn, as many together as one statement asks for the witnesses of."""
    batch: list[Table] = []
    for table in tables:
        if batch and (len(batch) == AT_ONCE or sum(len(each.columns) for each in (*batch, table)) > _WIDEST):
            yield batch
            batch = []
        batch.append(table)
    if batch:
        yield batch


def witnesses(connection: Connection, tables: Sequence[Table]) -> list[Witness]:
    """Return the witnesses of some tables; of several, all facts are asked for as texts, so that they have one type."""
    if len(tables) == 1:
        return [witness(connection, tables[0])]
    facts = [["count(*)", *(fact for column in table.columns for fact in _facts(column))] for table in tables]
    queries = (
        f"SELECT ARRAY[{', '.join(f'({fact})::text' for fact in asked)}] FROM ONLY {relation(table.schema, table.name)}"
        for table, asked in zip(tables, facts, strict=True)
    )
    told = map(iter, answers(connection, queries))
    return [Witness(int(next(each)), _read(table.columns, each)) for table, each in zip(tables, told, strict=True)]


def _read(columns: Iterable[Column], told: Iterator[Any]) -> dict[str, ColumnWitness]:
    """Read the facts of some columns, in the order in which ``_facts`` asks for them."""
    found = {}
    for column in columns:
        filled = int(next(told))
        ends = (next(told), next(told)) if _comparable(column) else (None, None)
        found[column.name] = ColumnWitness(filled, *ends)
    return found


def _facts(column: Column) -> Iterator[str]:
    yield f"count({quoted(column.name)})"
    if comparable := _comparable(column):
        yield f"min({comparable})::text"
        yield f"max({comparable})::text"


def _comparable(column: Column) -> str:
    """Return what the least and greatest are taken of; empty where the type has no order, or a costly one."""
    name = quoted(column.name)
    if column.kind == "text":
        limit = _VARCHAR.fullmatch(column.type)
        whole = limit is not None and int(limit[1]) <= _PREFIX
        return f'{name} COLLATE "C"' if whole else f'left({name}, {_PREFIX}) COLLATE "C"'
    return name if column.kind in _ORDERED else ""


def sizes(connection: Connection, tables: Collection[Table]) -> dict[str, int]:
    """Return how many rows each table has, by qualified name."""
    listed = list(tables)
    counts = answers(connection, (f"SELECT count(*) FROM ONLY {relation(t.schema, t.name)}" for t in listed))
    return {table.qualified: rows for table, rows in zip(listed, counts, strict=True)}
