"""Which migrations a database has had, and what the code's migrations say: recorded with each backup.

The rows of ``django_migrations`` are recorded whole, since the newest name of an app is not its state (branches, merges,
squashed migrations). Sources are kept for people; a restore never imports them.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.db.migrations.exceptions import MigrationSchemaMissing, NodeNotFoundError
from django.db.migrations.loader import MigrationLoader

from backups.rows import Row
from backups.tables import Table

TABLE = "django_migrations"

Applied = list[tuple[str, str]]


def applied(table: Table, rows: Iterable[Row]) -> Applied:
    """Return every (application, name) of the table's rows, in the order in which they were applied."""
    at = {column.name: place for place, column in enumerate(table.columns)}
    return [(str(row[at["app"]]), str(row[at["name"]])) for row in rows]


def state(recorded: Applied) -> bytes:
    """Return the part ``migrations``: what was applied, the code's leaves, and the digest of each source."""
    loader = _loader()
    sources = _sources(loader)
    found: dict[str, Any] = {
        "applied": recorded,
        "leaves": sorted(loader.graph.leaf_nodes()) if loader else [],
        "digests": {name: hashlib.sha256(text.encode()).hexdigest() for name, text in sources.items()},
    }
    return _canonical(found)


def sources() -> bytes:
    """Return the part ``sources``: the text of every migration file, by ``app.name``."""
    return _canonical(_sources(_loader()))


def read_applied(part: bytes) -> Applied:
    """Return what ``state`` recorded as applied."""
    return [(app, name) for app, name in json.loads(part)["applied"]]


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
