"""Databases for the tests: fresh ones of each server, under an alias of Django's, and copies of a filled zoo."""

import secrets
import shutil
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connections

from backups.engines import engine_for
from backups.engines.base import Engine
from tests.servers import settings_of


class Server(ABC):
    """Where databases are made. ``zoo`` is the name of one that has been migrated and filled, made when first asked."""

    vendor: str

    @abstractmethod
    def settings(self, name: str) -> dict[str, Any]:
        """Return the entry of DATABASES for a database of that name."""

    @abstractmethod
    def create(self, name: str) -> None:
        """Make an empty database."""

    @abstractmethod
    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected, if it is there."""

    @abstractmethod
    def clone(self, name: str, source: str) -> None:
        """Make a database that is like another."""

    @cached_property
    def zoo(self) -> str:
        name = self.new_name("zoo")
        self.create(name)
        with registered(self.settings(name)) as alias:
            build_zoo(alias)
        return name

    def close(self) -> None:
        """Remove the zoo, if anybody asked for it: the server goes on, and is not ours."""
        if "zoo" in vars(self):
            self.drop(self.zoo)

    def new_name(self, word: str = "test") -> str:
        """Return a name that no database has yet."""
        return f"{word}_{secrets.token_hex(6)}"


class SQLiteServer(Server):
    """A folder."""

    vendor = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def settings(self, name: str) -> dict[str, Any]:
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(self._path(name))}

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.sqlite3"

    def create(self, name: str) -> None:
        with closing(sqlite3.connect(self._path(name))) as connection:
            connection.execute("VACUUM")

    def drop(self, name: str) -> None:
        for path in self._folder.glob(f"{name}.sqlite3*"):
            path.unlink()

    def clone(self, name: str, source: str) -> None:
        shutil.copyfile(self._path(source), self._path(name))


class PostgreSQLServer(Server):
    """A PostgreSQL server, by its URL."""

    vendor = "postgresql"

    def __init__(self, url: str) -> None:
        self.url = url

    def settings(self, name: str) -> dict[str, Any]:
        return {**settings_of(self.url, "postgresql"), "NAME": name}

    def _execute(self, statement: str) -> None:
        import psycopg

        with closing(psycopg.connect(self.url, autocommit=True)) as connection:
            connection.execute(statement)  # type: ignore[arg-type]

    def create(self, name: str) -> None:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE template0')

    def drop(self, name: str) -> None:
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def clone(self, name: str, source: str) -> None:
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"')


class MariaDBServer(Server):
    """A MariaDB or MySQL server, by its URL."""

    vendor = "mysql"

    def __init__(self, url: str) -> None:
        self.url = url

    def settings(self, name: str) -> dict[str, Any]:
        return {**settings_of(self.url, "mysql"), "NAME": name, "OPTIONS": {"charset": "utf8mb4"}}

    def _execute(self, statement: str) -> None:
        import MySQLdb

        server = settings_of(self.url, "mysql")
        where = {"host": server["HOST"], "port": int(server["PORT"] or 3306)}
        who = {"user": server["USER"], "password": server["PASSWORD"]}
        with closing(MySQLdb.connect(**where, **who, charset="utf8mb4")) as connection:
            connection.cursor().execute(statement)

    def create(self, name: str) -> None:
        self._execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")

    def drop(self, name: str) -> None:
        self._execute(f"DROP DATABASE IF EXISTS `{name}`")

    def clone(self, name: str, source: str) -> None:
        """Copy by our own means: the server has none."""
        with registered(self.settings(source)) as alias:
            replay(engine_for(alias), engine_for(alias).at(name))


@contextmanager
def registered(settings: dict[str, Any]) -> Iterator[str]:
    """Give a database an alias for as long as one is inside."""
    alias = f"test_{secrets.token_hex(4)}"
    connections.settings[alias] = settings
    connections.configure_settings(connections.settings)
    try:
        yield alias
    finally:
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


@contextmanager
def database(server: Server, *, zoo: bool = False) -> Iterator[Engine]:
    """Make a database, empty or a copy of the zoo, under an alias; yields its engine and drops it at the end."""
    name = server.new_name()
    try:
        server.clone(name, server.zoo) if zoo else server.create(name)
        with registered(server.settings(name)) as alias:
            yield engine_for(alias)
    finally:
        server.drop(name)


def build_zoo(alias: str) -> None:
    """Migrate an empty database and put the zoo's awkward rows in."""
    from tests.zoo.fill import fill

    call_command("migrate", database=alias, run_syncdb=True, verbosity=0)
    fill(alias)
    if connections[alias].vendor == "postgresql":
        from tests.zoo_pg.fill import fill_pg

        fill_pg(alias)


def replay(source: Engine, target: Engine) -> None:
    """Copy a database by dumping it and loading the lines."""
    with source.snapshot() as snapshot:
        tables, schema, sequences = snapshot.tables(), snapshot.schema(), snapshot.sequences()
        orphans = snapshot.orphans(tables)
        target.create(snapshot.facts())
        with target.loader() as loader:
            loader.define(schema)
            for table in tables:
                loader.load(table, snapshot.lines(table))
            loader.complete(schema, orphans)
            loader.set_sequences(sequences)
            loader.settle()
