"""The engine for SQLite: files beside files."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any, Self

from django.db import Error as DjangoError

from backups.durable import sync_folder
from backups.engines.base import Engine, ForeignKey, Snapshot
from backups.engines.editing import Editor
from backups.engines.kept import kept_name, kept_names, run_of
from backups.engines.sqlite import damage, promotion
from backups.engines.sqlite.connection import opened, pragma, raw_options, reading
from backups.engines.sqlite.editor import SQLiteEditor
from backups.engines.sqlite.facts import VIOLATIONS, foreign_keys_of
from backups.engines.sqlite.loader import SQLiteLoader
from backups.engines.sqlite.lock import locked
from backups.engines.sqlite.openers import lasting_openers
from backups.engines.sqlite.place import SUFFIX, Place, moved
from backups.engines.sqlite.snapshot import SQLiteSnapshot
from backups.engines.sqlite.view import keeps_wal, view
from backups.exceptions import SourceError, TargetError, TargetExists
from backups.facts import EngineFacts, Origin
from backups.progress import Progress, silent
from backups.schema import Schema

if TYPE_CHECKING:
    from backups.engines.sqlite.resident import ResidentSQLite

_SCRATCH = re.compile(rf"(lifeboat_\d{{8}}t\d{{6}}z_[0-9a-f]+{re.escape(SUFFIX)})(?:-wal|-shm|-journal)?")
_DAMAGES = {"drop-database", "drop-tables", "truncate", "delete-rows", "half-migration", "corrupt-file"}
_LEAST_ROOM = 1024 * 1024  # bytes
_LONGEST_NAME = 255 - len("-journal")  # bytes that a folder takes, with a sidecar's ending
# These stay as they are once the file has its first table.
_FIRST = ("page_size", "encoding", "auto_vacuum")
_THEN = ("user_version", "application_id", "journal_mode")


class SQLiteEngine(Engine):
    """One database file, or one database in shared memory."""

    vendor = "sqlite"
    title = "SQLite"
    ends_connections = False

    def __init__(self, alias: str, settings: Mapping[str, Any]) -> None:
        super().__init__(alias, settings)
        self._violations: dict[str, int] = {}

    @property
    def place(self) -> Place:
        """Where the database lies."""
        return Place.of(self.name)

    def resolve(self, name: str) -> str:
        """A bare name lies beside this database, a path where it says."""
        if not name or "\0" in name or name.endswith(os.sep) or name.startswith((":memory:", "file:")):
            raise TargetError(f"{name!r} does not name a file.", hint="Give a name such as restored, or a path.")
        if os.sep in name:
            return os.path.abspath(name)
        return str(self._folder / (name if Path(name).suffix else name + SUFFIX))

    @property
    def _folder(self) -> Path:
        path = self.place.path
        return Path(gettempdir()) if path is None else path.parent

    def describe(self) -> str:
        path = self.place.path
        return f"SQLite database {self.name if path is None else path}"

    def origin(self) -> Origin:
        place = self.place
        if place.path is None:
            return Origin(self.vendor, place.name, place="memory")
        if not place.path.is_file():
            raise SourceError(f"The {self.describe()} is not there: there is no such file.")
        return Origin(self.vendor, place.path.name, place=os.path.realpath(place.path))

    def exists(self) -> bool:
        return self.place.exists()

    def is_same(self, other: Engine) -> bool:
        if not isinstance(other, SQLiteEngine):
            return False
        mine, yours = self.place.path, other.place.path
        if mine is None or yours is None:
            return mine is yours and self.name == other.name
        if mine.exists() and yours.exists():
            return mine.samefile(yours)
        return os.path.realpath(mine) == os.path.realpath(yours)

    def preflight(self, facts: EngineFacts) -> list[str]:
        if facts.vendor != self.vendor:
            return [f"The backup is of a {facts.vendor} database, and this is SQLite."]
        return [*self._unfit_folder(), *_unfit_library(facts)]

    def _unfit_folder(self) -> Iterator[str]:
        path = self.place.path
        if path is None:
            yield "A database is restored to a file, not to memory."
        elif not path.parent.is_dir():
            yield f"The folder {path.parent} is not there."
        elif not os.access(path.parent, os.W_OK | os.X_OK):
            yield f"Nothing may be written in the folder {path.parent}."
        else:
            free = os.statvfs(path.parent)
            if free.f_bavail * free.f_frsize < _LEAST_ROOM:
                yield f"There is no room left in the folder {path.parent}."

    def create(self, facts: EngineFacts) -> None:
        path = self.place.path
        if path is None:
            raise TargetError("A database is restored to a file, not to memory.")
        if self.exists():
            raise TargetExists(f"There is something already at {path}.")
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            raise TargetExists(f"There is something already at {path}.") from None
        except OSError as error:
            raise TargetError(f"The {self.describe()} could not be made: {error.strerror}.") from error
        try:
            self._prepare(facts)
        except (sqlite3.Error, DjangoError) as error:
            self.drop()
            raise TargetError(f"The {self.describe()} could not be made: {error}.") from error

    def _prepare(self, facts: EngineFacts) -> None:
        self._violations = json.loads(facts.properties.get(VIOLATIONS, "{}"))
        with closing(self._open(self.place.uri("rw"))) as connection:
            _set(connection, _FIRST, facts)
            for statement in ("CREATE TABLE first (id)", "DROP TABLE first", "VACUUM"):
                connection.execute(statement)
            _set(connection, _THEN, facts)

    def rename(self, name: str) -> None:
        path, new = self.place.path, Place.of(name)
        if path is None or new.path is None:
            raise TargetError("A database in memory has no file to be renamed.")
        # Whatever lies in a sidecar would be left behind.
        left = [file.name for file in self.place.files() if file != path and file.exists()]
        if left:
            raise TargetError(f"The {self.describe()} is in use: {', '.join(left)} lies beside it.")
        if new.exists():
            raise TargetExists(f"There is something already at {new.path}.")
        try:
            moved(path, new.path)
        except FileExistsError:
            raise TargetExists(f"There is something already at {new.path}.") from None
        except OSError as error:
            raise TargetError(f"The {self.describe()} could not be renamed: {error.strerror}.") from error

    def drop(self) -> None:
        path = self.place.path
        if path is None:
            raise TargetError("A database in memory goes with the process that made it.")
        for file in reversed(list(self.place.files())):
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                raise TargetError(f"The file {file} cannot be removed: {error.strerror or error}.") from error
        if path.parent.is_dir():
            sync_folder(path.parent)

    def resident(self) -> ResidentSQLite:
        """See ``Engine.resident``."""
        from backups.engines.sqlite.resident import ResidentSQLite

        return ResidentSQLite(self.alias, self.settings)

    def scratch_name(self, run: str) -> str:
        return f"lifeboat_{re.sub('[^0-9a-z]', '_', run.lower())}{SUFFIX}"

    def leftovers(self) -> list[str]:
        folder = self._folder
        names = os.listdir(folder) if folder.is_dir() else []
        return sorted({found[1] for name in names if (found := _SCRATCH.fullmatch(name))})

    def standing(self) -> Self:
        path = self.place.path
        return self if path is None or not path.is_symlink() else self.at(os.path.realpath(path))

    def kept_name(self, run: str) -> str:
        path = self._file()
        return str(path.with_name(kept_name(path.stem, run, _LONGEST_NAME - len(path.suffix)) + path.suffix))

    def kept(self) -> list[str]:
        path, folder = self._file(), self._folder
        names = os.listdir(folder) if folder.is_dir() else []
        stems = [name.removesuffix(path.suffix) for name in names if name.endswith(path.suffix)]
        return [
            str(folder / (stem + path.suffix))
            for stem in kept_names(path.stem, stems, _LONGEST_NAME - len(path.suffix))
        ]

    def irreplaceable(self) -> list[str]:
        path = self.place.path
        if path is None:
            return ["A database in memory has no place that another could take."]
        return [f"{who} has the {self.describe()} open: stop it first." for who in lasting_openers(path)]

    def carry_over(self, copy: Self) -> list[str]:
        """A file has an owner and a mode, which ``promote`` carries over itself."""
        return []

    def promote(self, copy: Self, kept: str, progress: Progress = silent) -> list[str]:
        with locked(self.place, self.describe(), run_of(Path(kept).stem)), self._told("replaced"):
            return promotion.promote(self._file(), copy._file(), Path(kept), self._open, progress)

    def finish(self, copy: Self, kept: str, *, was_there: bool) -> bool:
        with self._told("put in order"):
            return promotion.finish(self._file(), copy._file(), Path(kept), was_there=was_there)

    def _file(self) -> Path:
        if self.place.path is None:
            raise TargetError("A database in memory has no place that another could take.")
        return self.place.path

    @contextmanager
    def _told(self, done: str) -> Iterator[None]:
        try:
            yield
        except (OSError, sqlite3.Error, DjangoError) as error:
            raise TargetError(f"The {self.describe()} could not be {done}: {error}.") from error

    def lock(self, run: str) -> AbstractContextManager[None]:
        return locked(self.place, self.describe(), run)

    @contextmanager
    def snapshot(self, excluded: Collection[str] = ()) -> Iterator[Snapshot]:
        title = self.describe()
        with view(self.place, title, self._open) as found:
            yield SQLiteSnapshot(found, title, self.settings, excluded)

    @contextmanager
    def editor(self, *, writing: bool = False) -> Iterator[Editor]:
        title = self.describe()
        with ExitStack() as stack:
            with reading(title):
                # Merely connecting would make an empty file in the place of a lost one.
                self.origin()
                connection = stack.enter_context(closing(self._open(self.place.uri("rw"))))
            yield SQLiteEditor(connection, title, self.settings, writing=writing)

    @contextmanager
    def loader(self) -> Iterator[SQLiteLoader]:
        journal_mode = "wal" if keeps_wal(self.place) else "delete"
        try:
            connection = self._open(self.place.uri("rw"))
        except (sqlite3.Error, DjangoError) as error:
            raise TargetError(f"The {self.describe()} cannot be opened: {error}.") from error
        with closing(connection):
            yield SQLiteLoader(self.place, self.describe(), connection, journal_mode, self._violations)

    @staticmethod
    def foreign_keys(schema: Schema) -> list[ForeignKey]:
        return foreign_keys_of(schema)

    def normal(self, sql: str) -> str:
        """SQLite keeps the very text of each statement."""
        return sql

    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        try:
            return f"In the {self.describe()}: {self._damaged(mode, share, seed)}."
        except (sqlite3.Error, DjangoError, OSError) as error:
            raise TargetError(f"The {self.describe()} could not be broken: {error}.") from error

    def _damaged(self, mode: str, share: float, seed: int) -> str:
        path = self.place.path
        if path is None or mode not in _DAMAGES:
            raise TargetError(f"A {self.describe()} cannot suffer {mode!r}.")
        if mode == "drop-database":
            self.drop()
            return "removed the file"
        with closing(self._open(self.place.uri("rw"))) as connection:
            pragma(connection, "foreign_keys = OFF")
            if mode == "drop-tables":
                return damage.drop_tables(connection)
            if mode == "truncate":
                return damage.truncate(connection)
            if mode == "delete-rows":
                return damage.delete_rows(connection, share, seed)
            if mode == "half-migration":
                return damage.half_migrate(connection)
            damage.settle(connection)
        return damage.corrupt_file(path, seed)

    def _open(self, name: str) -> sqlite3.Connection:
        """Connect to a NAME, which may be another than this database's own."""
        return opened(self._named(name).connect())

    def _named(self, name: str) -> Self:
        options = raw_options(self.settings.get("OPTIONS", {}))
        return type(self)(self.alias, {**self.settings, "NAME": name, "OPTIONS": options})


def _set(connection: sqlite3.Connection, names: Iterable[str], facts: EngineFacts) -> None:
    for name in names:
        if name in facts.properties:
            pragma(connection, f"{name} = '{facts.properties[name]}'")


def _unfit_library(facts: EngineFacts) -> Iterator[str]:
    """An older library than the source's will do: what it cannot parse it refuses, with the statement named."""
    with closing(sqlite3.connect(":memory:")) as connection:
        there = {str(name).lower() for (name,) in connection.execute("SELECT name FROM pragma_module_list")}
    for module in facts.extensions:
        if module not in there:
            yield f"SQLite {sqlite3.sqlite_version} lacks the module {module}, which a virtual table needs."
