"""A MariaDB server; rival: mariadb-dump of one transaction piped through gzip, and the client that loads it."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import unquote, urlsplit

from benchmarks.measure import Run, piped
from benchmarks.places.base import Place, Rival

ADDRESS = os.environ.get("BENCH_MARIADB_URL", "mysql://root@127.0.0.1:3306/")


class MariaDB(Place):
    """The server of ``BENCH_MARIADB_URL``."""

    vendor: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MariaDB"

    def url(self, database: str) -> str:
        return urlsplit(ADDRESS)._replace(path=f"/{database}").geturl()

    def recreate(self, database: str) -> None:
        self.drop(database)
        self.run("", [f"CREATE DATABASE `{database}` CHARACTER SET utf8mb4"])

    def drop(self, database: str) -> None:
        self.run("", [f"DROP DATABASE IF EXISTS `{database}`"])

    def run(self, database: str, statements: Sequence[str]) -> None:
        with closing(_connection(database)) as connection:
            for statement in statements:
                connection.query(statement)
                connection.store_result()

    def version(self) -> str:
        with closing(_connection("")) as connection:
            return f"{self.title} {connection.get_server_info()}"

    def settle(self, database: str) -> None:
        with closing(_connection(database)) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
            names = ", ".join(f"`{name}`" for (name,) in cursor.fetchall())
            cursor.execute(f"ANALYZE TABLE {names}")
            cursor.fetchall()

    def rivals(self) -> list[Rival]:
        needs = ("mariadb-dump", "mariadb", "gzip")
        return [Rival("mariadb-dump --single-transaction | gzip", needs, self._dump, self._load, "gunzip | mariadb")]

    def numbers(self, count: int) -> str:
        return f"(SELECT seq AS n FROM seq_1_to_{count}) AS numbers"

    def _dump(self, database: str, out: Path) -> Run:
        words = ["mariadb-dump", *_client(), "--single-transaction", database]
        return piped(f"{shlex.join(words)} | gzip > {shlex.quote(str(out))}", _password())

    def _load(self, dump: Path, database: str) -> Run:
        self.recreate(database)
        return piped(
            f"gunzip < {shlex.quote(str(dump))} | {shlex.join(['mariadb', *_client(), database])}", _password()
        )


def _connection(database: str) -> Any:
    # The driver is built from source, so it may be missing where only other servers are measured.
    import MySQLdb

    server = urlsplit(ADDRESS)
    return MySQLdb.connect(
        host=server.hostname or "localhost",
        port=server.port or 3306,
        user=unquote(server.username or ""),
        password=unquote(server.password or ""),
        database=database,
        charset="utf8mb4",
        sql_mode="ANSI",
        autocommit=True,
    )


def _client() -> list[str]:
    server = urlsplit(ADDRESS)
    words = ["--host", server.hostname or "localhost", "--port", str(server.port or 3306)]
    return [*words, "--user", unquote(server.username or "")]


def _password() -> dict[str, str]:
    return {"MYSQL_PWD": unquote(urlsplit(ADDRESS).password or "")}
