"""The verb *recover rows*: single rows of a backup back into the live database, in one transaction that is planned first."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from backups.contents import Contents
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import BackupsError, RepositoryError
from backups.models import Restore, RestoreKind
from backups.recovery import Recovery, Request, carry_out, plan
from backups.repository import Committed, Repository
from backups.repository.events import RECOVERED, Event, record
from backups.repository.names import new_run
from backups.services import catalog
from backups.services.catalog import Asked
from backups.services.vouching import chosen

Agree = Callable[[Recovery], bool]


@dataclass(frozen=True, slots=True)
class Recovered:
    """What was planned, and how many rows were written. ``run`` is what it is recorded as, empty where nothing was written."""

    plan: Recovery
    written: int
    run: str = ""
    notes: tuple[str, ...] = ()


def plan_recovery(database: str, backup: str, request: Request) -> Recovery:
    """Return what a recovery would do, or raise what would stop it; changes nothing."""
    repository, committed = _opened(database, backup)
    return _planned(engine_for(database), repository, committed, request)


def recover_rows(
    database: str,
    backup: str,
    request: Request,
    *,
    agree: Agree = lambda plan: True,
    asked: Asked | None = None,
) -> Recovered:
    """Bring rows back into the live database, with all that they need; ``agree`` is shown the plan before it is done.

    What was written is recorded as a restore: by whom, when, of which backup, how many rows of which tables. Raises
    ConfigurationError, RestoreError, UnknownBackup, RepositoryError, SourceError, with everything as it was.
    """
    engine, (repository, committed) = engine_for(database), _opened(database, backup)
    found = _planned(engine, repository, committed, request)
    if not found.writes:
        return Recovered(found, 0, notes=found.notes)
    if not agree(found):
        raise BackupsError("Nothing was changed, since nobody said yes to the plan.")
    return _done(engine, repository, committed, found, asked or Asked())


def _opened(database: str, backup: str) -> tuple[Repository, Committed]:
    engine_for(database)
    repository = Repository.open(database)
    committed = chosen(repository, backup)
    repository.require_identity(committed.manifest)
    return repository, committed


def _planned(engine: Engine, repository: Repository, committed: Committed, request: Request) -> Recovery:
    with engine.editor() as editor:
        found = plan(Contents(repository, committed.manifest), editor, engine.vendor, request)
    return replace(found, notes=(*found.notes, *repository.healings()))


def _done(engine: Engine, repository: Repository, committed: Committed, found: Recovery, asked: Asked) -> Recovered:
    """Carry the plan out, and record it in the repository and the catalogue; what cannot be recorded is said."""
    run, began, recording = new_run(), time.monotonic(), catalog.open_catalogue()
    catalog.begin_restore(recording, run, committed, engine.name, asked, RestoreKind.ROWS)
    try:
        written = carry_out(engine, found)
    except BaseException as error:
        catalog.fail(recording, Restore, run, error)
        raise
    by_table = _by_table(found)
    data = {
        "target": engine.name,
        "seconds": round(time.monotonic() - began, 3),
        "rows": written,
        "tables": len(by_table),
        # Of an encrypted backup the storage is told neither tables nor their counts.
        **({} if committed.manifest.encryption else {"contents": by_table}),
        **asked.said(),
    }
    notes = list(found.notes)
    try:
        record(repository, Event(RECOVERED, committed.manifest.run, run, committed.digest, datetime.now(UTC), data))
    except RepositoryError as error:
        notes.append(f"That rows were recovered could not be recorded in the repository: {error}")
    catalog.finish_restore(recording, run, {**data, "contents": by_table})
    notes += [recording.problem] if recording.problem else []
    return Recovered(found, written, run, tuple(notes))


def _by_table(found: Recovery) -> dict[str, Any]:
    counted = Counter((row.table.qualified, row.action.value) for row in found.writes)
    tables = sorted({table for table, _ in counted})
    return {
        table: {action: rows for (name, action), rows in sorted(counted.items()) if name == table} for table in tables
    }
