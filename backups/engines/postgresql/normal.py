"""The normal form of a statement: what PostgreSQL may spell in another way once it has parsed its own text again.

Known and seen, each rewritten exactly and no further, so that every other difference still counts:

- ``x IN ('a', 'b')`` on a varchar comes out as ``(ARRAY['a'::character varying, …])::text[]``, and once parsed again as
  ``ARRAY[('a'::character varying)::text, …]``;
- PostgreSQL 18 has names for what earlier ones only know as NOT NULL;
- since PostgreSQL 16 a view of one table does not qualify its columns;
- a foreign key that the source itself breaks can only come back as NOT VALID.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_MARK = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|[(\[]|[)\]]|,""")
_CAST = re.compile(r'\)::((?:"(?:[^"]|"")*"|[\w .])+?(?:\(\d+(?:,\d+)?\))?)\[\]')
_RULE = re.compile(r' CONSTRAINT (?:"(?:[^"]|"")*"|\w+) NOT NULL')
_VIEW = re.compile(r'(CREATE (?:MATERIALIZED )?VIEW (?:[^\n"]|"[^"]*")* AS\n)(.*)', re.DOTALL)
_WORD = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|\s+|.""", re.DOTALL)
_SEVERAL = frozenset({"UNION", "INTERSECT", "EXCEPT"})
_CLAUSES = frozenset({"WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "LIMIT", "OFFSET", "FETCH", "FOR", "WITH"})
_QUERIES = frozenset({"SELECT", "WITH", "VALUES"})


def normal(sql: str) -> str:
    """Return the normal form of a statement."""
    if "(ARRAY[" in sql:
        sql = _with_casts_inside(sql)
    if " NOT NULL" in sql:
        sql = _RULE.sub(" NOT NULL", sql)
    if " FOREIGN KEY (" in sql:
        sql = sql.removesuffix(" NOT VALID")
    if view := _VIEW.fullmatch(sql):
        sql = view[1] + _unqualified(view[2])
    return sql


def _with_casts_inside(sql: str) -> str:
    """Give a cast of an array of expressions to each of them."""
    start = sql.find("(ARRAY[")
    while start >= 0:
        first = start + len("(ARRAY[")
        cuts = list(_cuts(sql, first))
        cast = _CAST.match(sql, cuts[-1] + 1) if cuts else None
        if cast:
            starts = [first, *(cut + 1 for cut in cuts)]
            parts = [sql[begin:end].strip() for begin, end in zip(starts, cuts, strict=False)]
            inside = ", ".join(f"({part})::{cast[1]}" for part in parts)
            sql = f"{sql[:start]}ARRAY[{inside}]{sql[cast.end() :]}"
        start = sql.find("(ARRAY[", start + 1)
    return sql


def _cuts(sql: str, start: int) -> Iterator[int]:
    """Yield where the commas of a list are, and at last where the bracket is that closes it."""
    depth = 0
    for found in _MARK.finditer(sql, start):
        mark = found[0]
        if mark in "([":
            depth += 1
        elif mark in ")]" and depth:
            depth -= 1
        elif mark in ",)]" and not depth:
            yield found.start()
            if mark != ",":
                return


def _unqualified(query: str) -> str:
    """Take the qualifier from the columns of a query of one table, view or function, but not inside subqueries."""
    words = _WORD.findall(query)
    levels = list(_levels(words))
    top = [i for i, level in enumerate(levels) if level == 0]
    froms = [i for i in top if words[i] == "FROM"]
    if len(froms) != 1 or any(words[i] in _SEVERAL for i in top):
        return query
    end = next((i for i in top if i > froms[0] and words[i] in _CLAUSES), len(words))
    source = [i for i in range(froms[0] + 1, end) if not words[i].isspace()]
    named = [words[i] for i in source if levels[i] == 0 and (words[i][0] == '"' or words[i].isidentifier())]
    is_join = words[source[0]] == "(" and words[source[1]] not in _QUERIES
    if not named or is_join or any(words[i] == "," and levels[i] == 0 for i in source):
        return query
    kept = []
    skip = -1
    for i, word in enumerate(words):
        is_qualifier = word == named[-1] and words[i + 1 : i + 2] == ["."] and levels[i] is not None
        if is_qualifier and not froms[0] < i < end:
            skip = i + 1
        elif i != skip:
            kept.append(word)
    return "".join(kept)


def _levels(words: list[str]) -> Iterator[int | None]:
    """Yield for each word how many brackets it is in; None inside a subquery."""
    stack: list[bool] = []
    for i, word in enumerate(words):
        if word == "(":
            following = next((w for w in words[i + 1 :] if not w.isspace()), "")
            yield None if any(stack) else len(stack)
            stack.append(following in _QUERIES)
            continue
        if word == ")" and stack:
            stack.pop()
        yield None if any(stack) else len(stack)
