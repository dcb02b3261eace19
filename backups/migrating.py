"""Runs the project's migrations in a copy and nowhere else: from the recorded ones to today's, or up to the recorded ones."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from io import StringIO
from typing import Any

from django.core.management import call_command
from django.core.management.commands.migrate import Command as MigrateCommand
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.recorder import MigrationRecorder

from backups import migrations_state, scratch
from backups.engines.base import Engine
from backups.exceptions import BackupsError, RestoreError
from backups.progress import Progress, Step, silent

_APPLYING = re.compile(r"Applying (\S+?)\.\.\.")


@dataclass(frozen=True, slots=True)
class Migrated:
    """What ``migrate`` did: the migrations that it applied, in order, as (application, name); wall-clock seconds."""

    migrations: tuple[tuple[str, str], ...]
    seconds: float


def migrate(copy: Engine, alias: str, progress: Progress = silent) -> Migrated:
    """Migrate a copy of an alias's database to today's code; raise RestoreError, which leaves it half-migrated.

    All that a deployment would run is run: data migrations, ``run_syncdb``, what listens to ``post_migrate``. It is given
    the source's alias, so that routers answer as they do for the source, and code that names no database reaches the copy.
    """
    began = time.monotonic()
    said = _Told(progress)
    with scratch.standing_in(copy, alias), copy.unfinished():
        before = _applied(alias)
        try:
            call_command(
                "migrate",
                database=alias,
                interactive=False,
                run_syncdb=True,
                skip_checks=True,
                no_color=True,
                verbosity=1,
                stdout=said,
            )
        except Exception as error:
            raise _failed(said.current, error) from error
        after = _applied(alias)
    left = migrations_state.ahead(after)
    if left.migrations:
        raise RestoreError(
            f"migrate said that it was done, and did not apply {migrations_state.named(left.migrations)}."
        )
    return Migrated(tuple(key for key in after if key not in set(before)), round(time.monotonic() - began, 3))


def build(empty: Engine, alias: str, recorded: migrations_state.Applied, progress: Progress = silent) -> None:
    """Have an empty database built by migrations up to a recorded state; raise RestoreError where that fails.

    Nothing listens: no signal is sent, so that there are no rows but those that data migrations make. ``alias`` is the one
    whose routers answer.
    """
    said = _Told(progress)

    def told(action: str, migration: Any = None, fake: bool = False, /) -> None:
        if action == "apply_start":
            said.write(f"Applying {migration}...")

    with scratch.standing_in(empty, alias):
        connection = connections[alias]
        try:
            connection.prepare_database()
            executor = MigrationExecutor(connection, told)  # type: ignore[arg-type]  # the stubs know fewer calls
            executor.loader, targets = migrations_state.graph_of(recorded)
            _sync(connection, executor.loader.unmigrated_apps)
            executor.migrate(targets)
        except Exception as error:
            raise _failed(said.current, error) from error


def _sync(connection: BaseDatabaseWrapper, applications: set[str]) -> None:
    """Make the tables of applications that have no migrations, as ``migrate --run-syncdb`` does."""
    command = MigrateCommand(stdout=StringIO())
    command.verbosity = 0
    command.sync_apps(connection, applications)


def _applied(alias: str) -> migrations_state.Applied:
    """Return what the database at hand has had, in order; nothing where it has no table of migrations."""
    recorder = MigrationRecorder(connections[alias])
    if not recorder.has_table():
        return []
    return list(recorder.migration_qs.order_by("id").values_list("app", "name"))


def _failed(migration: str, error: Exception) -> RestoreError:
    what = f"The migration {migration} could not be applied to the fresh database" if migration else "migrate failed"
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    hint = "The live database is as it was. Without --migrate the archived tables restore as they were."
    if isinstance(error, BackupsError):
        return RestoreError(f"{what}: {reason}", hint=hint)
    return RestoreError(f"{what}: {type(error).__name__}: {reason.rstrip('.')}.", hint=hint)


class _Told(StringIO):
    """Listens to ``migrate`` and tells which migration is under way; keeps nothing else."""

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress, self._done = progress, 0
        self.current = ""

    def write(self, text: str) -> int:
        """Take note of one message."""
        found = _APPLYING.search(text)
        if found:
            self.current, self._done = found[1], self._done + 1
            self._progress(Step("migrate", self.current, self._done))
        return len(text)
