"""SQL as text: names and values quoted, statements taken apart. Pure; nothing here talks to a server."""

from __future__ import annotations

import re
from collections.abc import Iterator

_QUOTED_NAME = r"`(?:[^`]|``)*`"
_TOKEN = re.compile(
    rf"{_QUOTED_NAME}"
    r"|'(?:[^'\\]|\\.|'')*'"
    r'|"(?:[^"\\]|\\.|"")*"'
    r"|[\w$]+|\s+|.",
    re.DOTALL,
)
_DEFINER = re.compile(rf" DEFINER=(?P<user>{_QUOTED_NAME})(?:@(?P<host>{_QUOTED_NAME}))?")


def name(identifier: str) -> str:
    """Return an identifier in backquotes."""
    return "`" + identifier.replace("`", "``") + "`"


def names(identifiers: Iterator[str] | tuple[str, ...] | list[str]) -> str:
    """Return identifiers in backquotes, with commas between them."""
    return ", ".join(map(name, identifiers))


def unquoted(word: str) -> str:
    """Return the identifier that a word in backquotes stands for."""
    return word[1:-1].replace("``", "`") if word.startswith("`") else word


def string(value: str) -> str:
    """Return a string literal, for a session whose sql_mode lets a backslash escape."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def data(value: bytes) -> str:
    """Return a literal of bytes."""
    return f"X'{value.hex()}'"


def tokens(sql: str) -> Iterator[str]:
    """Yield the tokens of a statement: quoted things whole, words, runs of white space, single other characters."""
    return (found[0] for found in _TOKEN.finditer(sql))


def split(text: str, separator: str = ",") -> list[str]:
    """Split at a separator that stands in no quotes and no parentheses; each part stripped."""
    parts, depth = [""], 0
    for word in tokens(text):
        depth += (word == "(") - (word == ")")
        if word == separator and depth == 0:
            parts.append("")
        else:
            parts[-1] += word
    return [part.strip() for part in parts]


def bracketed(sql: str) -> tuple[str, str, str]:
    """Return what stands before the first parenthesis, inside of it, and behind the one that closes it."""
    parts, where, depth = ["", "", ""], 0, 0
    for word in tokens(sql):
        if (where == 0 and word == "(") or (where == 1 and word == ")" and depth == 0):
            where += 1
            continue
        if where == 1:
            depth += (word == "(") - (word == ")")
        parts[where] += word
    return parts[0], parts[1], parts[2]


def without_definer(sql: str) -> tuple[str, str]:
    """Return a CREATE statement without its definer, and the definer as ``user@host``, empty where it names none."""
    found = _DEFINER.search(sql)
    if found is None:
        return sql, ""
    user, host = unquoted(found["user"]), unquoted(found["host"] or "")
    return sql[: found.start()] + sql[found.end() :], f"{user}@{host}" if host else user


def without_database(sql: str, database: str) -> str:
    """Return a statement whose names no longer say that they lie in this database."""
    kept: list[str] = []
    freed = -1  # where the name stands that a qualifier was taken from: it qualifies what follows, whatever it is
    for word in tokens(sql):
        qualified = word == "." and kept[-1:] == [name(database)] and kept[-2:-1] != ["."]
        if qualified and len(kept) - 1 != freed:
            kept.pop()
            freed = len(kept)
        else:
            kept.append(word)
    return "".join(kept)


def mentioned(sql: str) -> set[str]:
    """Return the names in backquotes that may be tables: neither part of a longer name, nor an alias."""
    found: set[str] = set()
    words = [word for word in tokens(sql) if not word.isspace()]
    for before, word, after in zip(["", *words], words, [*words[1:], ""], strict=False):
        alias = before in {"AS", "as"} or before.startswith("`")
        if word.startswith("`") and not alias and before != "." != after:
            found.add(unquoted(word))
    return found
