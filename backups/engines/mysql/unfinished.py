"""The mark of a database that is being made: the comment that MariaDB keeps of it, from its creation to ``settle``.

MySQL keeps none. What a killed restore leaves there is not told from any other database, and so never replaced.
"""

from __future__ import annotations

from backups.engines.mysql import text
from backups.engines.mysql.session import Session

_MARK = "lifeboat: not whole yet, a restore is filling it or was killed"


def mark(session: Session) -> str:
    """Return the end of a CREATE DATABASE that marks what it makes."""
    return f" COMMENT {text.string(_MARK)}" if session.is_mariadb else ""


def put(session: Session, database: str) -> None:
    """Mark a database that is there."""
    if session.is_mariadb:
        session.run(f"ALTER DATABASE {text.name(database)} COMMENT {text.string(_MARK)}")


def unmark(session: Session, database: str) -> None:
    """Take the mark away."""
    if session.is_mariadb:
        session.run(f"ALTER DATABASE {text.name(database)} COMMENT ''")


def is_marked(session: Session, database: str) -> bool:
    """Say whether there is a database of that name and it has the mark."""
    if not session.is_mariadb:
        return False
    sql = f"SELECT SCHEMA_COMMENT FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = {text.string(database)}"
    return bool(session.value(sql) == _MARK)
