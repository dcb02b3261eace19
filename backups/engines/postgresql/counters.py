"""Sequences: their values as they are now, and how they are set again."""

from __future__ import annotations

from collections.abc import Iterable

from backups.engines.postgresql.introspection import COVERED_SCHEMA, NO_MEMBER
from backups.engines.postgresql.session import Connection, fetch, literal, relation, run
from backups.engines.postgresql.together import answers
from backups.schema import Sequence

_AT_ONCE = 200

# A sequence belongs to a column automatically (serial) or internally (identity).
_OWNED = f"""
SELECT n.nspname, c.relname, coalesce(tn.nspname || '.' || t.relname, ''), coalesce(a.attname, '')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i')
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE c.relkind = 'S' AND c.relpersistence <> 't' AND {COVERED_SCHEMA} AND {NO_MEMBER}
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""


def read_sequences(connection: Connection) -> list[Sequence]:
    """Return every sequence with its last value; pg_sequences cannot tell one that was never called from one set so."""
    owned = fetch(connection, _OWNED)
    states = answers(
        connection, (f"SELECT ARRAY[last_value, is_called::int] FROM {relation(s, n)}" for s, n, _, _ in owned)
    )
    return [
        Sequence(name, value, bool(called), schema, table, column)
        for (schema, name, table, column), (value, called) in zip(owned, states, strict=True)
    ]


def set_sequences(connection: Connection, sequences: Iterable[Sequence]) -> None:
    """Give each sequence its recorded value."""
    calls = [
        f"setval({literal(relation(s.schema, s.name))}::regclass, {s.value}, {'true' if s.called else 'false'})"
        for s in sequences
    ]
    for start in range(0, len(calls), _AT_ONCE):
        run(connection, f"SELECT {', '.join(calls[start : start + _AT_ONCE])}")
