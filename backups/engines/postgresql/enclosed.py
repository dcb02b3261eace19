"""A copy of a backup inside the live database: in one transaction on one connection, which alone sees it.

Its first act is to rename the live schemas out of the way, so that the archived definitions run as they were written.
Nobody else sees any of it: others read and write the tables that they know. The commit is the promotion, and whatever
ends the connection before takes everything back, a killed process as well.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend
from psycopg.pq import TransactionStatus

from backups.engines.base import Loader, Snapshot
from backups.engines.kept import kept_name
from backups.engines.postgresql import schemas, server
from backups.engines.postgresql.engine import PostgreSQL
from backups.engines.postgresql.loader import PostgreSQLLoader
from backups.engines.postgresql.lock import be_alone
from backups.engines.postgresql.promotion import alone
from backups.engines.postgresql.resident import unfit
from backups.engines.postgresql.session import Connection, literal, pin, run, session, told
from backups.engines.postgresql.snapshot import PATIENCE, PostgreSQLSnapshot
from backups.exceptions import TargetError
from backups.facts import EngineFacts
from backups.progress import Progress, Step

_BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
# The server looks so often whether we are still there, and takes everything back when we are not.
_STILL_THERE = "5s"


class EnclosedPostgreSQL(PostgreSQL):
    """See ``Engine.fresh``; ``create`` begins the transaction of ``run_name``, ``drop`` takes it back."""

    renames = False
    # There is no second connection to the same thing.
    reads_apart = False

    def __init__(self, alias: str, settings: Mapping[str, Any], run_name: str) -> None:
        super().__init__(alias, settings)
        self._run = run_name
        self._live = PostgreSQL(alias, settings)
        self._open = ExitStack()
        self._connection: Connection | None = None
        self._aside: list[str] = []

    @property
    def name(self) -> str:
        """The run's throw-away name, under which it is recorded until it is live."""
        return self.scratch_name(self._run)

    def describe(self) -> str:
        """Return what it is a part of."""
        return f"the fresh schemas in {self._live.describe()}"

    def preflight(self, facts: EngineFacts) -> list[str]:
        """Return why the contents of this database cannot become those of one like ``facts``."""
        try:
            with session(self, TargetError) as connection, told(self.describe(), TargetError):
                misplaced = schemas.misplaced(connection, facts)
                return [*server.lacks(connection, facts), *unfit(connection, facts), *misplaced]
        except TargetError as error:
            return [str(error)]

    def create(self, facts: EngineFacts) -> None:
        """Begin: nobody else backs up or replaces this database until the end, and its schemas are out of the way."""
        connection = self._connection = self._open.enter_context(session(self, TargetError))
        with told(self._live.describe(), TargetError):
            run(connection, _BEGIN)
            pin(
                connection,
                local=True,
                application_name=f"lifeboat {self._run}",
                lock_timeout=PATIENCE,
            )
            _watch_for_the_end(connection)
            alone(connection, self._live, "xact_lock")
            be_alone(connection, self._live)
            found = schemas.replaced(connection)
            schemas.set_aside(connection, found, self._run)
            self._aside = [kept_name(schema.name, self._run, schemas.LONGEST_NAME) for schema in found]

    def drop(self) -> None:
        """Take everything back; nothing where it was committed."""
        self._connection = None
        self._open.close()

    def commit(self, progress: Progress) -> None:
        """Let everybody see it: the one step of a promotion. Whatever stops it lets go of all that was locked for it."""
        connection = self.connection
        try:
            with told(self._live.describe(), TargetError):
                progress(Step("promote", "wait for others"))
                schemas.wait_for_others(connection, self._aside)
                progress(Step("promote", "commit"))
                run(connection, "SET LOCAL synchronous_commit = on")
                said = connection.execute("COMMIT").statusmessage
        finally:
            self.drop()
        if said != "COMMIT":
            raise TargetError(f"{self._live.describe()} took everything back instead of committing it.")

    @property
    def connection(self) -> Connection:
        """The one connection."""
        if self._connection is None:
            raise TargetError(f"There are no fresh schemas in {self._live.describe()} any more.", hint="Begin again.")
        return self._connection

    @contextmanager
    def loader(self) -> Iterator[Loader]:
        """Load through the one connection."""
        with ThreadPoolExecutor(1, thread_name_prefix="lifeboat-sender") as threads:
            yield PostgreSQLLoader([self.connection], threads, self.describe(), enclosed=True)

    @contextmanager
    def snapshot(self, excluded: Collection[str] = ()) -> Iterator[Snapshot]:
        """Read through the one connection; what is in the transaction nobody else can change."""
        with self.connection.transaction(force_rollback=True):
            yield _EnclosedSnapshot(self, self.connection, excluded)

    @contextmanager
    def lent(self, alias: str) -> Iterator[BaseDatabaseWrapper | None]:
        """Give Django the one connection, as it would have opened it."""
        connection = self.connection
        usual = load_backend(self.settings["ENGINE"]).DatabaseWrapper
        kind = type("Lent", (usual,), {"close": lambda wrapper: None})
        settings = {**self.settings, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0}
        wrapper: BaseDatabaseWrapper = kind(settings, alias=alias)
        # Amidst a transaction, so that a block of Django's is a savepoint of ours.
        wrapper.connection, wrapper.autocommit, wrapper.in_atomic_block = connection, False, True
        with connection.transaction():
            _as_django_has_it(connection, wrapper)
            yield wrapper
            if connection.info.transaction_status == TransactionStatus.INERROR:
                raise psycopg.Rollback
            # What is still to be checked would keep its tables from being altered.
            run(connection, "SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")


class _EnclosedSnapshot(PostgreSQLSnapshot):
    """A view inside the transaction, on the path and in the formats of any other."""

    def __init__(self, engine: EnclosedPostgreSQL, connection: Connection, excluded: Collection[str]) -> None:
        self._engine = engine
        super().__init__(engine, connection, None, excluded)

    def _begun(self) -> str:
        pin(self._connection, local=True, search_path="")
        run(self._connection, "SAVEPOINT lifeboat")
        return ""

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Leave the connection to Django's cursors, and take back what they do to it."""
        with self._reading(), self._connection.transaction(force_rollback=True):
            _as_django_has_it(self._connection, self._engine.connect())
            yield


def _as_django_has_it(connection: Connection, wrapper: BaseDatabaseWrapper) -> None:
    """Set what an application's connection has: what the role and the database say, and Django's time zone."""
    zone = literal(wrapper.timezone_name or "UTC")
    lasting = ["idle_in_transaction_session_timeout = 0"]
    if connection.info.server_version >= 170000:
        lasting.append("transaction_timeout = 0")
    said = "; ".join(f"SET LOCAL {setting}" for setting in (*lasting, f"timezone = {zone}"))
    # One text, so that no limit of the role's is in force for a moment.
    run(connection, f"RESET ALL; {said}")
    _watch_for_the_end(connection)


def _watch_for_the_end(connection: Connection) -> None:
    """Have the server look whether we are still there while it is at work, where its system lets it."""
    with suppress(psycopg.Error), connection.transaction():
        run(connection, f"SET LOCAL client_connection_check_interval = {literal(_STILL_THERE)}")
