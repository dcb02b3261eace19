"""Tables and sequences as statements: columns, defaults, identity, partitions, inheritance, storage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from backups.engines.postgresql.dependencies import Dependencies
from backups.engines.postgresql.introspection import COVERED_SCHEMA, NO_MEMBER
from backups.engines.postgresql.objects import Address, Thing, thing
from backups.engines.postgresql.session import Connection, fetch, quoted, relation
from backups.schema import Statement

_OPTIONS = """concat_ws(', ',
    (SELECT string_agg(format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
        FROM unnest(c.reloptions) o),
    (SELECT string_agg(format('toast.%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
        FROM unnest(x.reloptions) o))"""
_COVERED = f"c.relpersistence <> 't' AND {COVERED_SCHEMA} AND {NO_MEMBER}"

_SEQUENCES = f"""
SELECT c.oid::int8, n.nspname || '.' || c.relname,
    format('CREATE %sSEQUENCE %I.%I AS %s %s', CASE c.relpersistence WHEN 'u' THEN 'UNLOGGED ' ELSE '' END,
        n.nspname, c.relname, format_type(s.seqtypid, NULL), {{options}}),
    CASE WHEN t.oid IS NOT NULL THEN
        format('ALTER SEQUENCE %I.%I OWNED BY %I.%I.%I', n.nspname, c.relname, tn.nspname, t.relname, a.attname) END,
    t.oid::int8, tn.nspname || '.' || t.relname
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid
    AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
LEFT JOIN pg_class t ON t.oid = d.refobjid LEFT JOIN pg_namespace tn ON tn.oid = t.relnamespace
LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = d.refobjsubid
WHERE d.deptype IS DISTINCT FROM 'i' AND {_COVERED}
"""
_SEQUENCE_OPTIONS = """format('START WITH %s INCREMENT BY %s MINVALUE %s MAXVALUE %s CACHE %s%s', s.seqstart, s.seqincrement,
    s.seqmin, s.seqmax, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE '' END)"""
_TABLES = f"""
SELECT c.oid::int8, n.nspname, c.relname, c.relpersistence = 'u', c.relispartition,
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    CASE WHEN am.amname <> 'heap' THEN quote_ident(am.amname) END, {_OPTIONS},
    CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END,
    pg_get_expr(c.relpartbound, c.oid),
    (SELECT array_agg(i.inhparent::int8 ORDER BY i.inhseqno) FROM pg_inherits i WHERE i.inhrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam LEFT JOIN pg_class x ON x.oid = c.reltoastrelid
WHERE c.relkind IN ('r', 'p') AND {_COVERED}
"""
# Of a column's options only those that people set: some distributions' servers keep notes of their own among them.
_COLUMNS = f"""
SELECT a.attrelid::int8, a.attname, a.attislocal,
    format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || a.attcollation::regcollation ELSE '' END
        || CASE a.attcompression WHEN 'p' THEN ' COMPRESSION pglz' WHEN 'l' THEN ' COMPRESSION lz4' ELSE '' END,
    CASE WHEN i.seqname IS NOT NULL THEN format(' GENERATED %s AS IDENTITY (SEQUENCE NAME %s %s)',
        CASE a.attidentity WHEN 'a' THEN 'ALWAYS' ELSE 'BY DEFAULT' END, i.seqname, i.options) END,
    a.attgenerated, pg_get_expr(d.adbin, d.adrelid), d.oid::int8,
    a.attnotnull, nn.conname, nn.conislocal, nn.convalidated, nn.connoinherit, nn.oid::int8,
    CASE WHEN a.attstorage <> t.typstorage THEN CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL'
        WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END,
    (SELECT string_agg(format('%s=%L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ')
        FROM unnest(a.attoptions) o WHERE split_part(o, '=', 1) IN ('n_distinct', 'n_distinct_inherited'))
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
LEFT JOIN pg_constraint nn ON nn.contype = 'n' AND nn.conrelid = a.attrelid AND nn.conkey[1] = a.attnum
LEFT JOIN LATERAL (
    SELECT s.seqrelid::regclass::text AS seqname, {_SEQUENCE_OPTIONS} AS options
    FROM pg_depend o JOIN pg_sequence s ON s.seqrelid = o.objid
    WHERE a.attidentity <> '' AND o.refclassid = 'pg_class'::regclass AND o.refobjid = a.attrelid
        AND o.refobjsubid = a.attnum AND o.classid = 'pg_class'::regclass AND o.deptype = 'i') i ON true
WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND {_COVERED}
ORDER BY a.attrelid, a.attnum
"""


@dataclass(slots=True)
class _Column:
    name: str
    is_local: bool
    type: str
    identity: str | None
    generated: str
    default: str | None
    default_oid: int | None
    not_null: bool
    rule: str | None
    rule_is_local: bool | None
    rule_is_valid: bool | None
    rule_stays: bool | None
    rule_oid: int | None
    storage: str | None
    statistics: int | None
    options: str | None

    def required(self) -> str:
        """Return its NOT NULL clause; PostgreSQL 18 has a name for it, and may not have checked it yet."""
        if not self.not_null or self.rule_is_valid is False:
            return ""
        name = f" CONSTRAINT {quoted(self.rule)}" if self.rule else ""
        return f"{name} NOT NULL{' NO INHERIT' if self.rule_stays else ''}"

    def own_rule(self) -> str:
        """Return its NOT NULL as a constraint of the table, for a column that is inherited without it."""
        return self.required().strip().replace(" NOT NULL", f" NOT NULL {quoted(self.name)}", 1)

    def value(self) -> str:
        """Return its DEFAULT, GENERATED or IDENTITY clause."""
        if self.generated:
            return f" GENERATED ALWAYS AS ({self.default}) {'STORED' if self.generated == 's' else 'VIRTUAL'}"
        return self.identity or (f" DEFAULT {self.default}" if self.default else "")


@dataclass(slots=True)
class _Table:
    oid: int
    schema: str
    name: str
    unlogged: bool
    is_partition: bool
    partitioned: str | None
    method: str | None
    options: str
    of_type: str | None
    bound: str | None
    parents: list[int] | None

    @property
    def sql(self) -> str:
        """Its name in SQL."""
        return relation(self.schema, self.name)

    @property
    def qualified(self) -> str:
        """Its name as people read it."""
        return f"{self.schema}.{self.name}"

    @property
    def address(self) -> Address:
        """Where it is in the catalogue."""
        return "pg_class", self.oid

    def step(self, address: Address, kind: str, name: str, sql: str, *needs: Address) -> Thing:
        """Return an object that is made once the table is there."""
        return Thing(address, [Statement(kind, name, sql, self.qualified)], {self.address, *needs})


class Tables:
    """Writes every table; what needs a function of ours gets its default in a step of its own."""

    def __init__(self, connection: Connection, dependencies: Dependencies) -> None:
        self._dependencies = dependencies
        self._tables = {row[0]: _Table(*row) for row in fetch(connection, _TABLES)}
        self._columns: dict[int, list[_Column]] = {oid: [] for oid in self._tables}
        for row in fetch(connection, _COLUMNS):
            self._columns[row[0]].append(_Column(*row[1:]))

    def things(self) -> Iterator[Thing]:
        """Yield tables, partitions' links, late defaults and rules."""
        for oid, table in self._tables.items():
            # Asked before defaults are counted as their table's.
            late = {column.name for column in self._columns[oid] if self._is_late(column)}
            yield self._table(table, late)
            for column in self._columns[oid]:
                yield from self._steps(table, column, column.name in late)
            parent = self._tables.get(table.parents[0]) if table.is_partition and table.parents else None
            if parent:
                attach = f"ALTER TABLE ONLY {parent.sql} ATTACH PARTITION {table.sql} {table.bound}"
                yield table.step(("attach", oid), "partition", table.qualified, attach, parent.address)

    def _table(self, table: _Table, late: set[str]) -> Thing:
        inherited = self._inherited(table)
        create = self._create(table, late, inherited)
        made = thing("pg_class", table.oid, "table", table.qualified, create, table.qualified)
        changes = [
            (f"{table.qualified}.{column.name}", change)
            for column in self._columns[table.oid]
            for change in _changes(column, inherited.get(column.name), column.name in late)
        ]
        changes += [(table.qualified, f"OF {table.of_type}")] if table.of_type else []
        for name, change in changes:
            statement = f"ALTER TABLE ONLY {table.sql} {change}"
            made.statements.append(Statement("column", name, statement, table.qualified))
        return made

    def _create(self, table: _Table, late: set[str], inherited: dict[str, _Column]) -> str:
        columns = self._columns[table.oid]
        own = [column for column in columns if column.is_local or column.name not in inherited]
        lines = [_line(column, column.name in late, column.name in inherited) for column in own]
        lines += [column.own_rule() for column in columns if column not in own and column.rule_is_local]
        body = ",\n    ".join(filter(None, lines))
        parents = [self._tables[oid].sql for oid in table.parents or [] if oid in self._tables]
        clauses = [
            f"(\n    {body}\n)" if body else "()",
            f"INHERITS ({', '.join(parents)})" if parents and not table.is_partition else "",
            f"PARTITION BY {table.partitioned}" if table.partitioned else "",
            f"USING {table.method}" if table.method else "",
            f"WITH ({table.options})" if table.options else "",
        ]
        return f"CREATE {'UNLOGGED ' if table.unlogged else ''}TABLE {table.sql} " + "\n".join(filter(None, clauses))

    def _inherited(self, table: _Table) -> dict[str, _Column]:
        """Return the columns that it has from its parents; a partition is made alone and attached."""
        found: dict[str, _Column] = {}
        for parent in [] if table.is_partition else table.parents or []:
            for column in self._columns.get(parent, []):
                found.setdefault(column.name, column)
        return found

    def _is_late(self, column: _Column) -> bool:
        if column.default_oid is None or column.generated:
            return False
        return self._dependencies.calls_function(("pg_attrdef", column.default_oid))

    def _steps(self, table: _Table, column: _Column, late: bool) -> Iterator[Thing]:
        """Yield what is said of a column when more is there than its table."""
        name = f"{table.qualified}.{column.name}"
        default = ("pg_attrdef", column.default_oid or 0)
        if late:
            change = f"ALTER TABLE ONLY {table.sql} ALTER COLUMN {quoted(column.name)} SET DEFAULT {column.default}"
            yield table.step(default, "default", name, change)
        elif column.default_oid:
            self._dependencies.fold(default, table.address)
        if column.rule and column.rule_oid and column.rule_is_valid is False and column.rule_is_local:
            rule = f"CONSTRAINT {quoted(column.rule)} NOT NULL {quoted(column.name)} NOT VALID"
            address = ("pg_constraint", column.rule_oid)
            yield table.step(address, "not null", name, f"ALTER TABLE {table.sql} ADD {rule}")


def _line(column: _Column, late: bool, inherited: bool) -> str:
    """Return what CREATE TABLE says of a column."""
    value = "" if late else column.value()
    required = "" if inherited and column.rule and not column.rule_is_local else column.required()
    return f"{quoted(column.name)} {column.type}{value}{required}"


def _changes(column: _Column, parent: _Column | None, late: bool) -> Iterator[str]:
    """Yield what CREATE TABLE does not say of a column, or what it would inherit otherwise."""
    name = quoted(column.name)
    if parent and not column.is_local:
        if column.default != parent.default and not column.generated and not late:
            yield f"ALTER COLUMN {name} SET DEFAULT {column.default or 'NULL'}"
        if column.not_null and not column.rule and not parent.not_null:
            yield f"ALTER COLUMN {name} SET NOT NULL"
    if column.storage:
        yield f"ALTER COLUMN {name} SET STORAGE {column.storage}"
    if column.statistics is not None:
        yield f"ALTER COLUMN {name} SET STATISTICS {column.statistics}"
    if column.options:
        yield f"ALTER COLUMN {name} SET ({column.options})"


def sequences(connection: Connection) -> Iterator[Thing]:
    """Yield every sequence that no identity column has, and whose column it is."""
    query = _SEQUENCES.replace("{options}", _SEQUENCE_OPTIONS)
    for oid, name, sql, owned, table_oid, table in fetch(connection, query):
        yield thing("pg_class", oid, "sequence", name, sql, table or "")
        if table_oid:
            link = thing("owned", oid, "sequence owner", name, owned, table)
            link.needs = {("pg_class", oid), ("pg_class", table_oid)}
            yield link
