"""The kind of a column, from its type alone: what docs/format.md calls it, and the detail that the codecs need.

A kind's ``detail``: for ``array`` the class of its elements (``boolean``, ``number``, ``date``, ``timestamp``,
``datetime``, ``text``, or ``exact`` where JSON cannot hold them), for ``range`` the kind of its ends, for ``json`` the
type under any domain, for ``hstore`` the type with the schema that its extension lies in.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from backups.engines.postgresql.session import Connection, fetch

_PLAIN = {
    "int2": "integer",
    "int4": "integer",
    "int8": "integer",
    "bool": "boolean",
    "float4": "float",
    "float8": "float",
    "numeric": "decimal",
    "text": "text",
    "varchar": "text",
    "bpchar": "text",
    "bytea": "binary",
    "timestamptz": "datetime",
    "timestamp": "timestamp",
    "date": "date",
    "time": "time",
    "interval": "duration",
    "uuid": "uuid",
    "inet": "inet",
    "json": "json",
    "jsonb": "json",
}
_RANGE_ENDS = frozenset({"integer", "float", "decimal", "date", "time", "timestamp", "datetime"})
_ELEMENTS = {
    "integer": "number",
    "float": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "datetime": "datetime",
    "json": "exact",
    "binary": "exact",
    "array": "exact",
}

_TYPES = """
WITH RECURSIVE used AS (
    SELECT unnest(%(oids)s::int8[]) AS oid
    UNION
    SELECT x.oid::int8 FROM used u JOIN pg_type t ON t.oid = u.oid LEFT JOIN pg_range r ON r.rngtypid = t.oid
    CROSS JOIN LATERAL (VALUES (t.typbasetype), (t.typelem), (r.rngsubtype)) AS x(oid) WHERE x.oid <> 0
)
SELECT t.oid::int8, t.typname, t.typtype, t.typbasetype::int8, coalesce(e.oid, 0)::int8,
    coalesce(r.rngsubtype, 0)::int8, format_type(t.oid, NULL), t.typnamespace = 'pg_catalog'::regnamespace,
    x.extname IS NOT NULL,
    EXISTS (SELECT FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'json'::regtype AND c.castmethod = 'f')
FROM used u JOIN pg_type t ON t.oid = u.oid
LEFT JOIN pg_type e ON e.oid = t.typelem AND e.typarray = t.oid AND e.typdelim = ','
LEFT JOIN pg_range r ON r.rngtypid = t.oid
LEFT JOIN pg_depend d ON d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e'
LEFT JOIN pg_extension x ON x.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND x.extname = 'hstore'
"""


@dataclass(frozen=True, slots=True)
class Type:
    """One type. ``base``, ``element`` and ``ends`` are oids, 0 where the type is no domain, array or range."""

    name: str
    variety: str
    base: int
    element: int
    ends: int
    spelling: str
    builtin: bool
    from_hstore: bool
    has_json_cast: bool


class Kinds:
    """Tells kinds, having read the types of some columns and all that those types are made of."""

    def __init__(self, connection: Connection, oids: Collection[int]) -> None:
        rows = fetch(connection, _TYPES, {"oids": sorted(set(oids))})
        self._types = {row[0]: Type(*row[1:]) for row in rows}

    def of(self, oid: int) -> tuple[str, str]:
        """Return kind and detail."""
        found = self._types[oid]
        if found.variety == "d":
            return self.of(found.base)
        if found.builtin and found.name in _PLAIN:
            kind = _PLAIN[found.name]
            return kind, found.name if kind == "json" else ""
        if found.from_hstore and found.name == "hstore":
            return "hstore", found.spelling
        if found.element:
            return "array", self._elements(found.element)
        if found.ends and self.of(found.ends)[0] in _RANGE_ENDS:
            return "range", self.of(found.ends)[0]
        return "native", ""

    def _elements(self, oid: int) -> str:
        found = self._types[oid]
        if found.variety == "d":
            return self._elements(found.base)
        if found.variety == "c" or (found.has_json_cast and not found.builtin):
            return "exact"
        return _ELEMENTS.get(self.of(oid)[0], "text")
