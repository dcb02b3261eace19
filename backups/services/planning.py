"""What a restore is going to do, said before anything is made: one object for dry run, confirmation page and log."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from backups import restorer
from backups.exceptions import RepositoryError
from backups.manifest import Manifest, TableEntry
from backups.migrations_state import Ahead, named
from backups.models import Verification, VerificationLevel
from backups.repository import Repository
from backups.repository.events import VERIFIED, events_of
from backups.services import catalog

_LOOK_BACK = 20  # backups whose records are read for how long a restore took


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody chose. ``to`` is a name, ``server`` the alias whose server it is on, by default the source's own.

    Without ``to`` it is the database that ``server`` names. ``rebuild`` has the schema built by migrations instead of taking
    the archived one; ``migrate`` goes on to today's code; ``expect`` is the number that the newest backup must have.
    ``unvouched`` takes a backup that only an earlier signing key speaks for.
    """

    to: str = ""
    server: str = ""
    rebuild: bool = False
    migrate: bool = False
    tables: tuple[str, ...] = ()
    expect: int | None = None
    unvouched: bool = False


@dataclass(frozen=True, slots=True)
class Load:
    """What is loaded into one table. ``bytes`` are those of its lines."""

    table: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class LastTime:
    """The newest restore that was timed, a rehearsal as a rule: seconds to restore, and with the whole proof."""

    backup: str
    restore_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore would do. ``ahead`` is what lies between the backup and today's code; ``migrate`` goes there.

    ``left_out`` are sentences on what is left out where only some tables were asked for.
    """

    steps: restorer.Plan
    ahead: Ahead
    migrate: bool = False
    last: LastTime | None = None
    left_out: tuple[str, ...] = ()

    @property
    def manifest(self) -> Manifest:
        """The backup's."""
        return self.steps.manifest

    def loads(self) -> list[Load]:
        """Return what is loaded, by table."""
        return [Load(entry.table.qualified, entry.rows, _bytes(entry)) for entry in self.manifest.tables if entry.rows]

    def sentences(self) -> list[str]:
        """Say it, for people."""
        return [*self.steps.sentences(between=self._migrating()), *self.left_out, *self._notes(), self._how_long()]

    def as_json(self) -> dict[str, Any]:
        """Return the documented keys."""
        migrations = [f"{app}.{name}" for app, name in self.ahead.migrations]
        return {
            "backup": self.manifest.run,
            "create": self.steps.target.name,
            "schema": "migrations" if self.steps.facts else "archived",
            "load": [asdict(load) for load in self.loads()],
            "rows": self.manifest.totals.rows,
            "bytes": self.manifest.totals.bytes,
            "migrate": migrations if self.migrate else None,
            "migrations_ahead": migrations,
            "unknown_migrations": [f"{app}.{name}" for app, name in self.ahead.unknown],
            "last_time": asdict(self.last) if self.last else None,
            "plan": self.sentences(),
        }

    def _migrating(self) -> list[str]:
        if not self.migrate:
            return []
        count = len(self.ahead.migrations)
        if not count:
            return ["Migrate it to today's code, which has no migration that the backup has not."]
        return [
            f"Migrate it to today's code, {count} migration{'s' if count > 1 else ''}: {named(self.ahead.migrations)}.",
            "Ask the project's own checks.",
        ]

    def _notes(self) -> list[str]:
        notes = []
        if self.ahead.unknown:
            notes.append(
                f"The code no longer has {named(self.ahead.unknown)}, which the backup had applied; what they made is "
                "restored all the same."
            )
        if self.ahead.problem and not self.migrate:
            notes.append(f"--migrate would not go on from there: {self.ahead.problem}")
        elif self.ahead.migrations and not self.migrate:
            notes.append(
                f"Today's code is {len(self.ahead.migrations)} migrations ahead of the backup ({named(self.ahead.migrations)}): "
                "migrate the restored database before you use it, or add --migrate."
            )
        return notes

    def _how_long(self) -> str:
        if self.last is None:
            return "No restore of this database was timed yet."
        took = f"{self.last.restore_seconds:,.1f} s, with its proof {self.last.seconds:,.1f} s"
        return f"Last time a restore took {took} (backup {self.last.backup})."


def last_time(recording: catalog.Recording, repository: Repository, database: str) -> LastTime | None:
    """Return the newest restore that was timed, from the catalogue or else from the newest backups' signed records."""
    with recording.attempt(writing=False) as there:
        if there:
            timed = Verification.objects.using(recording.using).filter(
                database=database, level=VerificationLevel.RESTORE, restore_seconds__isnull=False, seconds__isnull=False
            )
            row = timed.order_by("-started").first()
            if row:
                return LastTime(row.backup_id, row.restore_seconds or 0.0, row.seconds or 0.0)
    return _from_storage(repository)


def _from_storage(repository: Repository) -> LastTime | None:
    found: list[tuple[datetime, LastTime]] = []
    for listed in islice(reversed(repository.listing()), _LOOK_BACK):
        # What cannot be read is for a verification to tell.
        with suppress(RepositoryError, ValueError, KeyError):
            digest = repository.read_manifest(listed.name).digest
            for event in events_of(repository, listed.run, digest):
                if event.kind == VERIFIED and event.data["restore_seconds"] is not None:
                    took = LastTime(listed.run, event.data["restore_seconds"], event.data["seconds"])
                    found.append((event.at, took))
        if found:
            return max(found, key=lambda timed: timed[0])[1]
    return None


def _bytes(entry: TableEntry) -> int:
    """Return the bytes of a table's lines."""
    shared = entry.slice.bytes if entry.slice else 0
    return shared + sum(chunk.bytes for chunk in entry.chunks) + sum(page.data for page in entry.pages)
