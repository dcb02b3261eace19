"""The verb *list restores*: what was restored, replaced, undone and recovered, by whom and when; from storage alone too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any

from backups.exceptions import RepositoryError
from backups.models import Restore, RestoreKind, RunStatus
from backups.repository import Listed, Repository
from backups.repository.events import DISCARDED, PROMOTED, RECOVERED, RESTORED, UNDONE, Event, event_names, read_event
from backups.repository.names import run_time
from backups.repository.places import is_copy
from backups.services import catalog

KIND_OF = {
    RESTORED: RestoreKind.COPY,
    PROMOTED: RestoreKind.REPLACEMENT,
    UNDONE: RestoreKind.UNDOING,
    RECOVERED: RestoreKind.ROWS,
}
"""What the catalogue calls what an event tells."""


_THROW_AWAY = re.compile(r"(?:.*/)?lifeboat_\d{8}t\d{6}z_[0-9a-f]{6}(?:\.\w+)?", re.ASCII)


def was_thrown_away(target: str) -> bool:
    """Say by its name whether a restored copy was a throw-away one, such as a drill's: it is dropped when that ends."""
    return _THROW_AWAY.fullmatch(target) is not None


def by_table(contents: dict[str, dict[str, int]], number: Callable[[int], str]) -> list[str]:
    """Say of each table how many rows were written, by what was done."""
    return [
        f"{table}: " + ", ".join(f"{number(rows)} {action}" for action, rows in counts.items())
        for table, counts in sorted(contents.items())
    ]


@dataclass(frozen=True, slots=True)
class RestoreLine:
    """One restore in a list. ``contents`` is how many single rows were written: by table, then by what was done."""

    id: str
    kind: str
    status: str
    backup: str
    started: datetime
    target: str
    kept: str = ""
    rows: int = 0
    requested_by: str = ""
    requested_via: str = ""
    error: str = ""
    contents: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        return {**asdict(self), "started": self.started.isoformat()}


def list_restores(database: str, limit: int | None = None) -> tuple[list[RestoreLine], str]:
    """Return the restores of a database, newest first, and a sentence where they are not from the catalogue.

    ``limit`` is how many of them, None for all. Of storage alone those that succeeded are known, and looked for among the
    newest ``limit`` backups.
    """
    recording = catalog.open_catalogue()
    with recording.attempt() as there:
        if there and not is_copy():
            catalog.mark_interrupted(recording.using, database)
            rows = Restore.objects.using(recording.using).filter(database=database).order_by("-started")
            return [_from_row(row) for row in rows[:limit]], ""
    repository = Repository.open(database)
    recent = repository.listing()[::-1][:limit]
    lines = sorted(_from_storage(repository, recent), key=lambda line: line.started, reverse=True)
    note = f"This is what {repository.where} tells of the newest {len(recent)} backups."
    return lines[:limit], f"{recording.problem} {note}".lstrip()


def _from_row(row: Restore) -> RestoreLine:
    told = {name: getattr(row, name) for name in RestoreLine.__slots__ if name != "backup"}
    return RestoreLine(**told, backup=row.backup_id)


def _from_storage(repository: Repository, listing: list[Listed]) -> Iterator[RestoreLine]:
    """Yield what signed records tell; one that is damaged proves nothing."""
    for listed in listing:
        names = event_names(repository, listed.run)
        if not names:
            continue
        try:
            digest = repository.read_manifest(listed.name).digest
        except RepositoryError:
            continue
        lines: dict[str, RestoreLine] = {}
        for name in names:
            try:
                event = read_event(repository, name, digest)
                if event.kind in KIND_OF:
                    lines[event.run] = _from_event(event)
                elif event.kind == DISCARDED:
                    status, why = RunStatus(event.data["status"]).value, str(event.data["error"])
                    lines[event.run] = replace(lines[event.run], status=status, error=why)
            except (RepositoryError, ValueError, KeyError, TypeError):
                continue
        yield from lines.values()


def _from_event(event: Event) -> RestoreLine:
    told = {
        name: event.data[name]
        for name in ("kept", "rows", "requested_by", "requested_via", "contents")
        if name in event.data
    }
    kind, target = KIND_OF[event.kind].value, event.data["target"]
    return RestoreLine(event.run, kind, RunStatus.COMPLETE.value, event.backup, run_time(event.run), target, **told)
