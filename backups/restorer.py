"""A manifest → a fresh database, with the schema that the archive holds; dropped again if anything goes wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from backups.contents import Contents
from backups.engines.base import Engine, Loader
from backups.exceptions import BackupsError, EngineMismatch, TargetError, TargetExists
from backups.facts import EngineFacts
from backups.manifest import Manifest, TableEntry
from backups.progress import Progress, Step, silent


@dataclass(frozen=True, slots=True)
class Plan:
    """What a restore is going to do: fill ``work``, which takes the name of ``target`` once it is proven.

    Where the engine cannot rename a database both are the same, and ``leftover`` says that a killed restore has left
    it there half-made. ``facts`` is what the database is like where it is not to be as the source was.
    ``resident`` says that the target is there already, and empty.
    """

    source: Engine
    target: Engine
    work: Engine
    manifest: Manifest
    leftover: bool = False
    facts: EngineFacts | None = None
    resident: bool = False

    def sentences(self, *, between: Iterable[str] = ()) -> list[str]:
        """Say it, for people; ``between`` is what somebody else does to the proven database before it takes its name."""
        manifest = self.manifest
        target = self.target.describe()
        clear = "Empty" if self.resident else "Drop"
        cleared = [f"{clear} the half-made {target}, which a killed restore left."] if self.leftover else []
        built = (
            ["Build its tables by the recorded migrations, and try every row of the backup before one is loaded."]
            if self.facts
            else []
        )
        named = [f"Give it its name: {target}."] if self.work is not self.target else []
        return [
            f"Backup {manifest.run} of {manifest.created:%Y-%m-%d %H:%M:%S} UTC, {manifest.origin.vendor} "
            f"{manifest.engine.version}.",
            *cleared,
            self._making(target, bool(named)),
            *built,
            f"Load {manifest.totals.rows:,} rows into {manifest.totals.tables:,} tables.",
            "Build indexes, constraints, triggers and views; set sequences; check everything.",
            "Prove it: compare all of it with what the backup recorded.",
            *between,
            *named,
        ]

    def _making(self, target: str, named: bool) -> str:
        if named:
            return "Create a fresh database, under a throw-away name."
        return f"Fill the empty {target}." if self.resident else f"Create {target}."


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. Seconds are wall-clock time."""

    rows: int
    tables: int
    seconds: float


def plan(
    source: Engine,
    manifest: Manifest,
    name: str,
    run: str = "",
    *,
    server: Engine | None = None,
    facts: EngineFacts | None = None,
    into: Engine | None = None,
) -> Plan:
    """Return what restoring under ``name`` would do, or raise TargetError; makes nothing.

    ``source`` is the engine of the alias that the backup is of; its database may be gone. ``run`` is given where the
    name is somebody's choice: then the database is made under the run's throw-away name, if it can be renamed later.
    ``server`` is where it is made, the source's own by default; where that is the very database of this name, and it is
    there, it is filled if it is empty. ``facts`` are given where the schema is not the archived one. ``into`` is what is
    made where that is no database of its own (``Engine.fresh``).
    """
    resident = into is None and server is not None and server.name == name and _is_there(server)
    server = into or server or source
    if facts is None and manifest.engine.vendor != server.vendor:
        raise EngineMismatch(
            f"The backup was taken from {manifest.engine.vendor} {manifest.engine.version}, and alias {server.alias!r} "
            f"is {server.vendor}.",
            hint="Nothing was changed. The archived schema only fits its own engine: restore it there, or have the schema "
            "built by migrations with --schema migrations.",
        )
    target = into or (server.at(name).resident() if resident else server.at(name))
    leftover = bool(run) and target.is_unfinished()
    if not leftover and resident:
        _refuse_filled(source, target)
    elif not leftover and into is None and target.exists():
        _refuse_existing(source, target)
    found = target.preflight(facts or manifest.engine)
    if found:
        raise TargetError(" ".join(found), hint="Nothing was changed.")
    work = target.at(target.scratch_name(run)) if run and target.renames else target
    return Plan(source, target, work, manifest, leftover, facts, resident)


def restore(contents: Contents, to: Plan, progress: Progress = silent) -> Restored:
    """Make the database of the plan and fill it; whatever goes wrong, it is dropped and the error raised."""
    began = time.monotonic()
    if to.leftover:
        to.target.drop()
    to.work.create(to.facts or contents.manifest.engine)
    with dropped_on_failure(to.work), to.work.loader() as loader:
        rows = _fill(contents, loader, progress)
    return Restored(rows, len(contents.manifest.tables), round(time.monotonic() - began, 3))


def take_name(done: Plan) -> None:
    """Give the proven database the name that was asked for; raise TargetExists where somebody took it meanwhile."""
    if done.work is not done.target:
        done.work.rename(done.target.name)
    done.target.conclude()


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

    return loader.load(entry.table, _Counted(partial(contents.texts, entry), tell))


class _Counted:
    """The texts of a table, read anew as often as they are asked for; tells how many rows have been."""

    def __init__(self, read: Callable[[], Iterator[bytes]], tell: Callable[[int], None]) -> None:
        self._read, self._tell = read, tell

    def __iter__(self) -> Iterator[bytes]:
        rows = 0
        for text in self._read():
            yield text
            rows += text.count(b"\n")
            self._tell(rows)


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


def _is_there(target: Engine) -> bool:
    """Say whether a database can be connected to; where only that is allowed, the server cannot be asked for its databases."""
    try:
        target.origin()
    except BackupsError:
        return target.exists()
    return True


def _refuse_filled(source: Engine, target: Engine) -> None:
    found = target.holds()
    if not found:
        return
    live = f", and is the live database of alias {source.alias!r}" if target.is_same(source) else ""
    raise TargetExists(
        f"{target.describe()} is not empty: it holds {', '.join(found[:5])}{' …' if len(found) > 5 else ''}{live}.",
        hint="Nothing was changed. A restore only ever fills a database in which there is nothing.",
    )


def _refuse_existing(source: Engine, target: Engine) -> None:
    if target.is_same(source):
        raise TargetExists(f"{target.describe()} is the live database of alias {source.alias!r}.")
    raise TargetExists(f"{target.describe()} exists already, and a restore only ever makes a fresh database.")
