"""The foreign keys of a recorded definition, read from the statements that make them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from backups.engines.base import ForeignKey
from backups.schema import Schema

_NAME = r'(?:"(?:[^"]|"")*"|[^\s",().]+)'
_KEY = re.compile(rf"FOREIGN KEY \(({_NAME}(?:, {_NAME})*)\) REFERENCES ({_NAME})(?:\.({_NAME}))?\(")


def foreign_keys(schema: Schema) -> list[ForeignKey]:
    """Return them."""
    return list(_found(schema))


def _found(schema: Schema) -> Iterator[ForeignKey]:
    for statement in schema.statements():
        found = _KEY.search(statement.sql) if statement.kind == "foreign key" else None
        if found:
            columns = tuple(_plain(name) for name in re.findall(_NAME, found[1]))
            yield ForeignKey(statement.table, columns, ".".join(_plain(name) for name in found.group(2, 3) if name))


def _plain(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name
