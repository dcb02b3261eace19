"""What an engine offers: all that Lifeboat knows of one vendor, behind one interface.

``Engine`` is one database of one server, named by an entry of DATABASES; it need not exist yet, or any more.
``Snapshot`` is a consistent read view of it. ``Loader`` fills a fresh one, ``Editor`` puts single
rows into a live one. Every implementation passes one contract suite (tests/engines/contract.py).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from backups.engines import fields
from backups.engines.editing import Editor
from backups.facts import EVERYTHING, EngineFacts, Key, Origin, Orphans, Span, Uncovered, Witness
from backups.progress import Progress, silent
from backups.rows import Encoder, Row
from backups.schema import Schema
from backups.schema import Sequence as Counter
from backups.tables import Table

# Closing it gives up what was asked ahead.
Answers = Generator[bytes | None, None, None]

# What a migration leaves that died halfway: the largest table has a column more, and half of its rows lie in this new
# table; no row of django_migrations tells of it.
HALF_MIGRATED, HALF_COLUMN = "lifeboat_half_migrated", "lifeboat_half"

# How many keys ``Snapshot.boundaries`` returns at most: as many as are read before it is asked again.
BOUNDARIES = 512


@dataclass(frozen=True, slots=True)
class ForeignKey:
    """A foreign key, as a recorded definition tells of it: tables by their qualified names."""

    table: str
    columns: tuple[str, ...]
    parent: str


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
    def sequences(self) -> list[Counter]:
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

    def batches(self, table: Table, span: Span = EVERYTHING) -> Iterator[Sequence[bytes]]:
        """Yield what ``lines`` gives, as many lines at a time as the engine makes at once."""
        return ([line] for line in self.lines(table, span))

    def expect_witnesses(self, tables: Collection[Table]) -> None:  # noqa: B027 (not every engine looks things up ahead)
        """Be told that the witness of each of these tables will be asked for, in this order."""

    def expect_orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> None:  # noqa: B027 (likewise)
        """Be told that ``orphans`` will be asked for, of the very same."""

    def line_size(self, table: Table) -> int:
        """Return about how many bytes an ordinary line has, where the engine reads whole spans at once; else 0."""
        return 0

    def boundaries(self, table: Table, after: Key | None, every: int) -> list[Key]:
        """Return the key of every ``every``-th row above ``after``, the first BOUNDARIES of them; none where spans are
        not read whole."""
        return []

    def texts(self, table: Table, spans: Sequence[Span], largest: int) -> Answers:
        """Yield, for each span in turn, all that ``lines`` gives for it as one text: several are read at once.

        None for one that is larger than ``largest`` bytes, or for any other reason has to be read line by line.
        """
        return (None for _ in spans)

    def whole(self, tables: Iterable[Table]) -> Answers:
        """Yield, for each table in turn, all that ``lines`` gives for it as one text, where it is small; None for others."""
        return (None for _ in tables)

    def signal(self, before: Mapping[str, str]) -> dict[str, str]:
        """Return what lets a later snapshot tell what has not changed since this one, in the engine's own words.

        Empty where there is no sound way. ``before`` is the signal of the backup that this one follows.
        """
        return {}

    def follows(self, since: Mapping[str, str]) -> bool:
        """Say whether what ``unchanged`` says since a signal can be believed."""
        return False

    def states(self) -> dict[str, str]:
        """Return a digest of all but its rows that a table's lines depend on, by qualified name.

        A table that is not among them is always read. Where two digests differ, so may lines of rows that do not.
        """
        return {}

    def unchanged(self, table: Table, since: Mapping[str, str], ranges: Sequence[tuple[Span, int]]) -> Iterator[bool]:
        """Say of each range, given with the rows that it had, whether it is for certain as it was; rows are not read."""
        return iter([False] * len(ranges))

    @abstractmethod
    def rows(self, table: Table, span: Span = EVERYTHING) -> Iterator[Row]:
        """Yield the same rows in the same order as cells (backups.rows), read by another path than ``lines``."""

    def read_back(self, table: Table, span: Span = EVERYTHING) -> Iterator[bytes]:
        """Yield the lines of a span in the same order, by another path than ``lines``."""
        return map(Encoder(table).encode, self.rows(table, span))

    def digests(self, table: Table, ranges: Iterable[tuple[Span, int]]) -> Answers:
        """Yield the SHA-256 of the lines of each span in turn as one text, taken by another path than ``lines``.

        A span is given with the rows that it should have. None where the engine does not say; a digest that is not the
        expected one says nothing either, since an unusual value may have been written in another form.
        """
        return (None for _ in ranges)

    @abstractmethod
    def witness(self, table: Table) -> Witness:
        """Return the table's witness."""

    def witnesses(self, tables: Iterable[Table]) -> Iterator[Witness]:
        """Yield the witness of each table in turn; several may be asked for at once."""
        return map(self.witness, tables)

    @abstractmethod
    def orphans(self, tables: Collection[Table], settled: Collection[str] = ()) -> list[Orphans]:
        """Return, for each foreign key of these tables that has any, how many rows point at nothing.

        Keys from one ``settled`` table to another, by qualified names, need not be looked at.
        """

    @abstractmethod
    def referring(self, table: Table) -> list[str]:
        """Return the qualified names of other tables that have rows whose foreign key points at this table."""

    @contextmanager
    def lent(self) -> Iterator[None]:
        """Let the project's own code ask the database while inside, where it has no other connection than this one."""
        yield

    @abstractmethod
    def confirm(self) -> None:
        """Raise SourceChanged where a table was truncated or altered since the snapshot began; called at the end."""


class Loader(ABC):
    """Fills one fresh database. Triggers, signals and validators do not run; nobody else is connected."""

    @abstractmethod
    def define(self, schema: Schema, progress: Progress = silent) -> None:
        """Run the statements that come before the rows."""

    @abstractmethod
    def load(self, table: Table, texts: Iterable[bytes]) -> int:
        """Insert the rows of these lines and return how many; raise RestoreError naming table and primary key.

        A text is one line or many, whole ones: a chunk as it is stored will do. Where a row does not go in, texts may be
        asked for again, from the first, to find out which it is.
        """

    @abstractmethod
    def complete(self, schema: Schema, orphans: Iterable[Orphans], progress: Progress = silent) -> None:
        """Run the statements that come after the rows and see every constraint checked.

        A foreign key that the source itself broke (``orphans``) is made without checking what is there already.
        """

    @abstractmethod
    def set_sequences(self, sequences: Iterable[Counter]) -> None:
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

    ends_connections: ClassVar[bool] = True
    """Whether ``promote`` ends whoever is connected; an engine that cannot refuses while somebody is."""

    is_inside: ClassVar[bool] = False
    """Whether what takes this database's place is made inside of it, and what it kept lies there too: see ``inside``."""

    reads_apart: ClassVar[bool] = False
    """Whether two snapshots of one database, read at the same time, are faster than one after the other."""

    def __init__(self, alias: str, settings: Mapping[str, Any]) -> None:
        self.alias = alias
        self.settings = deepcopy(dict(settings))

    @property
    def name(self) -> str:
        """The database's name, or the path of its file."""
        return str(self.settings["NAME"])

    @property
    def zone(self) -> str:
        """The time zone in which Django keeps moments where the column keeps none."""
        return fields.zone_of(self.settings)

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

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """Have this database count as unfinished while inside, and for good where that does not end well."""
        yield

    def conclude(self) -> None:  # noqa: B027 (most engines have nothing to do)
        """Say that the proven database is what it was to become: the last step where it was made under its own name."""

    @abstractmethod
    def resident(self) -> Engine:
        """Return this database as one that is there already and stays, for servers on which none may be made.

        Its ``create`` takes the database while it is empty, and its ``drop`` empties it. Such an engine has ``holds``.
        """

    def holds(self) -> list[str]:
        """Return the names of what is in a resident database, nothing where it is empty."""
        raise NotImplementedError(f"{self.describe()} is no resident database.")

    @abstractmethod
    def drop(self) -> None:
        """Remove the database, whoever is connected; nothing where it is not there."""

    @abstractmethod
    def scratch_name(self, run: str) -> str:
        """Return a name for a throw-away database of this run, beside this one."""

    @abstractmethod
    def leftovers(self) -> list[str]:
        """Return the names of throw-away databases that killed runs have left here."""

    def standing(self) -> Self:
        """Return this database under the name that it really has, where NAME is a link to it."""
        return self

    def inside(self) -> Engine | None:
        """Return this database as one whose contents are replaced inside of it, for servers on which none may be made.

        None where the engine has no way to do that in one step. Of such an engine ``fresh`` is the copy that is to be made,
        ``at`` what is kept under a name, and ``exists`` says whether there is anything to keep.
        """
        return None

    def fresh(self, run: str) -> Engine:
        """Return what a run is going to make, to put it in this database's place; makes nothing."""
        return self.at(self.scratch_name(run))

    @contextmanager
    def lent(self, alias: str) -> Iterator[BaseDatabaseWrapper | None]:
        """Yield a connection for Django to use under ``alias`` while inside; None where it can open one of its own."""
        yield None

    @abstractmethod
    def kept_name(self, run: str) -> str:
        """Return the name, dated by ``run``, that this database is kept under when a restored one takes its place."""

    @abstractmethod
    def kept(self) -> list[str]:
        """Return the names that databases are kept under which stood in this one's place, the newest first."""

    @abstractmethod
    def irreplaceable(self) -> list[str]:
        """Return a sentence for each reason why no other database can be put in this one's place; changes nothing."""

    @abstractmethod
    def carry_over(self, copy: Self) -> list[str]:
        """Give a copy what this database has and no backup holds, as far as it can still be read: owners and grants.

        Returns a sentence for whatever could not be carried over.
        """

    @abstractmethod
    def promote(self, copy: Self, kept: str, progress: Progress = silent) -> list[str]:
        """Put ``copy`` in this database's place in one step, whoever is connected; this one is kept as ``kept``.

        Where this one is not there, nothing is kept. Returns sentences on what to mind. Each operation is told to
        ``progress`` before it is done; killed before or after any of them, the database is wholly old or wholly new, once
        ``finish`` was called. Raises TargetError where it cannot be done, and all is as it was.
        """

    @abstractmethod
    def finish(self, copy: Self, kept: str, *, was_there: bool) -> bool:
        """Finish or take back a ``promote`` that was killed, and say whether the copy stands in the place now.

        ``was_there`` says whether there was a database in the place when it began.
        """

    @abstractmethod
    def lock(self, run: str) -> AbstractContextManager[None]:
        """Be the only writer of this database's repository while inside; raise LockHeld at once where another is."""

    @abstractmethod
    def snapshot(self, excluded: Collection[str] = ()) -> AbstractContextManager[Snapshot]:
        """Open a consistent read view; ``excluded`` are model labels or table names that are left out altogether.

        Raises SourceError (database gone, unreadable) or SourceCorrupt.
        """

    @abstractmethod
    def editor(self, *, writing: bool = False) -> AbstractContextManager[Editor]:
        """Open this database, which somebody is using, to look single rows up, and for ``writing`` to put them back."""

    @abstractmethod
    def loader(self) -> AbstractContextManager[Loader]:
        """Open this database, fresh from ``create``, for loading."""

    def collisions(self, table: Table, rows: Iterable[tuple[str, Row]]) -> Iterable[str]:
        """Return a sentence for each group of rows that a unique key of this empty table would take for one.

        ``rows`` are what is to be loaded, each with its key for people. An engine that compares texts as they are finds no
        more than the source did, and looks at none.
        """
        return ()

    @staticmethod
    @abstractmethod
    def foreign_keys(schema: Schema) -> list[ForeignKey]:
        """Return the foreign keys of a recorded definition; connects to nothing."""

    @abstractmethod
    def normal(self, sql: str) -> str:
        """Return the normal form of a statement: equal where the engine may spell one meaning in two ways."""

    @abstractmethod
    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        """Break this database on purpose and return a sentence on what was done.

        Modes: drop-database, drop-tables, truncate, delete-rows (``share`` of the rows of each table), half-migration
        (HALF_MIGRATED), corrupt-file (engines whose database is a file). Raises TargetError for a mode that the engine
        has not.
        """


def is_named(table: Table, names: Collection[str]) -> bool:
    """Say whether settings name this table: by label, by table name, or by schema and table name."""
    return bool({table.label, table.name, table.qualified} & {*names, *(name.lower() for name in names)})
