"""Whatever happens in whatever order, the repository holds the backups that the model says, with the rows that they were of."""

import json
import os
import tempfile
from contextlib import ExitStack
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from random import Random
from unittest.mock import patch

from django.conf import settings as django_settings
from django.test import override_settings
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from backups import archiver
from backups.contents import Contents
from backups.exceptions import BackupsError, LockHeld, PruneStopped
from backups.repository import trash
from backups.repository.names import new_run
from backups.retention import SKEW
from backups.services.backup import create_backup
from backups.services.prune import prune_backups
from backups.services.restore import restore_backup
from backups.services.sync import sync_backups
from backups.services.undelete import undelete_backup
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import CRASHES, EVERYTHING, Crashed, Effect, Fault, World, a_process_of_its_own, a_world
from tests.yard import SMALL, details, execute, query

EXAMPLES = int(os.environ.get("LIFEBOAT_TEST_HISTORIES", "60" if EVERYTHING else "10"))
GRACE = timedelta(hours=24)
Rows = dict[int, str]


class Clock(datetime):
    """A clock that can be set."""

    ahead = timedelta()

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
        return datetime.now(tz) + cls.ahead


CLOCKS = (
    "backups.repository.names",
    "backups.repository.runs",
    "backups.repository.pulse",
    "backups.archiver.archive",
    "backups.services.leftovers",
    "backups.services.prune",
)


class History(RuleBasedStateMachine):
    """Backups, changes, prunes, crashes, damage, second writers and jumping clocks, against what each backup held."""

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.world: World = self.stack.enter_context(a_world(folder))
        for module in CLOCKS:
            self.stack.enter_context(patch(f"{module}.datetime", Clock))
        policy = {**django_settings.BACKUPS, "RETENTION": {"last": 2}, "GRACE": GRACE}
        self.stack.enter_context(override_settings(BACKUPS=policy))
        Clock.ahead = timedelta()
        self.rows: Rows = {}
        self.backups: dict[str, Rows] = {}
        # What is in the trash, and since when by the storage's clock.
        self.trash: dict[str, tuple[Rows, timedelta]] = {}
        self.damaged = False

    @initialize()
    def begin(self) -> None:
        execute(self.world.engine, "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900))")
        self.change([(number, "x" * 300) for number in range(12)])

    @rule(rows=st.lists(st.tuples(st.integers(0, 40), st.sampled_from(["a", "b" * 400, "ü"])), min_size=1, max_size=4))
    def change(self, rows: list[tuple[int, str]]) -> None:
        self.rows |= dict(rows)
        execute(self.world.engine, *(f"INSERT OR REPLACE INTO items VALUES ({key}, '{word}')" for key, word in rows))

    @precondition(lambda self: self.rows)
    @rule(key=st.integers(0, 40))
    def delete(self, key: int) -> None:
        self.rows.pop(key, None)
        execute(self.world.engine, f"DELETE FROM items WHERE id = {key}")

    @rule()
    def back_up(self) -> None:
        done = create_backup(self.world.alias, limits=SMALL)
        self.backups[done.committed.manifest.run] = dict(self.rows)

    @precondition(lambda self: self.backups)
    @rule()
    def second_writer(self) -> None:
        """Another process had read the end of the chain before the last backup came to it, and commits after it."""
        repository = self.world.repository
        listing = repository.listing()
        parents = [repository.read_manifest(listing[-1].name)]
        request = archiver.Request(new_run(), self.world.alias, limits=SMALL)
        self.back_up()
        sequence = listing[-1].sequence + 1
        manifest = archiver.archive(self.world.engine, repository, request, parents, sequence)
        self.backups[repository.commit(manifest).manifest.run] = dict(self.rows)

    @rule(number=st.integers(0, 60), effect=st.sampled_from(CRASHES))
    def crash(self, number: int, effect: Effect) -> None:
        run = new_run()
        self.world.storage.arm(Fault(effect, at=number))
        try:
            with a_process_of_its_own():
                create_backup(self.world.alias, limits=SMALL, run=run)
        except Crashed:
            pass
        self.world.storage.heal()
        if whole(self.world, run):
            self.backups[run] = dict(self.rows)

    @rule(hours=st.integers(1, 40))
    def time_passes(self, hours: int) -> None:
        Clock.ahead += timedelta(hours=hours)
        self.world.storage.ahead += timedelta(hours=hours)

    @rule(hours=st.integers(2, 30), number=st.none() | st.integers(0, 90), effect=st.sampled_from(CRASHES))
    def days_pass(self, hours: int, number: int | None, effect: Effect) -> None:
        """Three rounds of what goes on by itself, the last prune killed now and then."""
        for last in (False, False, True):
            self.back_up()
            self.time_passes(hours)
            self.prune(True, number if last else None, effect)

    @precondition(lambda self: self.backups)
    @rule(known=st.booleans(), number=st.none() | st.integers(0, 90), effect=st.sampled_from(CRASHES))
    def prune(self, known: bool, number: int | None, effect: Effect) -> None:
        """It may be killed as well. What another writer committed is ours once we say so."""
        if known:
            sync_backups(self.world.alias)
        if number is not None:
            self.world.storage.arm(Fault(effect, at=number))
        try:
            with a_process_of_its_own():
                prune_backups(self.world.alias)
        except Crashed:
            pass
        except PruneStopped as stopped:
            skewed = abs(Clock.ahead - self.world.storage.ahead) > SKEW
            unsure = "suspicious" in str(stopped) or ("not in the catalogue" in str(stopped) and not known)
            assert self.damaged or skewed or unsure, stopped
        except LockHeld as held:
            # Half of a killed prune's beat is anybody's.
            assert "prune" in str(held)
        self.world.storage.heal()
        self.what_was_pruned()

    def what_was_pruned(self) -> None:
        """See that what is gone lies in the trash, that what was swept had its grace, and that the newest are there."""
        repository, now = self.world.repository, self.world.storage.ahead
        numbers = {listed.run: listed.sequence for listed in repository.listing() if whole(self.world, listed.run)}
        buried = {entry.run: entry for entry in trash.buried(repository)}
        newest = max(number for number in numbers.values())
        for run in self.backups.keys() - numbers.keys():
            self.trash[run] = self.backups.pop(run), now
            assert buried[run].sequence <= newest and len(numbers) >= 2
        for run, (_, since) in list(self.trash.items()):
            if run not in buried or buried[run].sweeping:
                assert now - since >= GRACE - SKEW, "it was swept within its grace"
                del self.trash[run]

    @precondition(lambda self: self.trash)
    @rule(chosen=st.integers(0, 1000))
    def undelete(self, chosen: int) -> None:
        run = sorted(self.trash)[chosen % len(self.trash)]
        undelete_backup(self.world.alias, run)
        self.backups[run], _ = self.trash.pop(run)
        if not self.damaged:
            assert self.read(run) == self.backups[run]

    @precondition(lambda self: self.backups and not self.damaged)
    @rule(seed=st.integers(0, 2**16), gone=st.booleans())
    def damage(self, seed: int, gone: bool) -> None:
        objects, chance = self.world.storage.objects, Random(seed)
        name = chance.choice(sorted(name for name in objects if name.split("/")[1] in ("chunks", "pages", "parts")))
        data = bytearray(objects.pop(name))
        if not gone:
            data[chance.randrange(len(data))] ^= chance.randrange(1, 256)
            objects[name] = bytes(data)
        self.damaged = True

    @rule(hours=st.sampled_from([0, 0, 0, -72, -1, 5, 72]))
    def clock_jumps(self, hours: int) -> None:
        """Away from the storage's, or back to it."""
        Clock.ahead = self.world.storage.ahead + timedelta(hours=hours)

    @precondition(lambda self: self.backups)
    @rule(chosen=st.integers(0, 1000))
    def verify(self, chosen: int) -> None:
        run = sorted(self.backups)[chosen % len(self.backups)]
        result = verify_backup(self.world.alias, run, level=Level.STORED).result
        stored = [finding.status for finding in result.findings if finding.name == "stored"]
        if not self.damaged:
            assert set(stored) == {Status.PASSED}, details(result.findings)
        if Status.FAILED not in stored:
            assert self.read(run) == self.backups[run]

    @precondition(lambda self: self.backups)
    @rule(chosen=st.integers(0, 1000))
    def restore(self, chosen: int) -> None:
        run = sorted(self.backups)[chosen % len(self.backups)]
        target = self.world.engine.at(self.world.engine.resolve("restored"))
        try:
            restore_backup(self.world.alias, run, to="restored")
        except BackupsError:
            assert self.damaged and not target.exists()
            return
        assert dict(query(target, "SELECT id, word FROM items")) == self.backups[run]
        target.drop()

    @invariant()
    def nothing_is_lost_or_made_up(self) -> None:
        if not self.backups:
            return
        listing = [listed for listed in self.world.repository.listing() if whole(self.world, listed.run)]
        assert {listed.run for listed in listing} == set(self.backups)
        if not self.damaged:
            last = max(listing, key=lambda listed: (listed.sequence, listed.run)).run
            assert self.read(last) == self.backups[last]
        assert dict(query(self.world.engine, "SELECT id, word FROM items")) == self.rows

    def read(self, run: str) -> Rows:
        repository = self.world.repository
        manifest = repository.read_manifest(repository.find(run).name).manifest
        entry = next(entry for entry in manifest.tables if entry.table.name == "items")
        rows = (json.loads(line) for line in Contents(repository, manifest).lines(entry))
        return {row["pk"]: row["fields"]["word"] for row in rows}

    def teardown(self) -> None:
        self.stack.close()


def whole(world: World, run: str) -> bool:
    """Say whether there is a backup of that run that can be read."""
    try:
        repository = world.repository
        return any(repository.read_manifest(one.name) for one in repository.listing() if one.run == run)
    except BackupsError:
        return False


TestHistory = History.TestCase
TestHistory.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=20,
    derandomize=True,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
