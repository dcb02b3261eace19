r"""The expression that makes the server write a row's canonical line itself (docs/format.md, "Rows").

Each column has a ``Written``: SQL for its canonical text as JSON, and where Django's form cannot say every value of its
type, a guard that is true for those and SQL for what stands in ``exact`` instead. All guards of a row are asked first, as
one, so that an ordinary row pays for ``exact`` once.

Traps: ``to_char`` of infinity is NULL, and drops BC silently; one NULL makes a whole line NULL; ``::text`` of char(n)
strips blanks and of inet adds a mask, so ``concat`` stands for "what the type's output function says"; a composite value
of which any part is NULL is not ``IS NOT NULL``, but is ``DISTINCT FROM NULL``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from backups.engines.postgresql.session import literal, quoted
from backups.rows import JSON_NULL
from backups.tables import Column, Table

_MOMENT = "'YYYY-MM-DD\"T\"HH24:MI:SS.US'"
_REMEMBERED = 4096  # expressions, asked for twice by each backup
_NON_FINITE = "('NaN', 'Infinity', '-Infinity')"
# A high surrogate that no low one follows, or a low one that no high one leads, once no backslash is escaped.
_LONE_SURROGATE = (
    r"'\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]'"
)


@dataclass(frozen=True, slots=True)
class Written:
    """SQL for one column's value: as JSON, NULL for NULL; when it is exact instead; and what stands there then."""

    value: str
    guard: str = ""
    exact: str = ""


@lru_cache(maxsize=_REMEMBERED)
def line_expression(table: Table, end: str = "") -> str:
    """Return the SQL expression of a row's line and what ends it, a line feed or nothing."""
    written = {column.name: _written(column) for column in table.columns}
    plain = {column.name: _value(column, written[column.name]) for column in table.columns}
    able = [column for column in table.columns if written[column.name].guard]
    if not able:
        return _line(table, plain, "", end)
    guards = " OR ".join(f"({written[column.name].guard})" for column in able)
    careful = plain | {c.name: f"CASE WHEN {written[c.name].guard} THEN 'null' ELSE {plain[c.name]} END" for c in able}
    exact, ordinary = _line(table, careful, _beside(able, written), end), _line(table, plain, "", end)
    return f"CASE WHEN {guards} THEN {exact} ELSE {ordinary} END"


def _line(table: Table, values: dict[str, str], beside: str, end: str) -> str:
    parts = [literal(f'{{"model":{_json(table.label)},"pk":'), *_pk(table, values), literal(',"fields":{')]
    comma = ""
    for column in table.columns:
        if column.name not in table.pk:
            parts += [literal(f"{comma}{_json(column.field)}:"), values[column.name]]
            comma = ","
    parts += [literal("}"), *([beside] if beside else []), literal(f"}}{end}")]
    return _joined(_merged(parts))


def canonical(kind: str, value: str) -> Written:
    """Return SQL for the canonical text of a kind that has one, before any quotes: an end of a range, or a column."""
    if kind == "float":
        return Written(f"{value}::text", f"{value} IN {_NON_FINITE}")
    if kind == "decimal":
        # Whatever is not finite takes as little room as zero does: looking at the size spares comparing most numbers.
        return Written(f"{value}::text", f"pg_column_size({value}) <= 6 AND {value} IN {_NON_FINITE}")
    if kind == "datetime":
        return Written(f"to_char({value}, {_MOMENT}) || 'Z'", _outside(value, "timestamptz", "+00"))
    if kind == "timestamp":
        return Written(f"to_char({value}, {_MOMENT})", _outside(value, "timestamp", ""))
    if kind == "date":
        return Written(f"{value}::text", f"NOT {value} BETWEEN date '0001-01-01' AND date '9999-12-31'")
    if kind == "time":
        return Written(f"to_char({value}::time, 'HH24:MI:SS.US')", f"{value} = time '24:00'")
    return Written(f"{value}::text")


def _written(column: Column) -> Written:
    value, kind = quoted(column.name), column.kind
    text = f"concat({value})"
    exact = f"""'{{"text":' || to_json({text}) || '}}'"""
    if kind in ("integer", "boolean"):
        return Written(f"{value}::text")
    if kind == "uuid":
        return Written(f"""'"' || {value}::text || '"'""")
    if kind == "text":
        return Written(f"to_json({value})::text")
    if kind == "binary":
        coded = f"encode({value}, 'base64')"
        unbroken = f"CASE WHEN length({value}) >= 57 THEN translate({coded}, E'\\n', '') ELSE {coded} END"
        return Written(f"""'"' || {unbroken} || '"'""")
    if kind == "json":
        return _json_written(value, column.detail)
    if kind == "array":
        return Written(f"to_json({value})::text", _odd_array(value, column.detail), exact)
    if kind == "hstore":
        schema, dot, _ = column.detail.rpartition(".")
        return Written(f"to_json({schema}{dot}hstore_to_json({value})::text)::text")
    if kind == "duration":
        return _duration(value, exact)
    if kind == "range":
        return _range(value, column.detail, exact)
    if kind in ("float", "decimal", "datetime", "timestamp", "date", "time"):
        plain = canonical(kind, value)
        in_quotes = f"""'"' || {plain.value} || '"'"""
        marker = f"""'"' || {value}::text || '"'""" if kind in ("float", "decimal") else exact
        return Written(plain.value if kind == "float" else in_quotes, plain.guard, marker)
    return Written(f"CASE WHEN {value} IS DISTINCT FROM NULL THEN to_json({text})::text END")


def _value(column: Column, written: Written) -> str:
    return f"coalesce({written.value}, 'null')" if column.nullable else f"({written.value})"


def _pk(table: Table, values: dict[str, str]) -> list[str]:
    if not table.pk:
        return [literal("null")]
    if len(table.pk) == 1:
        return [values[table.pk[0]]]
    parts = [literal("[")]
    for i, name in enumerate(table.pk):
        parts += [literal("," if i else ""), values[name]]
    return [*parts, literal("]")]


def _beside(able: Sequence[Column], written: dict[str, Written]) -> str:
    """Return the ``exact`` member, for a row that needs it."""
    entries = ", ".join(
        f"CASE WHEN {written[c.name].guard} THEN {literal(_json(c.field) + ':')} || {written[c.name].exact} END"
        for c in able
    )
    return f"""(',"exact":{{' || array_to_string(ARRAY[{entries}], ',') || '}}')"""


def _json_written(value: str, base: str) -> Written:
    text = f"{value}::text"
    if base == "jsonb":
        return Written(text, f"pg_column_size({value}) <= 12 AND {value} = 'null'::jsonb", literal(_json(JSON_NULL)))
    single = f"replace({text}, '\\\\', 'xx')"
    guard = (
        f"{text} = 'null' OR {text} <> btrim({text}, E' \\t\\r\\n') OR strpos({text}, E'\\n') > 0 "
        f"OR strpos({text}, E'\\r') > 0 OR ({text} ~ '\\\\u[dD][89a-fA-F]' AND {single} ~ {_LONE_SURROGATE})"
    )
    exact = f"""CASE WHEN {text} = 'null' THEN {literal(_json(JSON_NULL))} ELSE '{{"text":' || to_json({text}) || '}}' END"""
    return Written(text, guard, exact)


def _odd_array(value: str, elements: str) -> str:
    if elements == "exact":
        return f"{value} IS NOT NULL"
    return " OR ".join(f"array_lower({value}, {i}) <> 1" for i in range(1, 7))


def _duration(value: str, exact: str) -> Written:
    """Django writes a count of days and a time of day; below nothing, the sign and how much it is below."""
    days = f"extract(day FROM {value})"
    clock = f"({value} - make_interval(days => {days}::int))"
    # Negated one day up, so that the least number of days has a counterpart.
    negated = (
        f"CASE WHEN {clock} = interval '0' THEN -{value} ELSE -({value} + interval '1 day') + interval '24:00' END"
    )
    pattern = """'"P"FMDD"DT"HH24"H"MI"M"SS.US"S"'"""
    written = f"CASE WHEN {days} >= 0 THEN to_char({value}, {pattern}) ELSE '-' || to_char({negated}, {pattern}) END"
    months = f"extract(year FROM {value}) <> 0 OR extract(month FROM {value}) <> 0"
    # Only where there are no months do days and clock say anything; CASE keeps infinity from them.
    guard = (
        f"CASE WHEN {months} THEN true WHEN {value} IS NULL THEN false ELSE {clock} < interval '0' "
        f"OR {clock} >= interval '24:00' OR {days} = -2147483648 END"
    )
    return Written(f"""'"' || replace({written}, '.000000S', 'S') || '"'""", guard, exact)


def _range(value: str, kind: str, exact: str) -> Written:
    low, high = canonical(kind, f"lower({value})"), canonical(kind, f"upper({value})")

    def end(written: str) -> str:
        return f"""coalesce('"' || {written} || '"', 'null')"""

    bounds = (
        f"""CASE WHEN lower_inc({value}) THEN '[' ELSE '(' END || CASE WHEN upper_inc({value}) THEN ']' ELSE ')' END"""
    )
    whole = f"""'{{"lower": ' || {end(low.value)} || ', "upper": ' || {end(high.value)} || ', "bounds": "' || {bounds} || '"}}'"""
    text = f"""CASE WHEN {value} IS NULL THEN NULL WHEN isempty({value}) THEN '{{"empty": true}}' ELSE {whole} END"""
    guard = " OR ".join(filter(None, (low.guard, high.guard)))
    return Written(f"to_json({text})::text", guard, exact)


def _outside(value: str, kind: str, zone: str) -> str:
    return f"{value} < {kind} '0001-01-01 00:00:00{zone}' OR {value} >= {kind} '10000-01-01 00:00:00{zone}'"


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _merged(parts: Sequence[str]) -> list[str]:
    """Join neighbouring literals, since each is work for every row."""
    merged: list[str] = []
    for part in parts:
        if merged and _is_literal(merged[-1]) and _is_literal(part):
            merged[-1] = merged[-1][:-1] + part[1:]
        else:
            merged.append(part)
    return merged


def _is_literal(part: str) -> bool:
    return part[0] == part[-1] == "'" and "'" not in part[1:-1].replace("''", "")


def _joined(parts: Sequence[str]) -> str:
    """Concatenate as a balanced tree, which copies less and nests less deeply than a chain."""
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return f"({_joined(parts[:middle])} || {_joined(parts[middle:])})"
