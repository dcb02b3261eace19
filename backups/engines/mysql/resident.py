"""A MariaDB or MySQL database that is there already and stays: filled while it is empty, emptied again where that fails."""

from __future__ import annotations

from backups.engines.mysql import errors, text, unfinished, violations
from backups.engines.mysql.engine import MySqlEngine
from backups.engines.mysql.session import Session
from backups.exceptions import TargetExists
from backups.facts import EngineFacts

_TABLES = """
SELECT CASE TABLE_TYPE WHEN 'VIEW' THEN 'VIEW' WHEN 'SEQUENCE' THEN 'SEQUENCE' ELSE 'TABLE' END, TABLE_NAME
FROM information_schema.TABLES WHERE TABLE_SCHEMA = {0} ORDER BY 1 DESC, 2
"""
_ROUTINES = (
    "SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = {0} ORDER BY 1, 2"
)
_EVENTS = "SELECT 'EVENT', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = {0} ORDER BY 2"


class ResidentMySql(MySqlEngine):
    """See ``Engine.resident``."""

    def holds(self) -> list[str]:
        """See ``Engine.holds``."""
        with errors.making(self.describe()), self._inside() as session:
            return [name for _, name in _everything(session, self.name)]

    def create(self, facts: EngineFacts) -> None:
        """Take the database while it is empty, with the source's character set and collation."""
        found = self.holds()
        if found:
            raise TargetExists(f"{self.describe()} is not empty: it holds {', '.join(found[:5])}.")
        self._violations = violations.recorded(facts)
        charset, collation = (facts.properties.get(name, "") for name in ("charset", "collation"))
        wanted = f" CHARACTER SET {text.name(charset)}" if charset else ""
        wanted += f" COLLATE {text.name(collation)}" if collation else ""
        with errors.making(self.describe()), self._inside() as session:
            if wanted:
                session.run(f"ALTER DATABASE {text.name(self.name)}{wanted}")
            unfinished.put(session, self.name)

    def drop(self) -> None:
        """Remove all that is in the database, and the mark."""
        with errors.making(self.describe()), self._inside() as session:
            session.set({"foreign_key_checks": 0})
            for kind, name in _everything(session, self.name):
                session.run(f"DROP {kind} IF EXISTS {text.name(name)}")
            unfinished.unmark(session, self.name)


def _everything(session: Session, database: str) -> list[tuple[str, str]]:
    """Return the kind and the name of everything in a database, in an order to drop it; a package before its body."""
    queries = (_TABLES, _ROUTINES, _EVENTS)
    found = [
        (str(kind), str(name)) for sql in queries for kind, name in session.query(sql.format(text.string(database)))
    ]
    return [(kind, name) for kind, name in found if kind != "PACKAGE BODY"]
