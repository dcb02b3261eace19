"""The way from a database to an uncommitted manifest: snapshot, describe, write each table, confirm."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime

import django
import msgspec

from backups import __version__, migrations_state
from backups.archiver.tables import Parent, SharedChunks, TableWriter
from backups.archiver.writer import Writer
from backups.chunks import Limits
from backups.engines.base import Engine, Snapshot, is_named
from backups.exceptions import ConfigurationError, SourceChanged
from backups.facts import EngineFacts, Uncovered, Witness
from backups.manifest import Manifest, Stored, TableEntry, Totals
from backups.progress import Progress, Step, silent
from backups.repository import Committed, Repository
from backups.schema import Schema, Sequence
from backups.tables import Table

OWN_APP = "backups"
OWN_REASON = "our own catalogue: a restore must not rewind the history of backups; it is filled from the repository"
ASKED_REASON = "its rows are excluded by BACKUPS['EXCLUDE_DATA']"
SHRUNK = 0.5


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of one backup."""

    run: str
    database: str
    exclude: tuple[str, ...] = ()
    exclude_data: tuple[str, ...] = ()
    full: bool = False
    adopt: bool = False
    requested_by: str = ""
    requested_via: str = ""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class _Described:
    facts: EngineFacts
    tables: list[Table]
    schema: Schema
    sequences: list[Sequence]
    uncovered: list[Uncovered]


def archive(
    engine: Engine,
    repository: Repository,
    request: Request,
    parents: Collection[Committed],
    sequence: int,
    progress: Progress = silent,
) -> Manifest:
    """Write everything that the snapshot holds and return the manifest, ready to be committed.

    ``parents`` are the heads of the chain; the newest one's boundaries are inherited. Raises SourceError (nothing
    was committed then) and RepositoryError.
    """
    began = time.monotonic()
    newest = max(parents, key=lambda committed: committed.manifest.sequence, default=None)
    with Writer(repository, request.run) as writer, engine.snapshot(request.exclude) as snapshot:
        work = _Work(engine, snapshot, writer, request, newest, progress)
        manifest = work.manifest(sequence, parents)
    return replace(manifest, seconds=round(time.monotonic() - began, 3))


class _Work:
    """One backup under way: what it has found so far."""

    def __init__(
        self,
        engine: Engine,
        snapshot: Snapshot,
        writer: Writer,
        request: Request,
        parent: Committed | None,
        progress: Progress,
    ) -> None:
        self._engine, self._snapshot, self._writer, self._request = engine, snapshot, writer, request
        self._progress = progress
        self._warnings: list[str] = []
        self._phases: dict[str, float] = {}
        self._parent = Parent(parent.manifest if parent else None, writer.repository, self._warnings.append)

    def manifest(self, sequence: int, parents: Collection[Committed]) -> Manifest:
        """Do the work and describe it."""
        created = datetime.now(UTC)
        with self._phase("describe"):
            described = self._describe()
        covered = [table for table in described.tables if not self._left_empty(table)]
        with self._phase("witness"):
            witness = {table.qualified: self._snapshot.witness(table) for table in self._watched(covered, "witness")}
            orphans = tuple(self._snapshot.orphans(covered))
        with self._phase("rows"):
            shared = SharedChunks(self._writer, self._parent.shared, self._request.limits)
            entries = tuple(self._write(table, table in covered, witness, shared) for table in described.tables)
            common = shared.finish()
        with self._phase("parts"):
            parts = self._parts(described, witness)
        self._warn_of(described)
        self._snapshot.confirm()
        repository = self._writer.repository
        manifest = Manifest(
            repository.id,
            self._request.run,
            sequence,
            created,
            self._request.database,
            self._engine.origin(),
            described.facts,
            entries,
            heads=tuple(sorted(committed.head for committed in parents)),
            gaps=tuple(
                sorted({gap for committed in parents for gap in committed.manifest.gaps}, key=lambda g: g.first)
            ),
            shared=common,
            sequences=tuple(described.sequences),
            parts=parts,
            orphans=orphans,
            uncovered=tuple(described.uncovered),
            warnings=tuple(self._warnings),
            versions=_versions(),
            options={"full": self._request.full, "adopt": self._request.adopt},
            phases=self._phases,
            requested_by=self._request.requested_by,
            requested_via=self._request.requested_via,
        )
        return replace(manifest, totals=self._totals(manifest))

    def _describe(self) -> _Described:
        tables = self._snapshot.tables()
        uncovered = self._snapshot.uncovered()
        for table in tables:
            reason = self._left_empty(table)
            if reason:
                self._refuse_dangling(table, tables)
                uncovered.append(Uncovered("rows", table.qualified, reason, self._snapshot.count(table)))
        return _Described(
            self._snapshot.facts(), tables, self._snapshot.schema(), self._snapshot.sequences(), uncovered
        )

    def _left_empty(self, table: Table) -> str:
        """Return why the rows of a table are left out, or nothing."""
        if table.label.startswith(f"{OWN_APP}."):
            return OWN_REASON
        return ASKED_REASON if is_named(table, self._request.exclude_data) else ""

    def _refuse_dangling(self, table: Table, tables: list[Table]) -> None:
        """Rows that refer to rows that are left out could not be restored."""
        kept = {other.qualified for other in tables if not self._left_empty(other)}
        referring = sorted(kept.intersection(self._snapshot.referring(table)))
        if referring:
            raise ConfigurationError(
                f"The rows of {table.label} are left out, but {referring[0]} has rows that refer to them, "
                "so such a backup could not be restored.",
                hint="Take it out of BACKUPS['EXCLUDE_DATA'], or leave out the rows of both.",
            )

    def _write(self, table: Table, covered: bool, witness: dict[str, Witness], shared: SharedChunks) -> TableEntry:
        if not covered:
            return TableEntry(table, 0)
        expected = witness[table.qualified].rows
        seen = [0, 0]

        def watch(rows: int, size: int) -> None:
            seen[0], seen[1] = seen[0] + rows, seen[1] + size
            self._progress(Step("rows", table.qualified, seen[0], seen[1], expected))

        entry = TableWriter(self._snapshot, table, self._writer, self._parent, self._request.limits, watch).write(
            shared
        )
        if entry.rows != expected:
            raise SourceChanged(
                f"Table {table.qualified} gave {entry.rows} rows where the same snapshot counted {expected}."
            )
        self._note(entry)
        return entry

    def _note(self, entry: TableEntry) -> None:
        before = self._parent.of(entry.table)
        if entry.anew:
            self._warnings.append(f"Table {entry.table.qualified} was stored anew: {entry.anew}.")
        if before and entry.rows < before.rows * SHRUNK:
            self._warnings.append(
                f"Table {entry.table.qualified} has {entry.rows} rows; the backup before had {before.rows}."
            )

    def _parts(self, described: _Described, witness: dict[str, Witness]) -> dict[str, Stored]:
        contents = {
            "schema": described.schema.to_bytes(),
            "witness": msgspec.json.encode({name: asdict(witness[name]) for name in sorted(witness)}),
            "migrations": migrations_state.state(self._applied(described.tables)),
            "sources": migrations_state.sources(),
        }
        known = self._parent.parts
        futures = {
            name: self._writer.put("part", data, (known[name],) if name in known else ())
            for name, data in contents.items()
        }
        return {name: future.result() for name, future in futures.items()}

    def _warn_of(self, described: _Described) -> None:
        """Say what is not as it was in the backup before, beyond what was said of each table."""
        for entry in self._parent.gone(described.tables):
            self._warnings.append(
                f"Table {entry.table.qualified} is not in this backup; the backup before had {entry.rows} rows of it."
            )
        if self._writer.healed:
            self._warnings.append(
                f"{self._writer.healed} objects that were found missing or damaged are stored again; earlier backups that "
                "need them stay damaged."
            )

    def _applied(self, tables: list[Table]) -> migrations_state.Applied:
        for table in tables:
            if table.label == f"tables.{migrations_state.TABLE}" and not self._left_empty(table):
                return migrations_state.applied(table, self._snapshot.rows(table))
        return []

    def _totals(self, manifest: Manifest) -> Totals:
        chunks = {entry.id: entry for table in manifest.tables for entry in table.chunks}
        chunks |= {entry.id: entry for entry in manifest.shared}
        pages = [page for table in manifest.tables for page in table.pages]
        others = sum(stored.stored_bytes for stored in (*pages, *manifest.parts.values()))
        return Totals(
            tables=len(manifest.tables),
            rows=sum(table.rows for table in manifest.tables),
            chunks=len(chunks) + sum(page.entries for page in pages),
            new_chunks=self._writer.new_chunks,
            bytes=sum(entry.bytes for entry in chunks.values()) + sum(page.data for page in pages),
            stored_bytes=sum(e.stored_bytes for e in chunks.values()) + sum(p.data_stored for p in pages) + others,
            new_bytes=self._writer.new_bytes,
        )

    def _watched(self, tables: list[Table], stage: str) -> Iterator[Table]:
        for table in tables:
            self._progress(Step(stage, table.qualified))
            yield table

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._phases[name] = round(time.monotonic() - began, 3)


def _versions() -> dict[str, str]:
    return {"lifeboat": __version__, "django": django.get_version(), "python": platform.python_version()}
