"""What each object needs, from pg_depend, with every part of an object counted as the object."""

from __future__ import annotations

from backups.engines.postgresql.introspection import FIRST_OWN_OID
from backups.engines.postgresql.objects import Address, Edges
from backups.engines.postgresql.session import Connection, fetch

# A part, and the object that makes it: row types and array types, rules of views, indexes of constraints, sequences of
# identity columns, defaults, and all that an extension made.
_PARTS = f"""
SELECT 'pg_type', t.oid::int8, 'pg_class', c.oid::int8 FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
WHERE c.relkind <> 'c' AND t.oid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_class', c.oid, 'pg_type', c.reltype FROM pg_class c WHERE c.relkind = 'c'
UNION ALL SELECT 'pg_type', e.typarray, 'pg_type', e.oid FROM pg_type e
WHERE e.typarray <> 0 AND e.oid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_type', r.rngmultitypid, 'pg_type', r.rngtypid FROM pg_range r WHERE r.rngtypid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_rewrite', w.oid, 'pg_class', w.ev_class FROM pg_rewrite w
WHERE w.rulename = '_RETURN' AND w.oid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_constraint', o.oid, 'pg_type', o.contypid FROM pg_constraint o
WHERE o.contypid <> 0 AND o.convalidated AND o.oid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_constraint', o.oid, 'pg_class', o.conrelid FROM pg_constraint o
WHERE o.contype = 'n' AND o.convalidated AND o.conrelid <> 0
UNION ALL SELECT 'pg_class', o.conindid, 'pg_constraint', o.oid FROM pg_constraint o
WHERE o.contype IN ('p', 'u', 'x') AND o.oid >= {FIRST_OWN_OID}
UNION ALL SELECT 'pg_class', d.objid, 'pg_class', d.refobjid FROM pg_depend d JOIN pg_class c ON c.oid = d.objid
WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i' AND c.relkind = 'S'
UNION ALL SELECT d.classid::regclass::text, d.objid, 'pg_extension', d.refobjid FROM pg_depend d
WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
"""
# A sequence does not need the table whose column owns it; it is the other way round.
_NEEDS = f"""
SELECT k.relname, d.objid::int8, r.relname, d.refobjid::int8
FROM (SELECT DISTINCT classid, objid, refclassid, refobjid FROM pg_depend
    WHERE objid >= {FIRST_OWN_OID} AND refobjid >= {FIRST_OWN_OID} AND deptype <> 'e'
    AND NOT (classid = 'pg_class'::regclass AND deptype = 'a' AND refobjsubid > 0
        AND objid IN (SELECT seqrelid FROM pg_sequence))) d
JOIN pg_class k ON k.oid = d.classid JOIN pg_class r ON r.oid = d.refclassid
"""


class Dependencies:
    """Answers what needs what. ``edges`` join whole objects; a column's default is an object here."""

    def __init__(self, connection: Connection) -> None:
        parts = fetch(connection, _PARTS)
        self._whole: dict[Address, Address] = {(part, oid): (whole, of) for part, oid, whole, of in parts}
        self.edges: Edges = {}
        for kind, oid, needed_kind, needed_oid in fetch(connection, _NEEDS):
            self.add(self.whole((kind, oid)), self.whole((needed_kind, needed_oid)))

    def whole(self, address: Address) -> Address:
        """Return the object that something is a part of; the thing itself where it is of no other."""
        for _ in range(5):
            if address not in self._whole:
                break
            address = self._whole[address]
        return address

    def add(self, address: Address, needed: Address) -> None:
        """Note that one object needs another."""
        if address != needed:
            self.edges.setdefault(address, set()).add(needed)

    def fold(self, part: Address, whole: Address) -> None:
        """Count a part as the object that it is written into."""
        self._whole[part] = whole
        for needed in self.edges.pop(part, set()):
            self.add(whole, needed)

    def calls_function(self, address: Address) -> bool:
        """Say whether an object needs a function that no extension made."""
        return any(catalogue == "pg_proc" for catalogue, _ in self.edges.get(address, set()))

    def reachable(self, start: Address) -> set[Address]:
        """Return everything that an object needs, directly or not."""
        found: set[Address] = set()
        waiting = [start]
        while waiting:
            for address in self.edges.get(waiting.pop(), set()) - found:
                found.add(address)
                waiting.append(address)
        return found
