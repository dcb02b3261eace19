"""A PostgreSQL database whose contents are replaced inside of it, for servers on which no database may be made.

What takes their place is made in one transaction (``enclosed``), in schemas of the same names; the ones before stay,
renamed and marked (``schemas``). What one run keeps goes by one name, as a kept database would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

import psycopg

from backups.engines.base import Engine
from backups.engines.kept import kept_name, run_of
from backups.engines.postgresql import privileges, schemas, server
from backups.engines.postgresql.enclosed import EnclosedPostgreSQL
from backups.engines.postgresql.engine import PostgreSQL
from backups.engines.postgresql.lock import be_alone
from backups.engines.postgresql.promotion import alone, wait_for_the_end
from backups.engines.postgresql.schemas import Kept
from backups.engines.postgresql.session import Connection, fetch, pin, quoted, session, told
from backups.engines.postgresql.session import run as run_sql
from backups.exceptions import BackupsError, SourceError, TargetError
from backups.progress import Progress, Step, silent

_PATH = "SELECT btrim(s, '\" ') FROM unnest(string_to_array(current_setting('search_path'), ',')) s"


class InsidePostgreSQL(PostgreSQL):
    """See ``Engine.inside``."""

    is_inside = True
    ends_connections = False

    def inside(self) -> Self:
        """Return itself."""
        return self

    def at(self, name: str) -> Any:
        """Return what is kept under a name; it is looked up, so that Django can find it."""
        try:
            with session(self) as connection:
                found = schemas.kept_schemas(connection).get(spelt(name), [])
                path = [schema for (schema,) in fetch(connection, _PATH)]
        except (BackupsError, psycopg.Error):
            found, path = [], []
        return KeptSchemas(self.alias, self.settings, name, found, path)

    def fresh(self, run: str) -> Engine:
        """Return a copy that is made inside."""
        return EnclosedPostgreSQL(self.alias, self.settings, run)

    def exists(self) -> bool:
        """Say whether there is anything that could be kept."""
        if not server.exists(self):
            return False
        with session(self) as connection, told(self.describe()):
            return bool(schemas.replaced(connection))

    def kept_name(self, run: str) -> str:
        """Return the name for all that a run keeps; each schema is kept as ``<schema>_before_<run>``."""
        return kept_name(self.name, run, schemas.LONGEST_NAME)

    def kept(self) -> list[str]:
        """Return the names of what is kept in this database, the newest first."""
        if not server.exists(self):
            return []
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            return sorted((self.kept_name(run) for run in schemas.kept_schemas(connection)), reverse=True)

    def irreplaceable(self) -> list[str]:
        """Return why the schemas cannot be renamed."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            return list(schemas.obstacles(connection, self.describe()))

    def carry_over(self, copy: Engine) -> list[str]:
        """Give the copy's objects their owners and grants, and no others."""
        if not isinstance(copy, EnclosedPostgreSQL):
            raise TypeError(f"{copy.describe()} was not made inside.")
        try:
            with session(self) as source, told(copy.describe(), TargetError):
                privileges.withdraw(copy.connection)
                return privileges.carry_over(source, copy.connection)
        except SourceError as error:
            return [f"Owners and grants could not be read, so all belongs to the role that restores: {error}"]

    def promote(self, copy: Engine, kept: str, progress: Progress = silent) -> list[str]:
        """Commit the copy; or exchange what is live and what is kept, in one transaction."""
        progress(Step("promote", "begin"))
        if isinstance(copy, EnclosedPostgreSQL):
            copy.commit(progress)
        else:
            with session(self, TargetError) as connection, told(self.describe(), TargetError):
                self._exchange(connection, copy.name, kept, progress)
        progress(Step("promote", "done"))
        return []

    def finish(self, copy: Engine, kept: str, *, was_there: bool) -> bool:
        """Say whether what a killed run was about to commit was committed."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError):
            wait_for_the_end(connection, self)
            there = schemas.kept_schemas(connection)
            # Where nothing was to be kept, there is something now, and it is no more kept.
            return (
                spelt(kept) in there
                if was_there
                else bool(schemas.replaced(connection)) and spelt(copy.name) not in there
            )

    def _exchange(self, connection: Connection, back: str, kept: str, progress: Progress) -> None:
        with connection.transaction():
            run_sql(connection, "SET TRANSACTION READ WRITE")
            pin(connection, local=True, synchronous_commit="on")
            alone(connection, self, "xact_lock")
            be_alone(connection, self)
            found = schemas.kept_schemas(connection).get(spelt(back), [])
            schemas.refuse_incomplete(found, back)
            live = schemas.replaced(connection, [one.schema for one in found])
            progress(Step("promote", "wait for others"))
            schemas.wait_for_others(connection, [schema.name for schema in live])
            progress(Step("promote", "rename the live schemas"))
            schemas.set_aside(connection, live, spelt(kept))
            progress(Step("promote", "rename the kept schemas"))
            schemas.bring_back(connection, found)
            progress(Step("promote", "commit"))


class KeptSchemas(PostgreSQL):
    """What one run keeps; Django finds its tables by their own names. ``path`` is where it looks for them otherwise."""

    def __init__(
        self, alias: str, settings: Mapping[str, Any], name: str, kept: Iterable[Kept], path: list[str]
    ) -> None:
        super().__init__(alias, settings)
        self._name = name
        self._schemas = {one.schema: one.name for one in kept}
        if self._schemas:
            options = self.settings["OPTIONS"]
            found = ",".join(map(quoted, self._found(path))).replace(" ", "\\ ")
            options["options"] = f"{options.get('options', '')} -c search_path={found}".strip()

    @property
    def name(self) -> str:
        """The name for all of it."""
        return self._name

    def describe(self) -> str:
        """Return the names of the schemas."""
        return f"{', '.join(self._schemas.values()) or self._name} in PostgreSQL database {self.settings['NAME']}"

    def drop(self) -> None:
        """Drop the schemas, if that takes nothing else along."""
        with session(self, TargetError) as connection, told(self.describe(), TargetError), connection.transaction():
            run_sql(connection, "SET TRANSACTION READ WRITE")
            pin(connection, local=True, client_min_messages="warning", search_path="")
            found = schemas.kept_schemas(connection).get(spelt(self._name))
            if found:
                schemas.drop_kept(connection, found)

    def _found(self, path: list[str]) -> list[str]:
        """Return the path with the kept schemas for those that they were, and all of them on it."""
        first = [self._schemas[name] for name in path if name in self._schemas]
        rest = [name for name in self._schemas.values() if name not in first]
        return [*first, *rest, *(name for name in path if name not in self._schemas)]


def spelt(name: str) -> str:
    """Return the run in a kept name, as marks spell it."""
    return run_of(name)
