"""Which migrations a database has had, and what the code's migrations say: recorded with each backup.

The rows of ``django_migrations`` are recorded whole, since the newest name of an app is not its state (branches, merges,
squashed migrations). Sources are kept for people; a restore never imports them.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict

import msgspec
from django.db.migrations.exceptions import CircularDependencyError, MigrationSchemaMissing, NodeNotFoundError
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from backups.rows import Row
from backups.tables import Table

TABLE = "django_migrations"

Applied = list[tuple[str, str]]


class _Recorded(TypedDict):
    applied: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies between the migrations that a database has had and today's code, as (application, name).

    ``migrations`` are still to be applied, in order; ``unknown`` were applied, and the code no longer has them;
    ``problem`` says why ``migrate`` could not go on from there, empty where it could.
    """

    migrations: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    problem: str = ""

    @property
    def is_today(self) -> bool:
        """Whether the database is what today's code expects."""
        return not (self.migrations or self.unknown or self.problem)


def applied(table: Table, rows: Iterable[Row]) -> Applied:
    """Return every (application, name) of the table's rows, in the order in which they were applied."""
    at = {column.name: place for place, column in enumerate(table.columns)}
    return [(str(row[at["app"]]), str(row[at["name"]])) for row in rows]


def parts(recorded: Applied) -> dict[str, bytes]:
    """Return the parts ``migrations`` (what was applied, the code's leaves, the digest of each source) and ``sources``.

    The latter is the text of every migration file, by ``app.name``.
    """
    loader = _loader()
    sources = _sources(loader)
    found: dict[str, Any] = {
        "applied": recorded,
        "leaves": sorted(loader.graph.leaf_nodes()) if loader else [],
        "digests": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sources.items()},
    }
    return {"migrations": _canonical(found), "sources": _canonical(sources)}


def read_applied(part: bytes) -> Applied:
    """Return what the part ``migrations`` says was applied."""
    return msgspec.json.decode(part, type=_Recorded)["applied"]


def ahead(recorded: Applied) -> Ahead:
    """Return what ``migrate`` would do to a database that has had these migrations; asks no database."""
    try:
        loader = _RecordedLoader(recorded)
    except (NodeNotFoundError, MigrationSchemaMissing, CircularDependencyError) as error:
        return Ahead(problem=f"The code's own migrations do not fit together: {error}")
    known = {*loader.disk_migrations, *(name for squash in loader.replacements.values() for name in squash.replaces)}
    unknown = tuple(name for name in recorded if name not in known)
    planner = MigrationExecutor(None)
    planner.loader = loader
    plan = planner.migration_plan(loader.graph.leaf_nodes())
    migrations = tuple((migration.app_label, migration.name) for migration, _ in plan)
    return Ahead(migrations, unknown, " ".join(_problems(loader, migrations, unknown)))


def graph_of(recorded: Applied) -> tuple[MigrationLoader, list[tuple[str, str]]]:
    """Return a loader for an empty database and the targets that take it to a recorded state; asks no database.

    What the code no longer has is no target. A squashed migration stands for those that it replaces where all of them
    were applied, and these for themselves where some were not.
    """
    loader = _RecordedLoader(recorded)
    reached = {key for key in loader.applied_migrations if key in loader.graph.nodes}
    children = {key: {c.key for c in loader.graph.node_map[key].children if c.key[0] == key[0]} for key in reached}
    loader.begin_anew()
    return loader, sorted(key for key in reached if not children[key] & reached)


def named(migrations: Iterable[tuple[str, str]]) -> str:
    """Return migrations as people read them: ``shop.0002_more, …``."""
    return ", ".join(f"{app}.{name}" for app, name in migrations)


def _problems(
    loader: MigrationLoader, migrations: tuple[tuple[str, str], ...], unknown: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    for app, names in loader.detect_conflicts().items():
        yield f"The code has several leaves of {app}: {', '.join(sorted(names))} (makemigrations --merge)."
    for key in migrations:
        app, name = key
        gone = [found for found in unknown if found[0] == app]
        if gone and not any(parent.key[0] == app for parent in loader.graph.node_map[key].parents):
            yield f"{app}.{name} would make tables that the backup already has from {named(gone)}."
    for key in sorted(set(loader.applied_migrations) & set(loader.graph.nodes)):
        for parent in sorted(loader.graph.node_map[key].parents):
            if parent.key in migrations:
                yield f"The backup has {named([key])} without {named([parent.key])}, which the code says comes before."


class _RecordedLoader(MigrationLoader):
    """The code's migrations, with what a backup says was applied in the place of a database's rows."""

    def __init__(self, recorded: Applied) -> None:
        self._recorded = recorded
        super().__init__(None, ignore_no_migrations=True)

    @property
    def applied_migrations(self) -> dict[tuple[str, str], Any]:
        """What was applied; squashed migrations are added to it as the graph is built."""
        return self._applied

    @applied_migrations.setter
    def applied_migrations(self, value: object) -> None:
        """A loader without a database says that nothing was; this one knows better."""
        self._applied: dict[tuple[str, str], Any] = dict.fromkeys(self._recorded)

    def begin_anew(self) -> None:
        """Keep the graph, and forget that anything was applied."""
        self._applied = {}


def _loader() -> MigrationLoader | None:
    try:
        return MigrationLoader(None, ignore_no_migrations=True)
    except (NodeNotFoundError, MigrationSchemaMissing):
        # Migrations that do not fit together stop ``migrate``, not a backup: the rows tell what was applied.
        return None


def _sources(loader: MigrationLoader | None) -> dict[str, str]:
    found = {}
    for (app, name), migration in sorted(loader.disk_migrations.items() if loader else ()):
        path = inspect.getsourcefile(type(migration))
        if path and Path(path).is_file():
            found[f"{app}.{name}"] = Path(path).read_text(encoding="utf-8", errors="replace")
    return found


def _canonical(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
