"""A manifest → a fresh database, with the schema that the archive holds; dropped again if anything goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backups.contents import Contents
from backups.engines.base import Engine, Loader
from backups.exceptions import BackupsError, EngineMismatch, TargetError, TargetExists
from backups.manifest import Manifest, TableEntry
from backups.progress import Progress, Step, silent


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore is going to do: fill ``work``, which takes the name of ``target`` once it is proven.

    Where the engine cannot rename a database both are the same, and ``leftover`` says that a killed restore has left
    it there half-made.
    """

    source: Engine
    target: Engine
    work: Engine
    manifest: Manifest
    leftover: bool = False

    def sentences(self) -> list[str]:
        """Say it, for people."""
        manifest = self.manifest
        target = self.target.describe()
        cleared = [f"Drop the half-made {target}, which a killed restore left."] if self.leftover else []
        named = [f"Prove it, then give it its name: {target}."] if self.work is not self.target else []
        return [
            f"Backup {manifest.run} of {manifest.created:%Y-%m-%d %H:%M:%S} UTC, {manifest.origin.vendor} "
            f"{manifest.engine.version}.",
            *cleared,
            f"Create {target}." if not named else "Create a fresh database, under a throw-away name.",
            f"Load {manifest.totals.rows:,} rows into {manifest.totals.tables:,} tables.",
            "Build indexes, constraints, triggers and views; set sequences; check everything.",
            *named,
        ]


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. Seconds are wall-clock time."""

    rows: int
    tables: int
    seconds: float


def plan(source: Engine, manifest: Manifest, name: str, run: str = "") -> Plan:
    """Return what restoring under ``name`` would do, or raise TargetError; makes nothing.

    ``source`` is the engine of the alias that the backup is of; its database may be gone. ``run`` is given where the
    name is somebody's choice: then the database is made under the run's throw-away name, if it can be renamed later.
    """
    if manifest.engine.vendor != source.vendor:
        raise EngineMismatch(
            f"The backup was taken from {manifest.engine.vendor} {manifest.engine.version}, and alias {source.alias!r} "
            f"is {source.vendor}.",
            hint="Nothing was changed. The archived schema only fits its own engine; restore it there.",
        )
    target = source.at(name)
    leftover = bool(run) and target.is_unfinished()
    if not leftover and target.exists():
        _refuse_existing(source, target)
    found = target.preflight(manifest.engine)
    if found:
        raise TargetError(" ".join(found), hint="Nothing was changed.")
    work = target.at(target.scratch_name(run)) if run and target.renames else target
    return Plan(source, target, work, manifest, leftover)


def restore(contents: Contents, to: Plan, progress: Progress = silent) -> Restored:
    """Make the database of the plan and fill it; whatever goes wrong, it is dropped and the error raised."""
    began = time.monotonic()
    if to.leftover:
        to.target.drop()
    to.work.create(contents.manifest.engine)
    with dropped_on_failure(to.work), to.work.loader() as loader:
        rows = _fill(contents, loader, progress)
    return Restored(rows, len(contents.manifest.tables), round(time.monotonic() - began, 3))


def take_name(done: Plan) -> None:
    """Give the proven database the name that was asked for; raise TargetExists where somebody took it meanwhile."""
    if done.work is not done.target:
        done.work.rename(done.target.name)


def _fill(contents: Contents, loader: Loader, progress: Progress) -> int:
    manifest, schema = contents.manifest, contents.schema()
    loader.define(schema, progress)
    rows = 0
    for entry in manifest.tables:
        rows += _load(contents, loader, entry, progress)
    loader.complete(schema, manifest.orphans, progress)
    loader.set_sequences(manifest.sequences)
    loader.settle()
    return rows


def _load(contents: Contents, loader: Loader, entry: TableEntry, progress: Progress) -> int:
    if not entry.rows:
        return 0

    def tell(rows: int) -> None:
        progress(Step("load", entry.table.qualified, rows, 0, entry.rows))

    return loader.load(entry.table, _counted(contents.lines(entry), tell))


def _counted(lines: Iterator[bytes], tell: Callable[[int], None], every: int = 5000) -> Iterator[bytes]:
    rows = 0
    for rows, line in enumerate(lines, 1):
        yield line
        if rows % every == 0:
            tell(rows)
    tell(rows)


@contextmanager
def dropped_on_failure(target: Engine) -> Iterator[None]:
    """Drop a half-made database when what is inside fails, were it by an interrupt; the error goes on."""
    try:
        yield
    except BaseException as error:
        try:
            target.drop()
        except BackupsError as trouble:
            error.add_note(f"The half-made {target.describe()} could not be dropped: {trouble}")
        raise


def _refuse_existing(source: Engine, target: Engine) -> None:
    if target.is_same(source):
        raise TargetExists(f"{target.describe()} is the live database of alias {source.alias!r}.")
    raise TargetExists(f"{target.describe()} exists already, and a restore only ever makes a fresh database.")
