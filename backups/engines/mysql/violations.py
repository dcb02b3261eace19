"""Rows that break a CHECK of their table: the source may hold some, made while checks were off, and they must come back."""

from __future__ import annotations

import json

from backups.engines.mysql import text
from backups.engines.mysql.ddl import Definition
from backups.engines.mysql.session import Session
from backups.facts import EngineFacts

# The key of EngineFacts.properties under which they are counted, by table.
PROPERTY = "rows_that_fail_a_check"


def count(session: Session, found: Definition) -> int:
    """Return how many rows of a table break a CHECK; MySQL lets none in and has no way to."""
    if not found.conditions or not session.is_mariadb:
        return 0
    broken = " OR ".join(f"NOT ({condition})" for condition in found.conditions)
    return int(session.value(f"SELECT COUNT(*) FROM {text.name(found.table)} WHERE {broken}"))


def recorded(facts: EngineFacts) -> dict[str, int]:
    """Return what was counted in the source."""
    read: dict[str, int] = json.loads(facts.properties.get(PROPERTY, "{}"))
    return read


def property_of(counted: dict[str, int]) -> dict[str, str]:
    """Return the property that tells of them; none where there are none."""
    some = {table: rows for table, rows in sorted(counted.items()) if rows}
    return {PROPERTY: json.dumps(some)} if some else {}
