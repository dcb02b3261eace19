"""Connections to SQLite with nothing between: driver values as they are, text that need not be UTF-8, errors of ours."""

from __future__ import annotations

import math
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.db import Error as DjangoError
from django.db.backends.base.base import BaseDatabaseWrapper

from backups.exceptions import BackupsError, SourceCorrupt, SourceError

_PATIENCE = 30.0  # seconds to wait for a writer
_CORRUPT = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_EVERY = 2**31 - 1  # how many messages a check may give; it stops at a hundred by itself
_CHECK_FAILED = "CHECK constraint failed in "
_OTHER_RULES = ("NULL value in ", "NUMERIC value in ", "TEXT value in ")


def raw_options(options: dict[str, Any]) -> dict[str, Any]:
    """Return connection options with which dates stay the text that they are and a busy writer is waited for."""
    patience = max(float(options.get("timeout", 0)), _PATIENCE)
    return {**options, "detect_types": 0, "timeout": patience}


def opened(wrapper: BaseDatabaseWrapper) -> sqlite3.Connection:
    """Connect and return the driver's own connection, in autocommit; it has all functions that Django's has."""
    wrapper.connect()
    connection: sqlite3.Connection = wrapper.connection
    connection.text_factory = _text
    connection.create_function("lifeboat_sign", 1, _sign, deterministic=True)
    return connection


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _sign(number: float | None) -> float | None:
    """Return 1 or -1, for zeros too: SQL sees no difference between 0.0 and -0.0."""
    return None if number is None else math.copysign(1.0, number)


def code_of(error: BaseException) -> int:
    """Return SQLite's primary result code, 0 where there is none."""
    cause = error if isinstance(error, sqlite3.Error) else error.__cause__
    return int(getattr(cause, "sqlite_errorcode", 0)) & 0xFF


@contextmanager
def reading(title: str) -> Iterator[None]:
    """Turn the driver's errors into SourceCorrupt and SourceError that name the database."""
    try:
        yield
    except BackupsError:
        raise
    except (sqlite3.Error, DjangoError, OSError) as error:
        if code_of(error) in _CORRUPT:
            raise SourceCorrupt(f"The {title} is damaged: {error}.") from error
        raise SourceError(f"The {title} cannot be read: {error}.") from error


def pragma(connection: sqlite3.Connection, name: str) -> str:
    """Return the one value of a pragma as text, empty where there is none."""
    row = connection.execute(f"PRAGMA {name}").fetchone()
    return "" if row is None else str(row[0])


def quoted(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Condition:
    """What a check of the file found: the first damage, and how many rows of each table break a CHECK of it."""

    damage: str = ""
    violations: dict[str, int] = field(default_factory=dict)


def condition_of(connection: sqlite3.Connection) -> Condition:
    """Run ``quick_check``, which looks at every page and every row, but not for the rows' entries in indexes.

    Rows that break a rule of their own table are no damage of the file: something wrote them past the rule, or the rule
    has come to mean something else, as json_valid() did.
    """
    try:
        messages = connection.execute(f"PRAGMA quick_check({_EVERY})")
    except sqlite3.OperationalError:
        # A CHECK calls a function that only the application has.
        pragma(connection, "ignore_check_constraints = ON")
        messages = connection.execute(f"PRAGMA quick_check({_EVERY})")
    violations: Counter[str] = Counter()
    for (message,) in messages:
        if message.startswith(_CHECK_FAILED):
            violations[message.removeprefix(_CHECK_FAILED)] += 1
        elif message != "ok" and not message.startswith(_OTHER_RULES):
            return Condition(message)
    return Condition(violations=dict(sorted(violations.items())))
