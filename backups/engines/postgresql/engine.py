"""One PostgreSQL database, as the rest of Lifeboat sees it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any, Self

from backups.engines.base import Engine, ForeignKey, Loader, Snapshot
from backups.engines.editing import Editor
from backups.engines.kept import kept_name, kept_names
from backups.engines.postgresql import privileges, promotion, server
from backups.engines.postgresql.damage import damage
from backups.engines.postgresql.editor import PostgreSQLEditor
from backups.engines.postgresql.foreign_keys import foreign_keys
from backups.engines.postgresql.loader import PostgreSQLLoader
from backups.engines.postgresql.lock import lock
from backups.engines.postgresql.normal import normal
from backups.engines.postgresql.readers import Readers
from backups.engines.postgresql.session import session, told
from backups.engines.postgresql.snapshot import PostgreSQLSnapshot
from backups.exceptions import SourceError, TargetError
from backups.facts import EngineFacts, Origin
from backups.progress import Progress, silent
from backups.schema import Schema

if TYPE_CHECKING:
    from backups.engines.postgresql.resident import ResidentPostgreSQL

_LONGEST_NAME = 63
_RESERVED = frozenset({"postgres", "template0", "template1"})


class PostgreSQL(Engine):
    """PostgreSQL 14 and later, through psycopg 3."""

    vendor = "postgresql"
    title = "PostgreSQL"
    reads_apart = True

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

    def resident(self) -> ResidentPostgreSQL:
        """See ``Engine.resident``."""
        from backups.engines.postgresql.resident import ResidentPostgreSQL

        return ResidentPostgreSQL(self.alias, self.settings)

    def inside(self) -> Engine | None:
        """See ``Engine.inside``."""
        from backups.engines.postgresql.inside import InsidePostgreSQL

        return InsidePostgreSQL(self.alias, self.settings)

    def scratch_name(self, run: str) -> str:
        """Return ``lifeboat_`` and the run's name as an identifier."""
        return f"lifeboat_{run.lower().replace('-', '_')}"

    def leftovers(self) -> list[str]:
        """Return the databases on this server that are named so."""
        return server.leftovers(self)

    def kept_name(self, run: str) -> str:
        """Return the dated name that this database is kept under."""
        return kept_name(self.name, run, _LONGEST_NAME)

    def kept(self) -> list[str]:
        """Return the names of the databases on this server that stood in this one's place."""
        return kept_names(self.name, promotion.names_beside(self), _LONGEST_NAME)

    def irreplaceable(self) -> list[str]:
        """Return why this database cannot be renamed."""
        return promotion.obstacles(self)

    def carry_over(self, copy: Self) -> list[str]:
        """Give the copy's objects their owners and grants."""
        try:
            with session(self) as source, session(copy, TargetError) as target, told(copy.describe(), TargetError):
                return privileges.carry_over(source, target)
        except SourceError as error:
            return [f"Owners and grants could not be read, so all belongs to the role that restores: {error}"]

    def promote(self, copy: Self, kept: str, progress: Progress = silent) -> list[str]:
        """Rename both databases in one transaction."""
        return promotion.promote(self, copy.name, kept, progress)

    def finish(self, copy: Self, kept: str, *, was_there: bool) -> bool:
        """Say whether a killed promotion was committed."""
        return promotion.finish(self, copy.name, kept, was_there=was_there)

    def lock(self, run: str) -> AbstractContextManager[None]:
        """Take the advisory lock of this database."""
        return lock(self, run)

    @contextmanager
    def snapshot(self, excluded: Collection[str] = ()) -> Iterator[Snapshot]:
        """Open a read view."""
        with session(self) as connection, Readers(lambda: session(self)) as readers:
            yield PostgreSQLSnapshot(self, connection, readers, excluded)

    @contextmanager
    def editor(self, *, writing: bool = False) -> Iterator[Editor]:
        """Open the database for single rows."""
        with session(self) as connection:
            yield PostgreSQLEditor(connection, self.describe(), writing=writing)

    @contextmanager
    def loader(self) -> Iterator[Loader]:
        """Open the database for loading, with two connections."""
        with (
            session(self, TargetError) as connection,
            session(self, TargetError) as helper,
            ThreadPoolExecutor(2, thread_name_prefix="lifeboat-sender") as threads,
        ):
            yield PostgreSQLLoader([connection, helper], threads, self.describe())

    @staticmethod
    def foreign_keys(schema: Schema) -> list[ForeignKey]:
        """Read them from the statements that make them."""
        return foreign_keys(schema)

    def normal(self, sql: str) -> str:
        """Return the normal form of a statement."""
        return normal(sql)

    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        """Break this database on purpose."""
        return damage(self, mode, share, seed)
