"""What a table takes of memory, and the same table ten times as long."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import BARE, Lifeboat
from benchmarks.measure import Run
from benchmarks.places import PREFIX, MariaDB, Place, PostgreSQL, SQLite
from benchmarks.scenarios.base import Comparison, Contender, Limit, Scenario, Sizes

_TIMES = 10


class Memory(Scenario):
    """One table of numbers, texts and instants, with an index; its rows are made by the database itself."""

    once: ClassVar[bool] = True
    place_type: ClassVar[type[Place]]

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self._place = self.place_type(folder)
        self._rows = (sizes.memory_rows // _TIMES, sizes.memory_rows)
        names = [f"{PREFIX}_rows_{rows}" for rows in self._rows]
        self._lifeboats = [Lifeboat(self._place, name, f"{name}_restored", BARE) for name in names]

    def prepare(self) -> None:
        for lifeboat, rows in zip(self._lifeboats, self._rows, strict=True):
            self._place.recreate(lifeboat.database)
            self._place.run(lifeboat.database, [*_TABLE, f"{_FILL} FROM {self._place.numbers(rows)}"])
            self._place.settle(lifeboat.database)

    def contenders(self) -> dict[str, Contender]:
        found = {}
        for lifeboat, rows in zip(self._lifeboats, self._rows, strict=True):
            found[_named("backup", rows)] = Contender(partial(lifeboat.back_up, fresh=True))
            found[_named("restore", rows)] = Contender(partial(self._restore, lifeboat, rows))
            found[_named("verification", rows)] = Contender(partial(self._verify, lifeboat))
        return found

    def comparisons(self) -> list[Comparison]:
        few, many = self._rows
        return [
            Comparison(
                f"peak memory of a {verb}, {many:,} rows", _named(verb, many), _named(verb, few), measure="largest"
            )
            for verb in _VERBS
        ]

    def limits(self) -> list[Limit]:
        return [Limit(f"{verb} of {self._rows[1]:,} rows", _named(verb, self._rows[1])) for verb in _VERBS]

    def versions(self) -> list[str]:
        return [self._place.version()]

    def clear(self) -> None:
        for lifeboat in self._lifeboats:
            lifeboat.clear()

    def _restore(self, lifeboat: Lifeboat, rows: int) -> Mapping[str, Run]:
        whole, *_ = lifeboat.restore().values()
        return {_named("restore", rows): whole}

    def _verify(self, lifeboat: Lifeboat) -> Run:
        self._place.drop(lifeboat.restored)
        return lifeboat.verify()


class MemoryOnPostgreSQL(Memory):
    """On PostgreSQL."""

    name: ClassVar[str] = "memory-postgresql"
    title: ClassVar[str] = "memory on PostgreSQL"
    place_type: ClassVar[type[Place]] = PostgreSQL


class MemoryOnMariaDB(Memory):
    """On MariaDB."""

    name: ClassVar[str] = "memory-mariadb"
    title: ClassVar[str] = "memory on MariaDB"
    place_type: ClassVar[type[Place]] = MariaDB


class MemoryOnSQLite(Memory):
    """On SQLite."""

    name: ClassVar[str] = "memory-sqlite"
    title: ClassVar[str] = "memory on SQLite"
    place_type: ClassVar[type[Place]] = SQLite


_VERBS = ("backup", "restore", "verification")
_TABLE = (
    "CREATE TABLE many_rows (id bigint NOT NULL PRIMARY KEY, number bigint NOT NULL, name varchar(80) NOT NULL,"
    " note varchar(80), amount numeric(12, 2) NOT NULL)",
    "CREATE INDEX many_rows_number ON many_rows (number)",
)
_FILL = (
    "INSERT INTO many_rows SELECT n, (n % 100003) * 7919 % 1000003, 'customer number ' || n,"
    " CASE WHEN n % 3 = 0 THEN NULL ELSE 'as ordered on day ' || (n % 365) END, (n % 100000) * 0.25"
)


def _named(verb: str, rows: int) -> str:
    return f"lifeboat: {verb}, {rows:,} rows"
