"""Finds the row because of which a constraint cannot be made, so that an error can name it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg

from backups.engines.postgresql.session import Connection, fetch, quoted, relation
from backups.schema import Statement
from backups.tables import Table

_CHECK = re.compile(r" CHECK \((.*)\)(?: NO INHERIT)?(?: NOT VALID)?$", re.DOTALL)
_FOREIGN_KEY = re.compile(r" FOREIGN KEY \((.*?)\) REFERENCES (.*?)\((.*?)\)(?: |$)")
_UNIQUE = re.compile(r" (?:PRIMARY KEY|UNIQUE(?P<alike> NULLS NOT DISTINCT)?) \((?P<columns>[^()]*)\)")
_UNIQUE_INDEX = re.compile(r"CREATE UNIQUE INDEX .* ON .*? \((?P<columns>[^()]*)\)(?P<alike> NULLS NOT DISTINCT)?$")


def offender(connection: Connection, statement: Statement, table: Table) -> str:
    """Return the key of the first row that breaks a constraint; empty where it cannot be told."""
    key = table.pk or table.key
    if not key:
        return ""
    names = ", ".join(f"c.{quoted(name)}::text" for name in key)
    order = ", ".join(f"c.{quoted(name)}" for name in key)
    for condition in _broken(statement, relation(table.schema, table.name)):
        query = f"SELECT {names} FROM ONLY {relation(table.schema, table.name)} c WHERE {condition} ORDER BY {order} LIMIT 1"
        try:
            rows = fetch(connection, query)
        except psycopg.Error:
            return ""  # the error that led here is the one to be told
        if rows:
            return ", ".join(map(str, rows[0]))
    return ""


def _broken(statement: Statement, table: str) -> Iterator[str]:
    """Yield the condition of the rows that break a constraint, as ``c``."""
    if check := _CHECK.search(statement.sql):
        yield f"NOT ({check[1]})"
    elif reference := _FOREIGN_KEY.search(statement.sql):
        ours = ", ".join(f"c.{name.strip()}" for name in reference[1].split(","))
        theirs = ", ".join(f"p.{name.strip()}" for name in reference[3].split(","))
        yield f"({ours}) IS NOT NULL AND NOT EXISTS (SELECT FROM {reference[2]} p WHERE ({theirs}) = ({ours}))"
    elif unique := _UNIQUE_INDEX.match(statement.sql) or _UNIQUE.search(statement.sql):
        columns = [name.strip() for name in unique["columns"].split(",")]
        equal = "IS NOT DISTINCT FROM" if unique["alike"] else "="
        same = " AND ".join(f"o.{name} {equal} c.{name}" for name in columns)
        yield f"EXISTS (SELECT FROM ONLY {table} o WHERE {same} AND o.ctid <> c.ctid)"
