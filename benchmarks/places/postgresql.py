"""A PostgreSQL server; rivals: pg_dump in its two compressed formats, and pg_restore."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from benchmarks.measure import Run, measured
from benchmarks.places.base import Place, Rival

ADDRESS = os.environ.get("BENCH_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")


class PostgreSQL(Place):
    """The server of ``BENCH_POSTGRES_URL``."""

    vendor: ClassVar[str] = "postgresql"
    title: ClassVar[str] = "PostgreSQL"

    def url(self, database: str) -> str:
        return urlsplit(ADDRESS)._replace(path=f"/{database}").geturl()

    def recreate(self, database: str) -> None:
        self.drop(database)
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(database)))

    def drop(self, database: str) -> None:
        self._admin(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))

    def run(self, database: str, statements: Sequence[str]) -> None:
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def version(self) -> str:
        with psycopg.connect(ADDRESS) as connection:
            return f"{self.title} {connection.info.parameter_status('server_version')}"

    def settle(self, database: str) -> None:
        self.run(database, ["VACUUM ANALYZE", "CHECKPOINT"])

    def rivals(self) -> list[Rival]:
        return [
            Rival("pg_dump -Fc", ("pg_dump", "pg_restore"), self._dump, self._load, "pg_restore -j2"),
            Rival("pg_dump -Fd -j2", ("pg_dump",), self._dump_folder),
        ]

    def numbers(self, count: int) -> str:
        return f"generate_series(1, {count}) AS numbers(n)"

    def _dump(self, database: str, out: Path) -> Run:
        return measured(["pg_dump", "--dbname", self.url(database), "-Fc", "-f", out])

    def _dump_folder(self, database: str, out: Path) -> Run:
        return measured(["pg_dump", "--dbname", self.url(database), "-Fd", "-j2", "-f", out])

    def _load(self, dump: Path, database: str) -> Run:
        self.recreate(database)
        return measured(["pg_restore", "--dbname", self.url(database), "-j2", dump])

    def _admin(self, statement: sql.Composable) -> None:
        with psycopg.connect(ADDRESS, autocommit=True) as connection:
            connection.execute(statement)
