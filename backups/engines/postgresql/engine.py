"""One PostgreSQL database, as the rest of Lifeboat sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from backups.engines.base import Engine, Loader, Snapshot
from backups.engines.postgresql import server
from backups.engines.postgresql.damage import damage
from backups.engines.postgresql.loader import PostgreSQLLoader
from backups.engines.postgresql.lock import lock
from backups.engines.postgresql.normal import normal
from backups.engines.postgresql.session import session
from backups.engines.postgresql.snapshot import PostgreSQLSnapshot
from backups.exceptions import TargetError
from backups.facts import EngineFacts, Origin

_LONGEST_NAME = 63
_RESERVED = frozenset({"postgres", "template0", "template1"})


class PostgreSQL(Engine):
    """PostgreSQL 14 and later, through psycopg 3."""

    vendor = "postgresql"
    title = "PostgreSQL"

    def __init__(self, alias: str, settings: Mapping[str, Any]) -> None:
        super().__init__(alias, settings)
        options = dict(self.settings.get("OPTIONS") or {})
        # A pool belongs to its alias, so it would lead elsewhere than ``at`` says.
        options.pop("pool", None)
        options.setdefault("application_name", "lifeboat")
        # The lock's connection is silent for as long as a backup takes.
        options.setdefault("keepalives_idle", 60)
        self.settings["OPTIONS"] = options

    def resolve(self, name: str) -> str:
        """Return the name; raise TargetError for one that no database can have, or that the server needs itself."""
        if not name or "\0" in name or len(name.encode()) > _LONGEST_NAME:
            raise TargetError(f"A database cannot be named {name!r}: 1 to {_LONGEST_NAME} bytes, and no NUL.")
        if name in _RESERVED:
            raise TargetError(f"The database {name} belongs to the PostgreSQL server itself.")
        return name

    def describe(self) -> str:
        """Return vendor, name and server."""
        host = self.settings.get("HOST") or "this machine"
        port = f":{self.settings['PORT']}" if self.settings.get("PORT") else ""
        return f"PostgreSQL database {self.name} on {host}{port}"

    def origin(self) -> Origin:
        """Return which database this is; its server's identifier stays when the database is renamed."""
        name, identity = server.known_as(self)
        place = ":".join(str(self.settings.get(part) or "") for part in ("HOST", "PORT"))
        return Origin(self.vendor, name, identity, place.strip(":"))

    def exists(self) -> bool:
        """Say whether the server has a database of this name."""
        return server.exists(self)

    def is_same(self, other: Engine) -> bool:
        """Say whether both are one database."""
        return other.vendor == self.vendor and server.same(self, other)

    def preflight(self, facts: EngineFacts) -> list[str]:
        """Return why a database like ``facts`` cannot be made on this server."""
        return server.preflight(self, facts)

    def create(self, facts: EngineFacts) -> None:
        """Make the database, from ``template0``."""
        server.create(self, facts)

    def rename(self, name: str) -> None:
        """Rename the database."""
        server.rename(self, name)

    def drop(self) -> None:
        """Drop the database."""
        server.drop(self)

    def scratch_name(self, run: str) -> str:
        """Return ``lifeboat_`` and the run's name as an identifier."""
        return f"lifeboat_{run.lower().replace('-', '_')}"

    def leftovers(self) -> list[str]:
        """Return the databases on this server that are named so."""
        return server.leftovers(self)

    def lock(self, run: str) -> AbstractContextManager[None]:
        """Take the advisory lock of this database."""
        return lock(self, run)

    @contextmanager
    def snapshot(self, excluded: Collection[str] = ()) -> Iterator[Snapshot]:
        """Open a read view."""
        with session(self) as connection:
            yield PostgreSQLSnapshot(connection, self.describe(), excluded)

    @contextmanager
    def loader(self) -> Iterator[Loader]:
        """Open the database for loading, with two connections."""
        with (
            session(self, TargetError) as connection,
            session(self, TargetError) as helper,
            ThreadPoolExecutor(1) as sender,
        ):
            yield PostgreSQLLoader(connection, helper, sender, self.describe())

    def normal(self, sql: str) -> str:
        """Return the normal form of a statement."""
        return normal(sql)

    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        """Break this database on purpose."""
        return damage(self, mode, share, seed)
