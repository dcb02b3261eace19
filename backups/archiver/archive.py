"""The way from a database to an uncommitted manifest: snapshot, describe, write each table, confirm."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import django
import msgspec

from backups import __version__, migrations_state
from backups.archiver import files
from backups.archiver.tables import Parent, SharedChunks, TableWriter
from backups.archiver.unchanged import Unchanged
from backups.archiver.writer import Journal, Writer
from backups.chain import Gap
from backups.chunks import Limits
from backups.engines.base import Engine, Snapshot, is_named
from backups.exceptions import ConfigurationError, SourceChanged
from backups.facts import Orphans, Uncovered, Witness
from backups.manifest import Manifest, Stored, TableEntry, Totals
from backups.progress import Progress, Step, silent
from backups.repository import Committed, Repository
from backups.schema import Sequence
from backups.tables import Table, models_by_table

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
    seal_keys: tuple[str, ...] = ()
    full: bool = False
    full_every: int = 1
    adopt: bool = False
    requested_by: str = ""
    requested_via: str = ""
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True)
class _Described:
    tables: list[Table]
    schema: bytes
    sequences: list[Sequence]
    uncovered: list[Uncovered]
    left_out: dict[str, str]
    """Why the rows of a table are left out, by its name with schema; only of those whose rows are."""

    def covers(self, table: Table) -> bool:
        """Say whether the rows of a table are in the backup."""
        return table.qualified not in self.left_out


def archive(
    engine: Engine,
    repository: Repository,
    request: Request,
    parents: Collection[Committed],
    sequence: int,
    progress: Progress = silent,
    journal: Journal | None = None,
    gaps: tuple[Gap, ...] = (),
) -> Manifest:
    """Write everything that the snapshot holds and return the manifest, ready to be committed.

    ``parents`` are the heads of the chain; the newest one's boundaries are inherited. ``journal`` hears what is stored,
    and knows what killed runs had stored. ``gaps`` are all the numbers that are gone and not to be missed. Raises
    SourceError (nothing was committed then) and RepositoryError.
    """
    began = time.monotonic()
    newest = max(parents, key=lambda committed: committed.manifest.sequence, default=None)
    before = newest.manifest if newest else None
    with Writer(repository, request.run, journal, before) as writer, engine.snapshot(request.exclude) as snapshot:
        work = _Work(engine, snapshot, writer, request, newest, progress)
        manifest = work.manifest(sequence, parents, gaps)
    return replace(manifest, seconds=round(time.monotonic() - began, 3), alarms=tuple(sorted(work.alarms)))


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
        self._suspicious: list[str] = []
        self._phases: dict[str, float] = {}
        self.alarms: list[str] = []
        before = parent.manifest if parent else None
        self._parent = Parent(before, writer.repository, self._warnings.append)
        self._unread = before.unread + 1 if before else 0
        reads_all = request.full or self._unread >= request.full_every
        self._unchanged = Unchanged(snapshot, before, writer, self.alarms.append, reads_all=reads_all)

    def manifest(self, sequence: int, parents: Collection[Committed], gaps: tuple[Gap, ...]) -> Manifest:
        """Do the work and describe it."""
        created = datetime.now(UTC)
        tables = self._snapshot.tables()
        left_out = {table.qualified: reason for table in tables if (reason := self._why_left_out(table))}
        covered = [table for table in tables if table.qualified not in left_out]
        with self._phase("unchanged"):
            same = self._same(covered)
        recorded = self._parent.witness() if same else {}
        witness = {name: known for name in same if (known := recorded.get(name))}
        asked = [table for table in covered if table.qualified not in witness]
        self._snapshot.expect_witnesses(asked)
        with self._phase("describe"):
            described = self._describe(tables, left_out)
        settled = self._settled(described, same)
        self._snapshot.expect_orphans(covered, settled)
        taken = self._snapshot.witnesses(self._watched(asked, "witness"))
        wholes = self._wholes(covered)
        shared = SharedChunks(self._writer, self._parent.shared, self._request.limits)
        entries = []
        for table in described.tables:
            if described.covers(table) and table.qualified not in witness:
                with self._phase("witness"):
                    witness[table.qualified] = next(taken)
            with self._phase("rows"):
                whole = next(wholes) if described.covers(table) else None
                entries.append(self._entry(table, same, witness, shared, whole))
        with self._phase("rows"):
            common = shared.finish()
        with self._phase("orphans"):
            orphans = self._orphans(covered, settled)
        with self._phase("parts"):
            parts = self._parts(described, witness)
        self._warn_of(described, orphans)
        # Asked for last, since SQLite's wait for a check of the whole file that runs beside the reading of it.
        facts = self._snapshot.facts()
        self._snapshot.confirm()
        repository = self._writer.repository
        manifest = Manifest(
            repository.id,
            self._request.run,
            sequence,
            created,
            self._request.database,
            self._engine.origin(),
            facts,
            tuple(entries),
            heads=tuple(sorted(committed.head for committed in parents)),
            gaps=gaps,
            shared=common,
            sequences=tuple(described.sequences),
            parts=parts,
            orphans=orphans,
            uncovered=tuple(described.uncovered),
            warnings=tuple(self._warnings),
            suspicious=tuple(self._suspicious),
            versions=_versions(),
            options={"full": self._request.full, "adopt": self._request.adopt},
            phases={name: round(seconds, 3) for name, seconds in self._phases.items()},
            requested_by=self._request.requested_by,
            requested_via=self._request.requested_via,
            encryption=repository.encryption,
            recipients=repository.keys.recipients,
            signal=self._unchanged.signal,
            unread=0 if self._unchanged.reads_all else self._unread,
            zone=self._engine.zone,
        )
        return replace(manifest, totals=self._totals(manifest))

    def _describe(self, tables: list[Table], left_out: dict[str, str]) -> _Described:
        snapshot = self._snapshot
        uncovered = snapshot.uncovered()
        kept = {table.qualified for table in tables}.difference(left_out)
        for table in (table for table in tables if table.qualified in left_out):
            self._refuse_dangling(table, kept)
            uncovered.append(Uncovered("rows", table.qualified, left_out[table.qualified], snapshot.count(table)))
        uncovered += files.uncovered(table for table in tables if table.qualified in kept)
        return _Described(tables, snapshot.schema().to_bytes(), snapshot.sequences(), uncovered, left_out)

    def _why_left_out(self, table: Table) -> str:
        """Return why the rows of a table are left out, or nothing."""
        if table.label.startswith(f"{OWN_APP}."):
            return OWN_REASON
        return ASKED_REASON if is_named(table, self._request.exclude_data) else ""

    def _refuse_dangling(self, table: Table, kept: set[str]) -> None:
        """Rows that refer to rows that are left out could not be restored; ``kept`` names the tables that have rows."""
        referring = sorted(kept.intersection(self._snapshot.referring(table)))
        if referring:
            raise ConfigurationError(
                f"The rows of {table.label} are left out, but {referring[0]} has rows that refer to them, "
                "so such a backup could not be restored.",
                hint="Take it out of BACKUPS['EXCLUDE_DATA'], or leave out the rows of both.",
            )

    def _same(self, covered: list[Table]) -> dict[str, TableEntry]:
        """Return the entries of tables of which no row has changed since the parent."""
        found = ((table, self._parent.usable(table)[0]) for table in covered)
        return {
            table.qualified: replace(entry, table=table, anew="")
            for table, entry in found
            if entry and self._unchanged.whole(entry) and entry.keys_sealed == self._seals_keys_of(table)
        }

    def _settled(self, described: _Described, same: Collection[str]) -> Collection[str]:
        """Return the tables of which no row has changed, as long as no foreign key has been added or altered either."""
        before = self._parent.parts.get("schema")
        if not same or before is None:
            return ()
        now = self._writer.repository.sealer.identify(described.schema)
        return same if before.id == now else ()

    def _orphans(self, covered: list[Table], settled: Collection[str]) -> tuple[Orphans, ...]:
        """Count what dangles; between settled tables that is what dangled when the parent was taken."""
        known = [orphan for orphan in self._parent.orphans if orphan.table in settled and orphan.parent in settled]
        found = self._snapshot.orphans(covered, settled)
        return tuple(sorted({*known, *found}, key=lambda orphan: (orphan.table, orphan.parent, orphan.columns)))

    def _wholes(self, covered: list[Table]) -> Iterator[bytes | None]:
        """Yield all lines of each table that the engine reads whole; None for one whose boundaries the parent hands on."""
        inherits = [self._parent.usable(table)[0] is not None for table in covered]
        texts = self._snapshot.whole([table for table, cut in zip(covered, inherits, strict=True) if not cut])
        yield from (None if cut else next(texts) for cut in inherits)

    def _entry(
        self,
        table: Table,
        same: dict[str, TableEntry],
        witness: dict[str, Witness],
        shared: SharedChunks,
        whole: bytes | None,
    ) -> TableEntry:
        if table.qualified not in witness:
            return TableEntry(table, 0)  # its rows are left out
        return same.get(table.qualified) or self._write(table, witness[table.qualified], shared, whole)

    def _write(self, table: Table, witness: Witness, shared: SharedChunks, whole: bytes | None) -> TableEntry:
        expected = witness.rows
        seen = [0, 0]

        def watch(rows: int, size: int) -> None:
            seen[0], seen[1] = seen[0] + rows, seen[1] + size
            self._progress(Step("rows", table.qualified, seen[0], seen[1], expected))

        entry = TableWriter(
            self._snapshot,
            table,
            self._writer,
            self._parent,
            self._unchanged,
            self._request.limits,
            expected,
            watch,
            keys_sealed=self._seals_keys_of(table),
        ).write(shared, whole)
        if entry.rows != expected:
            raise SourceChanged(
                f"Table {table.qualified} gave {entry.rows} rows where the same snapshot counted {expected}."
            )
        self._note(entry)
        return entry

    def _seals_keys_of(self, table: Table) -> bool:
        """Say whether the keys of a table stay out of the index; in plaintext backups its rows lie open anyway."""
        return bool(self._writer.repository.encryption) and is_named(table, self._request.seal_keys)

    def _note(self, entry: TableEntry) -> None:
        before = self._parent.of(entry.table)
        if entry.anew:
            self._warnings.append(f"Table {entry.table.qualified} was stored anew: {entry.anew}.")
        if before and entry.rows < before.rows * SHRUNK:
            self._suspect(f"Table {entry.table.qualified} has {entry.rows} rows; the backup before had {before.rows}.")

    def _suspect(self, sentence: str) -> None:
        """Warn of rows that are gone in number: pruning stops until somebody has said that they are meant to be."""
        self._warnings.append(sentence)
        self._suspicious.append(sentence)

    def _parts(self, described: _Described, witness: dict[str, Witness]) -> dict[str, Stored]:
        contents = {
            "schema": described.schema,
            "witness": msgspec.json.encode({name: witness[name] for name in sorted(witness)}),
            **migrations_state.parts(self._applied(described)),
        }
        known = self._parent.parts
        futures = {
            name: self._writer.put("part", data, (known[name],) if name in known else ())
            for name, data in contents.items()
        }
        return {name: future.result() for name, future in futures.items()}

    def _warn_of(self, described: _Described, orphans: Iterable[Orphans]) -> None:
        """Say what of the source is broken, or not as it was in the backup before, beyond what was said of each table."""
        self._warnings += map(_dangling, orphans)
        for entry in self._parent.gone(described.tables):
            self._suspect(
                f"Table {entry.table.qualified} is not in this backup; the backup before had {entry.rows} rows of it."
            )
        self._warnings += self._sealed_nothing(described)
        if self._writer.healed:
            self._warnings.append(
                f"{self._writer.healed} objects that were found missing or damaged are stored again; earlier backups are "
                "healed from them."
            )
        if self._writer.closed:
            self._warnings.append(
                f"{self._writer.closed} objects are stored again, since not all of today's recipients have the keys of earlier "
                "runs: now they can open this backup. rotate_recipients gives them those keys."
            )

    def _sealed_nothing(self, described: _Described) -> list[str]:
        """Name what ``SEAL_KEYS`` names in vain: a table that was renamed has its keys in the index again."""
        if not self._writer.repository.encryption:
            return []
        # The table of a model may lie in another database.
        models = models_by_table()
        elsewhere = {*models, *(model._meta.label_lower for model in models.values())}
        return [
            f"BACKUPS['SEAL_KEYS'] names {name!r}, and there is neither a table nor a model of that name: it seals nothing."
            for name in self._request.seal_keys
            if name.lower() not in elsewhere and not any(is_named(table, (name,)) for table in described.tables)
        ]

    def _applied(self, described: _Described) -> migrations_state.Applied:
        for table in described.tables:
            if table.label == f"tables.{migrations_state.TABLE}" and described.covers(table):
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
        self._phases[name] = self._phases.get(name, 0.0) + time.monotonic() - began


def _dangling(orphan: Orphans) -> str:
    rows = "1 row has" if orphan.rows == 1 else f"{orphan.rows:,} rows have"
    return (
        f"In table {orphan.table} {rows} a value in {', '.join(orphan.columns)} that no row of {orphan.parent} has: the foreign "
        "key is broken in the database itself. Such rows are backed up, and restored, as they are."
    )


def _versions() -> dict[str, str]:
    return {"lifeboat": __version__, "django": django.get_version(), "python": platform.python_version()}
