"""The shop on each engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import BACK_UP, NEWEST, SHOP, manage
from benchmarks.measure import Run, measured, size_of
from benchmarks.places import PREFIX, MariaDB, Place, PostgreSQL, SQLite
from benchmarks.scenarios.against import Against
from benchmarks.scenarios.base import Comparison, Contender

UNCHANGED = "lifeboat: backup_db, nothing changed"
UNCHANGED_IN_WORKER = "lifeboat: in a worker that runs, nothing changed"
NEWEST_IN_WORKER = "lifeboat: in a worker that runs, 1 % changed in the newest 2 %"
DBBACKUP, DBRESTORE = "django-dbbackup: dbbackup --compress", "django-dbbackup: dbrestore"


class Shop(Against):
    """Customers and orders, with indexes, a foreign key, checks and JSON."""

    source: ClassVar[str] = f"{PREFIX}_shop"
    settings: ClassVar[str] = SHOP

    def prepare(self) -> None:
        self.lifeboat.seed(self.sizes.customers, self.sizes.orders)


class ShopOnPostgreSQL(Shop):
    """The whole lifecycle, and django-dbbackup beside the server's own tools."""

    name: ClassVar[str] = "shop-postgresql"
    title: ClassVar[str] = "shop on PostgreSQL"
    place_type: ClassVar[type[Place]] = PostgreSQL

    def more(self) -> dict[str, Contender]:
        return {
            UNCHANGED: Contender(partial(self.lifeboat.back_up, fresh=False)),
            NEWEST: Contender(self.lifeboat.back_up_changed),
            UNCHANGED_IN_WORKER: Contender(self.lifeboat.back_up_in_worker),
            NEWEST_IN_WORKER: Contender(partial(self.lifeboat.back_up_in_worker, self.lifeboat.change)),
            DBBACKUP: Contender(self._dbbackup, ("pg_dump",)),
            DBRESTORE: Contender(self._dbrestore, ("psql",)),
        }

    def comparisons(self) -> list[Comparison]:
        first, second = (rival.name for rival in self.rivals)
        backup, *restores = self.compared(0.75, 1.1, 2.0)
        return [
            backup,
            Comparison("backup with nothing changed", UNCHANGED, first, 0.15),
            Comparison("backup with 1 % changed in the newest 2 %", NEWEST, first, 0.25),
            Comparison("backup with nothing changed, in a worker that runs", UNCHANGED_IN_WORKER, first, 0.15),
            Comparison(
                "backup with 1 % changed in the newest 2 %, in a worker that runs", NEWEST_IN_WORKER, first, 0.25
            ),
            Comparison("stored bytes of a full backup", BACK_UP, first, 1.0, "stored"),
            Comparison("backup", BACK_UP, second),
            Comparison("backup", BACK_UP, DBBACKUP),
            *restores,
        ]

    @property
    def _dumped(self) -> Path:
        return self.folder / "dbbackup.psql.gz"

    def _dbbackup(self) -> Run:
        self._dumped.unlink(missing_ok=True)
        run = measured(manage("dbbackup", "--compress", "--output-path", str(self._dumped)), self._env(self.source))
        return replace(run, stored=size_of(self._dumped))

    def _dbrestore(self) -> Run:
        self.place.recreate(self.loaded)
        words = ("dbrestore", "--noinput", "--uncompress", "--input-path", str(self._dumped))
        return measured(manage(*words), self._env(self.loaded))

    def _env(self, database: str) -> Mapping[str, str]:
        return self.lifeboat.env(database) | {"DJANGO_SETTINGS_MODULE": "benchmarks.dbbackup_settings"}


class ShopOnMariaDB(Shop):
    """Against mariadb-dump and the client."""

    name: ClassVar[str] = "shop-mariadb"
    title: ClassVar[str] = "shop on MariaDB"
    place_type: ClassVar[type[Place]] = MariaDB

    def comparisons(self) -> list[Comparison]:
        return self.compared(1.0, 1.0)


class ShopOnSQLite(Shop):
    """Against the command line's dump, its load, and a plain copy of the file."""

    name: ClassVar[str] = "shop-sqlite"
    title: ClassVar[str] = "shop on SQLite"
    place_type: ClassVar[type[Place]] = SQLite

    def comparisons(self) -> list[Comparison]:
        backup, *restores = self.compared(1.0, 1.2)
        return [backup, Comparison("backup", BACK_UP, "VACUUM INTO"), *restores]
