"""Foreign keys looked into by plain SQL: rows that point at nothing, and whether any row points at all."""

from __future__ import annotations

from backups.engines.mysql import text
from backups.engines.mysql.ddl import ForeignKey
from backups.engines.mysql.session import Session


def orphans(session: Session, key: ForeignKey) -> int:
    """Return how many rows point at nothing; a row with NULL in any of the columns points nowhere, and may."""
    return int(session.value(f"SELECT COUNT(*) {_dangling(key)}"))


def first_orphan(session: Session, key: ForeignKey, named_by: tuple[str, ...]) -> str:
    """Return the values of the columns ``named_by`` of one row that points at nothing."""
    columns = ", ".join(f"CAST(child.{text.name(column)} AS CHAR)" for column in named_by or key.columns)
    rows = session.query(f"SELECT {columns} {_dangling(key)} LIMIT 1")
    return ", ".join(str(value) for value in rows[0]) if rows else ""


def points(session: Session, key: ForeignKey) -> bool:
    """Say whether the child has any row that points somewhere."""
    return bool(session.query(f"SELECT 1 FROM {text.name(key.table)} AS child WHERE {_set(key)} LIMIT 1"))


def _dangling(key: ForeignKey) -> str:
    pairs = zip(key.columns, key.parent_columns, strict=True)
    same = " AND ".join(f"parent.{text.name(theirs)} = child.{text.name(own)}" for own, theirs in pairs)
    parent = f"parent.{text.name(key.parent_columns[0])}"
    joined = f"{text.name(key.table)} AS child LEFT JOIN {key.parent_sql} AS parent ON {same}"
    return f"FROM {joined} WHERE {_set(key)} AND {parent} IS NULL"


def _set(key: ForeignKey) -> str:
    return " AND ".join(f"child.{text.name(column)} IS NOT NULL" for column in key.columns)
