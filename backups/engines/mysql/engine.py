"""One database of a MariaDB or MySQL server."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar, Self

import MySQLdb
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from backups.engines.base import Engine, ForeignKey, Loader, Snapshot
from backups.engines.editing import Editor
from backups.engines.kept import kept_name, kept_names
from backups.engines.mysql import (
    collisions,
    damage,
    ddl,
    errors,
    locking,
    objects,
    preflight,
    promotion,
    text,
    unfinished,
    violations,
)
from backups.engines.mysql.editor import MySqlEditor
from backups.engines.mysql.loader import MySqlLoader
from backups.engines.mysql.session import DATABASE_ERRORS, Session, code_of, prepared
from backups.engines.mysql.snapshot import MySqlSnapshot
from backups.exceptions import ConfigurationError, TargetError
from backups.facts import EngineFacts, Origin
from backups.progress import Progress, silent
from backups.rows import Row
from backups.schema import Schema
from backups.tables import Table

if TYPE_CHECKING:
    from backups.engines.mysql.resident import ResidentMySql

_LONGEST_NAME = 64
_SYSTEM = {"information_schema", "mysql", "performance_schema", "sys"}
_SCRATCH = re.compile(r"lifeboat_\d{8}t\d{6}z_[0-9a-f]+", re.ASCII)
_PATIENCE = 5  # seconds that dropping waits for others before it ends their connections


class MySqlEngine(Engine):
    """See ``Engine``. Definitions are captured by ``SHOW CREATE``, rows are read in one repeatable read."""

    vendor: ClassVar[str] = "mysql"
    title: ClassVar[str] = "MariaDB/MySQL"
    renames: ClassVar[bool] = False
    reads_apart: ClassVar[bool] = True

    def __init__(self, alias: str, settings: Mapping[str, Any]) -> None:
        super().__init__(alias, settings)
        self._violations: dict[str, int] = {}

    def connect(self) -> BaseDatabaseWrapper:
        """See ``Engine.connect``; the driver's settings are ours, but for how to reach the server."""
        return self._connect(self.name)

    def resolve(self, name: str) -> str:
        """See ``Engine.resolve``."""
        if not name or len(name) > _LONGEST_NAME or name != name.strip() or "\x00" in name:
            raise TargetError(
                f"{name!r} is not fit for a database: it has 1 to {_LONGEST_NAME} characters, none of them at its ends a space."
            )
        if name.lower() in _SYSTEM:
            raise TargetError(f"{name!r} belongs to the server itself.")
        return name

    def describe(self) -> str:
        """See ``Engine.describe``."""
        return f"{self.title} database {self.name} on {self._place()}"

    def origin(self) -> Origin:
        """See ``Engine.origin``. A server's own id changes with a failover, so it is part of the place."""
        with errors.reading(self.describe()), self._inside() as session:
            server = preflight.server(session)
        return Origin(self.vendor, self.name, place=" ".join(filter(None, (self._place(), server.ident))))

    def exists(self) -> bool:
        """See ``Engine.exists``."""
        with errors.making(self.describe()), self._server() as session:
            return bool(session.query(f"SHOW DATABASES WHERE `Database` = {text.string(self._folded(session))}"))

    def is_same(self, other: Engine) -> bool:
        """See ``Engine.is_same``: the servers say who they are."""
        if not isinstance(other, MySqlEngine):
            return False
        with errors.making(self.describe()), self._server() as one, other._server() as two:
            return preflight.server(one) == preflight.server(two) and self._folded(one) == other._folded(two)

    def preflight(self, facts: EngineFacts) -> list[str]:
        """See ``Engine.preflight``."""
        try:
            with errors.making(self.describe()), self._server() as session:
                return list(preflight.obstacles(session, self.name, facts))
        except TargetError as error:
            return [str(error)]

    def create(self, facts: EngineFacts) -> None:
        """See ``Engine.create``."""
        self._violations = violations.recorded(facts)
        charset, collation = (facts.properties.get(name, "") for name in ("charset", "collation"))
        wanted = f" CHARACTER SET {text.name(charset)}" if charset else ""
        wanted += f" COLLATE {text.name(collation)}" if collation else ""
        with errors.making(self.describe()), self._server() as session:
            session.run(f"CREATE DATABASE {text.name(self.name)}{wanted}{unfinished.mark(session)}")

    def rename(self, name: str) -> None:
        """See ``Engine.rename``."""
        raise TargetError(f"The server cannot rename {self.describe()}.")

    def is_unfinished(self) -> bool:
        """See ``Engine.is_unfinished``."""
        with errors.making(self.describe()), self._server() as session:
            name = self._folded(session)
            return unfinished.is_marked(session, name) and locking.is_deserted(session, name)

    @contextmanager
    def unfinished(self) -> Iterator[None]:
        """See ``Engine.unfinished``."""
        with errors.making(self.describe()), self._server() as session:
            unfinished.put(session, self.name)
        yield
        with errors.making(self.describe()), self._server() as session:
            unfinished.unmark(session, self.name)

    def drop(self) -> None:
        """See ``Engine.drop``."""
        with errors.making(self.describe()), self._server() as session:
            session.set({"lock_wait_timeout": _PATIENCE, "foreign_key_checks": 0})
            statement = f"DROP DATABASE IF EXISTS {text.name(self.name)}"
            try:
                session.run(statement)
            except DATABASE_ERRORS as error:
                if code_of(error) not in errors.LOCK_WAIT:
                    raise
                locking.end_connections(session, self._folded(session))
                session.run(statement)

    def resident(self) -> ResidentMySql:
        """See ``Engine.resident``."""
        from backups.engines.mysql.resident import ResidentMySql

        return ResidentMySql(self.alias, self.settings)

    def scratch_name(self, run: str) -> str:
        """See ``Engine.scratch_name``."""
        return "lifeboat_" + re.sub(r"[^a-z0-9]+", "_", run.lower())

    def leftovers(self) -> list[str]:
        """See ``Engine.leftovers``."""
        with errors.making(self.describe()), self._server() as session:
            found = (str(row[0]) for row in session.query(r"SHOW DATABASES LIKE 'lifeboat\_%'"))
            return sorted(name for name in found if _SCRATCH.fullmatch(name))

    def kept_name(self, run: str) -> str:
        """See ``Engine.kept_name``."""
        return kept_name(self.name, run, _LONGEST_NAME)

    def kept(self) -> list[str]:
        """See ``Engine.kept``."""
        with errors.making(self.describe()), self._server() as session:
            return kept_names(
                self._folded(session), [str(name) for (name,) in session.query("SHOW DATABASES")], _LONGEST_NAME
            )

    def irreplaceable(self) -> list[str]:
        """See ``Engine.irreplaceable``."""
        with errors.making(self.describe()), self._server() as session:
            return promotion.obstacles(session, self._folded(session))

    def carry_over(self, copy: Self) -> list[str]:
        """See ``Engine.carry_over``. Grants are on names, and so stay; definers are carried over with the names."""
        return []

    def promote(self, copy: Self, kept: str, progress: Progress = silent) -> list[str]:
        """See ``Engine.promote``. What hangs on names is not part of the one step; see ``promotion``."""
        with errors.making(self.describe()), self._server() as session:
            return promotion.promote(session, self._folded(session), copy.name, kept, progress)

    def finish(self, copy: Self, kept: str, *, was_there: bool) -> bool:
        """See ``Engine.finish``."""
        with errors.making(self.describe()), self._server() as session:
            return promotion.finish(session, self._folded(session), copy.name, kept)

    @contextmanager
    def lock(self, run: str) -> Iterator[None]:
        """See ``Engine.lock``: a named lock of the server, which ends with its connection at the latest."""
        with errors.reading(self.describe()):
            session = self._server()
        with session:
            with errors.reading(self.describe()):
                locking.take(session, self._folded(session), run, self.describe())
            try:
                yield
            finally:
                locking.give_back(session)

    @contextmanager
    def snapshot(self, excluded: Collection[str] = ()) -> Iterator[Snapshot]:
        """See ``Engine.snapshot``."""
        with errors.reading(self.describe()):
            session = self._inside()
        with session:
            snapshot = MySqlSnapshot(session, self.name, self.settings, self.describe())
            snapshot.begin(excluded)
            yield snapshot

    @contextmanager
    def editor(self, *, writing: bool = False) -> Iterator[Editor]:
        """See ``Engine.editor``."""
        with errors.reading(self.describe()):
            session = self._inside()
        with session:
            described = MySqlSnapshot(session, self.name, self.settings, self.describe())
            yield MySqlEditor(session, described, self.describe(), writing=writing)

    @contextmanager
    def loader(self) -> Iterator[Loader]:
        """See ``Engine.loader``."""
        with errors.making(self.describe()):
            session = self._inside()
        with session:
            yield MySqlLoader(session, self.name, self.describe(), self._violations)

    def collisions(self, table: Table, rows: Iterable[tuple[str, Row]]) -> Iterable[str]:
        """See ``Engine.collisions``: the server itself compares, by the collation of each column."""
        with errors.making(self.describe()), self._inside() as session:
            shown = session.query(f"SHOW CREATE TABLE {text.name(table.name)}")[0][1]
            keys = ddl.definition(table.name, shown, self.name).unique_keys
            return list(collisions.found(session, table, [key.columns for key in keys if key.plain], rows))

    @staticmethod
    def foreign_keys(schema: Schema) -> list[ForeignKey]:
        """See ``Engine.foreign_keys``."""
        keys = [ddl.foreign_key_of(one) for one in schema.statements() if one.kind == "foreign key"]
        return [ForeignKey(key.table, key.columns, key.parent_name) for key in keys]

    def normal(self, sql: str) -> str:
        """See ``Engine.normal``: the server writes definitions in one way; only an event's state is not compared."""
        return objects.disabled(sql) if objects.is_event(sql) else sql

    def damage(self, mode: str, *, share: float = 0.5, seed: int = 0) -> str:
        """See ``Engine.damage``."""
        if mode == "drop-database":
            self.drop()
            return f"Dropped the {self.describe()}."
        if mode == "corrupt-file":
            raise TargetError(
                "A server's files are its own: corrupt-file is for databases that are a file, such as SQLite's.",
                hint="Nothing was changed. Modes here: drop-database, drop-tables, truncate, delete-rows, half-migration.",
            )
        with errors.making(self.describe()), self._inside() as session:
            return damage.break_tables(session, self.name, mode, share, seed)

    def _place(self) -> str:
        host = str(self.settings.get("HOST") or "localhost")
        port = str(self.settings.get("PORT") or "")
        return host if host.startswith("/") or not port else f"{host}:{port}"

    def _connect(self, name: str) -> BaseDatabaseWrapper:
        wrapper: type[BaseDatabaseWrapper] = load_backend(self.settings["ENGINE"]).DatabaseWrapper
        driver = getattr(wrapper, "Database", None)
        if driver is not MySQLdb or getattr(driver, "__name__", "") != "MySQLdb":
            raise ConfigurationError(
                f"The database {self.alias!r} is reached by another driver than mysqlclient.",
                hint="pip install mysqlclient, and use the ENGINE django.db.backends.mysql.",
            )
        options = prepared(self.settings.get("OPTIONS") or {})
        ours = {"NAME": name, "OPTIONS": options, "ATOMIC_REQUESTS": False, "AUTOCOMMIT": True, "CONN_MAX_AGE": 0}
        return wrapper({**self.settings, **ours}, alias=self.alias)

    def _inside(self) -> Session:
        return Session(self._connect(self.name))

    def _server(self) -> Session:
        """Return a session in no database: this one need not be there."""
        return Session(self._connect(""))

    def _folded(self, session: Session) -> str:
        return self.name.lower() if session.folds_names else self.name
