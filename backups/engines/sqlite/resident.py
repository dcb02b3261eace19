"""An empty SQLite file that is there already: the restored database takes its place once it is proven."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from backups.engines.sqlite.engine import SQLiteEngine
from backups.engines.sqlite.place import Place
from backups.exceptions import TargetError, TargetExists


class ResidentSQLite(SQLiteEngine):
    """See ``Engine.resident``. A file can always be made, so that only the last step differs."""

    def holds(self) -> list[str]:
        """See ``Engine.holds``."""
        path = self.place.path
        if path is None or not path.exists():
            return []
        try:
            with closing(sqlite3.connect(self.place.uri("ro"), uri=True)) as connection:
                return [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY 1")]
        except sqlite3.Error as error:
            raise TargetError(f"The {self.describe()} cannot be looked into: {error}.") from error

    def rename(self, name: str) -> None:
        """Put this database in the place of the empty file of that name."""
        empty = self.at(name)
        found = empty.holds()
        if found:
            raise TargetExists(f"The {empty.describe()} is not empty any more: it holds {', '.join(found[:5])}.")
        for file in Place.of(empty.name).files():
            file.unlink(missing_ok=True)
        super().rename(name)
