"""What an engine offers: all that Lifeboat knows of one vendor, behind one interface.

``Engine`` is one database of one server, named by an entry of DATABASES; it need not exist yet, or any more.
``Snapshot`` is a consistent read view of it. ``Loader`` fills a fresh one. Every implementation passes one contract
suite (tests/engines/contract.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from copy import deepcopy
from typing import Any, ClassVar, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from backups.facts import EVERYTHING, EngineFacts, Origin, Orphans, Span, Uncovered, Witness
from backups.progress import Progress, silent
from backups.rows import Row
from backups.schema import Schema, Sequence, Statement
from backups.tables import Table


class Snapshot(ABC):
    """One consistent read view of one database, until it is left. Nothing here ever writes to it."""

    @abstractmethod
    def facts(self) -> EngineFacts:
        """Return engine, version, and what a fresh database must be like (encoding, collation, extensions)."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """Return every ordinary table, labelled by its model where it has one, in an order fit for loading.

        Partitioned parents and views have no rows of their own and are not among them. Tables named in the
        ``excluded`` of ``Engine.snapshot`` are not either.
        """

    @abstractmethod
    def schema(self) -> Schema:
        """Return the exact definition of everything covered, taken from the database itself."""

    @abstractmethod
    def sequences(self) -> list[Sequence]:
        """Return each counter with its real last value."""

    @abstractmethod
    def uncovered(self) -> list[Uncovered]:
        """Name what of this database a backup does not hold, with the reason; excluded tables with their rows."""

    @abstractmethod
    def count(self, table: Table) -> int:
        """Return the number of rows."""

    @abstractmethod
    def lines(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        """Yield the canonical line of each row (docs/format.md, "Rows") in the order of ``table.key``; the fast way.

        Without a key: all rows, in a total order that depends on their values alone, the same as that of ``rows``.
        Streams: no more than a few lines are held at a time. Raises UnreadableValue for a value that cannot be read.
        """

    @abstractmethod
    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        """Yield the same rows in the same order as cells (backups.rows), read by another path than ``lines``."""

    @abstractmethod
    def witness(self, table: Table) -> Witness:
        """Return the table's witness."""

    @abstractmethod
    def orphans(self, tables: Collection[Table]) -> list[Orphans]:
        """Return, for each foreign key of these tables that has any, how many rows point at nothing."""

    @abstractmethod
    def referring(self, table: Table) -> list[str]:
        """Return the qualified names of other tables that have rows whose foreign key points at this table."""

    @abstractmethod
    def confirm(self) -> None:
        """Raise SourceChanged where a table was truncated or altered since the snapshot began; called at the end."""


class Loader(ABC):
    """Fills one fresh database. Triggers, signals and validators do not run; nobody else is connected."""

    @abstractmethod
    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """Run the statements that come before the rows."""

    @abstractmethod
    def load(self, table: Table, lines: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming table and primary key."""

    @abstractmethod
    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        """Run the statements that come after the rows and see every constraint checked.

        A foreign key that the source itself broke (``orphans``) is made without checking what is there already.
        """

    @abstractmethod
    def set_sequences(self, sequences: Iterable[Sequence]) -> None:
        """Give each counter its recorded value."""

    @abstractmethod
    def settle(self) -> None:
        """Make everything durable, with fresh planner statistics; the last call, after which it is no more unfinished."""


class Engine(ABC):
    """One database of one server. Making one connects to nothing."""

    vendor: ClassVar[str]
    title: ClassVar[str]
    renames: ClassVar[bool] = True
    """Whether ``rename`` works. Then a restore is made under a throw-away name, and takes its own once it is proven."""

    def __init__(self, alias: str, settings: Mapping[str, Any]) -> None:
        self.alias = alias
        self.settings = deepcopy(dict(settings))

    @property
    def name(self) -> str:
        """The database's name, or the path of its file."""
        return str(self.settings["NAME"])

    def at(self, name: str) -> Self:
        """Return the same server with another database."""
        return type(self)(self.alias, {**self.settings, "NAME": self.resolve(name), "TEST": {}})

    def resolve(self, name: str) -> str:
        """Return the NAME setting that a name typed by a person stands for; raise TargetError where it is not fit."""
        return name

    def connect(self) -> BaseDatabaseWrapper:
        """Return a connection of our own, apart from Django's: no ATOMIC_REQUESTS, no transaction under way."""
        wrapper: type[BaseDatabaseWrapper] = load_backend(self.settings["ENGINE"]).DatabaseWrapper
        settings = {**self.settings, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0}
        return wrapper(settings, alias=self.alias)

    @abstractmethod
    def describe(self) -> str:
        """Return how a sentence names this database: vendor, server and name, never a password."""

    @abstractmethod
    def origin(self) -> Origin:
        """Return which database this is; the database must be there."""

    @abstractmethod
    def exists(self) -> bool:
        """Say whether there is anything under this name, whole or not."""

    @abstractmethod
    def is_same(self, other: Engine) -> bool:
        """Say whether both are one database, whatever alias, path, host name or link leads to it."""

    @abstractmethod
    def preflight(self, facts: EngineFacts) -> list[str]:
        """Return a sentence for each reason why a database like ``facts`` cannot be made here; connects, makes nothing.

        Another vendor, an older server, a missing extension or collation, no right to create databases, a full disk.
        """

    @abstractmethod
    def create(self, facts: EngineFacts) -> None:
        """Make the database, empty, with the source's encoding and collation; raise TargetExists where it exists."""

    @abstractmethod
    def rename(self, name: str) -> None:
        """Give this database another name of the same server, in one step; raise TargetExists where that is taken.

        Nobody is connected to it. Raises TargetError where the engine cannot (``renames``).
        """

    def is_unfinished(self) -> bool:
        """Say whether this is what a killed restore left: made by ``create``, never settled, and nobody is in it.

        Only an engine that cannot rename leaves such a thing under a name that somebody chose, so only it has to mark
        what it makes, from ``create`` to ``Loader.settle``.
        """
        return False

    @abstractmethod
    def drop(self) -> None:
        """Remove the database, whoever is connected; nothing where it is not there."""

    @abstractmethod
    def scratch_name(self, run: str) -> str:
        """Return a name for a throw-away database of this run, beside this one."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Return the names of throw-away databases that killed runs have left here."""

    @abstractmethod
    def lock(self, run: str) -> AbstractContextManager[None]:
        """Be the only writer of this database's repository while inside; raise LockHeld at once where another is."""

    @abstractmethod
    def snapshot(self, excluded: Collection[str] = ()) -> AbstractContextManager[Snapshot]:
        """Open a consistent read view; ``excluded`` are model labels or table names that are left out altogether.

        Raises SourceError (database gone, unreadable) or SourceCorrupt.
        """

    @abstractmethod
    def loader(self) -> AbstractContextManager[Loader]:
        """Open this database, fresh from ``create``, for loading."""

    @abstractmethod
    def normal(self, sql: str) -> str:
        """Return the normal form of a statement: equal where the engine may spell one meaning in two ways."""

    @abstractmethod
    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        """Break this database on purpose and return a sentence on what was done.

        Modes: drop-database, drop-tables, truncate, delete-rows (``share`` of the rows of each table), corrupt-file
        (engines whose database is a file). Raises TargetError for a mode that the engine has not.
        """


def is_named(table: Table, names: Collection[str]) -> bool:
    """Say whether settings name this table: by label, by table name, or by schema and table name."""
    return bool({table.label, table.name, table.qualified} & {*names, *(name.lower() for name in names)})


def statements_of(phase: Iterable[Statement], kinds: Collection[str]) -> list[Statement]:
    """Return the statements of some kinds, in order."""
    return [statement for statement in phase if statement.kind in kinds]
