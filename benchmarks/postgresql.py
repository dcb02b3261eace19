"""The shop on PostgreSQL: backup and restore against pg_dump, pg_restore, dumpdata and loaddata."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks.measure import Run, measured, size_of

SOURCE, SMALL, TARGET = "lifeboat_bench", "lifeboat_bench_small", "lifeboat_bench_restored"
RESTORE = "lifeboat: restore_db with its proof"
RESTORE_ALONE = "lifeboat: restore_db before its proof"


@dataclass(slots=True)
class Server:
    """A PostgreSQL server to measure on, and a folder for what is made."""

    url: str
    folder: Path

    def url_of(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return urlsplit(self.url)._replace(path=f"/{database}").geturl()

    def env(self, database: str, backups: str = "backups") -> dict[str, str]:
        """Return the environment in which the demonstration project uses a database."""
        return {"DATABASE_URL": self.url_of(database), "BACKUPS_DIR": str(self.folder / backups)}

    def tool(self, name: str, *words: str | Path, database: str) -> list[str | Path]:
        """Return the command line of one of the server's own tools."""
        return [name, "--dbname", self.url_of(database), *words]

    def recreate(self, database: str) -> None:
        """Drop a database, and make it again, empty."""
        self.drop(database)
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))

    def drop(self, database: str) -> None:
        """Drop a database; nothing where there is none."""
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def _admin(self, statement: sql.Composable) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement)


def manage(*words: str) -> list[str]:
    """Return the command line of a management command."""
    return [sys.executable, "manage.py", *words]


@dataclass(slots=True)
class Scenario:
    """Sizes, and what was measured: by contender, the runs of each round; stored bytes by contender."""

    server: Server
    customers: int
    orders: int
    small: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    stored: dict[str, int] = field(default_factory=dict)

    def prepare(self) -> None:
        """Make the databases that are read."""
        self._seed(SOURCE, self.customers, self.orders)
        self._seed(SMALL, max(self.small // 6, 1), self.small)

    def round(self) -> None:
        """Measure every contender once, in turn."""
        for name, contender in self._contenders().items():
            run = contender()
            self.runs.setdefault(name, []).append(run)
            print(f"  {name:42} {run.seconds:8.2f} s  {run.peak / 1e6:7.0f} MB", flush=True)

    def clear(self) -> None:
        """Drop what was made."""
        for database in (SOURCE, SMALL, TARGET):
            self.server.drop(database)

    def _contenders(self) -> dict[str, Callable[[], Run]]:
        return {
            "lifeboat: backup_db": self._back_up,
            "pg_dump -Fc": self._pg_dump,
            RESTORE: self._restore,
            "pg_restore -j2": self._pg_restore,
            f"lifeboat: backup_db, {self.small} orders": self._back_up_small,
            f"dumpdata, {self.small} orders": self._dumpdata,
            f"{RESTORE}, {self.small} orders": self._restore_small,
            f"loaddata, {self.small} orders": self._loaddata,
        }

    def _seed(self, database: str, customers: int, orders: int) -> None:
        self.server.recreate(database)
        env = self.server.env(database)
        measured(manage("migrate", "--verbosity", "0"), env)
        measured(manage("seed_shop", "--customers", str(customers), "--orders", str(orders)), env)
        with psycopg.connect(self.server.url_of(database), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")

    def _back_up(self) -> Run:
        shutil.rmtree(self.server.folder / "backups", ignore_errors=True)
        run = measured(manage("backup_db"), self.server.env(SOURCE))
        self.stored["lifeboat: backup_db"] = size_of(self.server.folder / "backups")
        return run

    def _pg_dump(self) -> Run:
        out = self.server.folder / "dump"
        run = measured(self.server.tool("pg_dump", "-Fc", "-f", out, database=SOURCE))
        self.stored["pg_dump -Fc"] = size_of(out)
        return run

    def _restore(self) -> Run:
        """Restore and prove; what the restore took of it stands in the command's own JSON."""
        self.server.drop(TARGET)
        run = measured(manage("restore_db", "--to", TARGET, "--json"), self.server.env(SOURCE))
        alone = json.loads(run.printed)["seconds"]
        self.runs.setdefault(RESTORE_ALONE, []).append(Run(alone, run.peak))
        return run

    def _pg_restore(self) -> Run:
        self.server.recreate(TARGET)
        return measured(self.server.tool("pg_restore", "-j2", self.server.folder / "dump", database=TARGET))

    def _back_up_small(self) -> Run:
        shutil.rmtree(self.server.folder / "small", ignore_errors=True)
        return measured(manage("backup_db"), self.server.env(SMALL, "small"))

    def _restore_small(self) -> Run:
        self.server.drop(TARGET)
        return measured(manage("restore_db", "--to", TARGET), self.server.env(SMALL, "small"))

    def _dumpdata(self) -> Run:
        out = self.server.folder / "shop.json"
        return measured(manage("dumpdata", "shop", "--output", str(out)), self.server.env(SMALL))

    def _loaddata(self) -> Run:
        self.server.recreate(TARGET)
        measured(manage("migrate", "--verbosity", "0"), self.server.env(TARGET))
        return measured(manage("loaddata", str(self.server.folder / "shop.json")), self.server.env(TARGET))


RATIOS = (
    ("lifeboat: backup_db", "pg_dump -Fc"),
    (RESTORE_ALONE, "pg_restore -j2"),
    (RESTORE, "pg_restore -j2"),
)


def default_url() -> str:
    """Return the server to measure on."""
    return os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
