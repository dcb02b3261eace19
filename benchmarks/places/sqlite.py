"""SQLite files; rivals: the command line's ``.dump`` piped through zstd, its ``.read``, and ``VACUUM INTO``."""

from __future__ import annotations

import shlex
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import ClassVar

from benchmarks.measure import Run, measured, piped
from benchmarks.places.base import Place, Rival


class SQLite(Place):
    """Files in the folder of the run."""

    vendor: ClassVar[str] = "sqlite"
    title: ClassVar[str] = "SQLite"

    def path(self, database: str) -> Path:
        """Return the file of a database."""
        return self.folder / f"{database}.sqlite3"

    def url(self, database: str) -> str:
        return f"sqlite:///{self.path(database)}"

    def target(self, database: str) -> str:
        return str(self.path(database))

    def recreate(self, database: str) -> None:
        self.drop(database)
        self.path(database).touch()

    def drop(self, database: str) -> None:
        path = self.path(database)
        for beside in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + beside).unlink(missing_ok=True)

    def run(self, database: str, statements: Sequence[str]) -> None:
        with closing(sqlite3.connect(self.path(database), isolation_level=None)) as connection:
            for statement in statements:
                connection.execute(statement)

    def version(self) -> str:
        return f"{self.title} {sqlite3.sqlite_version}"

    def settle(self, database: str) -> None:
        self.run(database, ["VACUUM", "ANALYZE"])

    def rivals(self) -> list[Rival]:
        return [
            Rival("sqlite3 .dump | zstd", ("sqlite3", "zstd"), self._dump, self._load, "sqlite3 .read"),
            Rival("VACUUM INTO", ("sqlite3",), self._vacuum),
        ]

    def numbers(self, count: int) -> str:
        return f"(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT {count}) SELECT n FROM c) AS numbers"

    def _dump(self, database: str, out: Path) -> Run:
        return piped(f"sqlite3 {self._quoted(database)} .dump | zstd --quiet --force -o {shlex.quote(str(out))}")

    def _load(self, dump: Path, database: str) -> Run:
        """Load from plain text: what it takes to decompress the dump is not counted against the rival."""
        plain = dump.with_suffix(".sql")
        measured(["zstd", "--quiet", "--force", "--decompress", dump, "-o", plain])
        self.drop(database)
        try:
            return measured(["sqlite3", self.path(database), f".read {shlex.quote(str(plain))}"])
        finally:
            plain.unlink()

    def _vacuum(self, database: str, out: Path) -> Run:
        return measured(["sqlite3", self.path(database), f"VACUUM INTO '{out}'"])

    def _quoted(self, database: str) -> str:
        return shlex.quote(str(self.path(database)))
