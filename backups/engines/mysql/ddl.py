"""``SHOW CREATE TABLE`` taken apart: what must be there before the rows, what is made after them, and the counter."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backups.engines.mysql import text
from backups.schema import Statement

_KEY = re.compile(r"(?:(UNIQUE|FULLTEXT|SPATIAL|VECTOR) )?KEY (`(?:[^`]|``)*`) ?\(", re.DOTALL)
_CONSTRAINT = re.compile(r"CONSTRAINT (`(?:[^`]|``)*`) (CHECK|FOREIGN KEY) ", re.DOTALL)
_REFERENCES = re.compile(r"\s*REFERENCES (?:(`(?:[^`]|``)*`)\.)?(`(?:[^`]|``)*`) ", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key. ``schema`` is the parent's database, empty where it is the table's own."""

    name: str
    table: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    schema: str = ""

    @property
    def parent_sql(self) -> str:
        """The parent's name as SQL."""
        return f"{text.name(self.schema)}.{text.name(self.parent)}" if self.schema else text.name(self.parent)

    @property
    def parent_name(self) -> str:
        """The parent's name as people read it."""
        return f"{self.schema}.{self.parent}" if self.schema else self.parent


@dataclass(frozen=True, slots=True)
class UniqueKey:
    """An index that no two rows agree on. ``plain`` where whole columns are indexed, in order."""

    name: str
    columns: tuple[str, ...]
    plain: bool


@dataclass(frozen=True, slots=True)
class Definition:
    """One table's definition. ``conditions`` are those of its CHECKs, ``counter`` is the next number of ``counted``.

    ``counted`` is its AUTO_INCREMENT column, if any.
    """

    table: str
    create: Statement
    checks: tuple[Statement, ...]
    indexes: tuple[Statement, ...]
    constraints: tuple[Statement, ...]
    foreign_keys: tuple[ForeignKey, ...]
    unique_keys: tuple[UniqueKey, ...]
    conditions: tuple[str, ...] = ()
    counted: str = ""
    counter: int = 1


def definition(table: str, sql: str, database: str) -> Definition:
    """Take a CREATE TABLE statement apart, as the server writes it for a session that is in ``database``."""
    head, body, options = text.bracketed(text.without_database(sql, database))
    items = text.split(body)
    counted = next((_first_name(item) for item in items if _counts(item)), "")
    inline: list[str] = []
    later: list[str] = []
    for item in items:
        (inline if _stays(item, items, counted) else later).append(item)
    options, counter = _without_counter(options)
    joined = ",\n  ".join(inline)
    return Definition(
        table,
        Statement("table", table, f"{head.strip()} (\n  {joined}\n){options}", table),
        tuple(_statement(table, item) for item in later if _kind(item) == "check"),
        tuple(_statement(table, item) for item in later if _kind(item) == "index"),
        tuple(_statement(table, item) for item in later if _kind(item) == "foreign key"),
        tuple(_foreign_key(table, item) for item in later if _kind(item) == "foreign key"),
        tuple(key for item in items if (key := _unique_key(item))),
        tuple(condition for item in items for condition in _conditions(item)),
        counted,
        counter,
    )


def makes_unique(create: str) -> bool:
    """Say whether a CREATE TABLE statement has a unique key beside its primary one."""
    return any(item.startswith("UNIQUE KEY") for item in text.split(text.bracketed(create)[1]))


def whole(create: Statement, parts: list[Statement]) -> str:
    """Return a CREATE TABLE statement with its checks, indexes and foreign keys in it."""
    head, body, options = text.bracketed(create.sql)
    items = [body.strip(), *(_item(part) for part in parts)]
    return f"{head}(\n  " + ",\n  ".join(items) + f"\n){options}"


def is_unique(index: Statement) -> bool:
    """Say whether a statement makes a unique index."""
    return _item(index).startswith("UNIQUE")


def begins_with(index: Statement, needed: list[tuple[str, ...]]) -> bool:
    """Say whether the index that a statement makes begins with any of these columns, in order."""
    columns = _key_columns(_item(index))
    return any(columns[: len(one)] == one for one in needed)


def _item(part: Statement) -> str:
    return part.sql.removeprefix(f"{alter(part.table)}ADD ")


def _kind(item: str) -> str:
    if item.startswith("CONSTRAINT"):
        found = _CONSTRAINT.match(item)
        return "" if found is None else "check" if found[2] == "CHECK" else "foreign key"
    return "index" if _KEY.match(item) else ""


def _stays(item: str, items: list[str], counted: str) -> bool:
    """Columns, periods and the primary key stay, and indexes that the table cannot be made, or found a row in, without."""
    kind = _kind(item)
    if kind != "index":
        return not kind
    if counted and counted in _key_columns(item):
        return True
    return item.startswith("UNIQUE") and not any(other.startswith("PRIMARY KEY") for other in items)


def _statement(table: str, item: str) -> Statement:
    found = _CONSTRAINT.match(item) or _KEY.match(item)
    if found is None:
        raise ValueError(f"{item!r} has no name")
    own = text.unquoted(found[1] if item.startswith("CONSTRAINT") else found[2])
    return Statement(_kind(item), own, f"{alter(table)}ADD {item}", table)


def alter(table: str) -> str:
    """Return how every statement that is made after the rows begins."""
    return f"ALTER TABLE {text.name(table)} "


def foreign_key_of(statement: Statement) -> ForeignKey:
    """Return the foreign key that a statement makes."""
    return _foreign_key(statement.table, _item(statement))


def _foreign_key(table: str, item: str) -> ForeignKey:
    head, columns, rest = text.bracketed(item)
    _, parent_columns, _ = text.bracketed(rest)
    parent, own = _REFERENCES.match(rest), _CONSTRAINT.match(head)
    if parent is None or own is None:
        raise ValueError(f"{item!r} is not a foreign key")
    return ForeignKey(
        text.unquoted(own[1]),
        table,
        _listed(columns),
        text.unquoted(parent[2]),
        _listed(parent_columns),
        text.unquoted(parent[1] or ""),
    )


def _unique_key(item: str) -> UniqueKey | None:
    primary = item.startswith("PRIMARY KEY")
    found = _KEY.match(item)
    if not primary and (found is None or found[1] != "UNIQUE"):
        return None
    _, columns, rest = text.bracketed(item)
    plain = all(re.fullmatch(r"`(?:[^`]|``)*`", part) for part in text.split(columns)) and "USING HASH" not in rest
    return UniqueKey("PRIMARY" if found is None else text.unquoted(found[2]), _listed(columns), plain)


def _conditions(item: str) -> list[str]:
    """Return the condition of the CHECK that an item is, or has: a column may have one."""
    if "CHECK" not in text.tokens(item):
        return []
    words = list(text.tokens(item))
    return [text.bracketed("".join(words[words.index("CHECK") :]))[1]]


def _key_columns(item: str) -> tuple[str, ...]:
    return _listed(text.bracketed(item)[1])


def _listed(columns: str) -> tuple[str, ...]:
    return tuple(_first_name(part) for part in text.split(columns))


def _first_name(item: str) -> str:
    return text.unquoted(next(text.tokens(item)))


def _counts(item: str) -> bool:
    return item.startswith("`") and "AUTO_INCREMENT" in text.tokens(item)


def _without_counter(options: str) -> tuple[str, int]:
    """Return the table's options without AUTO_INCREMENT, which is a counter's state, and that state."""
    kept = list(text.tokens(options))
    if "AUTO_INCREMENT" not in kept:
        return options, 1
    at = kept.index("AUTO_INCREMENT")
    return "".join(kept[: at - 1] + kept[at + 3 :]), int(kept[at + 2])
