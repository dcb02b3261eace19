"""The verb *prune*: nothing that is kept loses anything, nothing that is needed goes, and everything else does."""

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from unittest.mock import patch

import pytest

from backups import tasks
from backups.exceptions import ConfigurationError, LockHeld, ObjectMissing, PruneStopped, UnknownBackup
from backups.manifest import decode_entries
from backups.models import Backup, RunStatus
from backups.repository import Committed, Repository, damage, trash
from backups.repository.names import new_run
from backups.repository.runs import Beat, put_beat
from backups.services.backup import create_backup
from backups.services.catalog import Asked
from backups.services.keeping import confirm_backup, pin_backup
from backups.services.listing import SAFETY, list_backups
from backups.services.prune import prune_backups
from backups.services.sync import sync_backups
from backups.services.undelete import undelete_backup
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import World, world  # noqa: F401 (a fixture)
from tests.yard import SMALL, details, execute, prove

DAY = timedelta(days=1)


@pytest.fixture
def site(world: World, settings: Any) -> World:  # noqa: F811
    """A world with a table that lies in pages and one in a shared chunk; two backups are kept, for a day in the trash."""
    settings.BACKUPS = {"RETENTION": {"last": 2}}
    execute(
        world.engine,
        "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900))",
        "CREATE TABLE tags (id integer NOT NULL PRIMARY KEY, word varchar(90))",
        *(f"INSERT INTO items VALUES ({number}, '{'x' * 300}{number}')" for number in range(24)),
        "INSERT INTO tags VALUES (1, 'a'), (2, 'b')",
    )
    return world


def back_up(world: World, count: int = 1) -> list[Committed]:  # noqa: F811
    """Take so many backups, with a change before each; each is found to be good."""
    made = []
    for _ in range(count):
        number = Backup.objects.count()
        execute(
            world.engine,
            f"UPDATE items SET word = 'backup {number}' WHERE id = {number % 24}",
            f"INSERT INTO items VALUES ({100 + number}, 'new')",
            f"UPDATE tags SET word = '{number}' WHERE id = 1",
        )
        done = create_backup(world.alias, limits=SMALL)
        assert done.problems == ()
        made.append(done.committed)
    return made


def age(world: World, by: timedelta = 2 * DAY) -> None:  # noqa: F811
    """Let time pass in the storage: everything that lies there is older."""
    modified = world.storage._modified
    modified.update({name: moment - by for name, moment in modified.items()})


def objects(world: World, *folders: str) -> dict[str, int]:  # noqa: F811
    """Name and size of what lies in folders of the repository."""
    prefix = f"{world.alias}/"
    found = {name.removeprefix(prefix): len(data) for name, data in world.storage.objects.items()}
    return {
        name: size for name, size in found.items() if name.split("/")[0] in (folders or ("chunks", "pages", "parts"))
    }


def needed(repository: Repository) -> set[str]:
    """What the live backups name, found without any code of the sweep."""
    found = set()
    for listed in repository.listing():
        manifest = repository.read_manifest(listed.name).manifest
        found |= {stored.name for stored in manifest.objects()}
        for table in manifest.tables:
            for page in table.pages:
                found |= {entry.name for entry in decode_entries(page.name, repository.get("page", page))}
    return found


def live(world: World) -> list[int]:  # noqa: F811
    return [listed.sequence for listed in world.repository.listing()]


def all_is_well(world: World) -> None:  # noqa: F811
    """Every live backup restores, is listed, and the chain is whole."""
    for listed in world.repository.listing():
        result = prove(world.engine, world.repository, world.repository.read_manifest(listed.name))
        assert result.status == Status.PASSED, details(result.findings)
    result = verify_backup(world.alias, level=Level.SIGNATURE).result
    assert result.status == Status.PASSED, details(result.findings)
    lines, _ = list_backups(world.alias)
    assert {line.id for line in lines} == {listed.run for listed in world.repository.listing()}


def test_what_is_freed_is_exactly_what_no_kept_backup_needs(site: World, settings: Any) -> None:
    settings.BACKUPS = {"RETENTION": {"last": 4}, "GRACE": DAY}
    back_up(site, 24)
    before = objects(site)
    waiting = prune_backups(site.alias)
    assert (len(waiting.of("remove")), waiting.freed.bytes, objects(site)) == (20, 0, before)
    age(site)
    planned = prune_backups(site.alias, dry_run=True)
    freed = prune_backups(site.alias).freed
    kept = needed(site.repository)
    assert live(site) == [21, 22, 23, 24] and objects(site).keys() == kept
    unneeded = {name: size for name, size in before.items() if name not in kept}
    assert (freed.bytes, freed.objects - 0) == (sum(unneeded.values()), len(unneeded))
    assert (planned.freed.bytes, planned.freed.objects) == (freed.bytes, freed.objects)
    assert (waiting.waiting.bytes, waiting.waiting.objects) == (freed.bytes, freed.objects)
    assert len({name.split("/")[0] for name in unneeded}) == 3
    all_is_well(site)


def test_a_dry_run_tells_why_and_changes_nothing(site: World) -> None:
    made = back_up(site, 4)
    tree = dict(site.storage.objects)
    done = prune_backups(site.alias, dry_run=True)
    assert site.storage.objects == tree and live(site) == [1, 2, 3, 4]
    assert done.of("remove") == [made[1].manifest.run, made[0].manifest.run]
    assert [(fate.sequence, fate.reasons) for fate in done.fates if fate.action == "keep"] == [
        (4, ("latest", "the newest", "last 2")), (3, ("last 2",)),
    ]  # fmt: skip
    assert done.freed.bytes == 0 < done.waiting.bytes


def test_trash_grace_sweep_gap(site: World) -> None:
    back_up(site, 5)
    before = objects(site)
    prune_backups(site.alias)
    assert live(site) == [4, 5] and len(objects(site, "trash")) == 3 and objects(site) == before
    all_is_well(site)
    # Before the grace is over nothing more happens.
    age(site, DAY - timedelta(minutes=1))
    done = prune_backups(site.alias)
    assert len(done.of("wait")) == 3 and objects(site) == before
    assert all("brought back by --undelete until" in fate.reasons[0] for fate in done.fates if fate.action == "wait")
    age(site, timedelta(minutes=2))
    done = prune_backups(site.alias)
    assert len(done.of("sweep")) == 3 and done.freed.bytes > 0
    assert objects(site).keys() == needed(site.repository)
    all_is_well(site)
    # The tombstones stay until a committed manifest names their gap.
    assert len(trash.buried(site.repository)) == 3 and prune_backups(site.alias).freed.bytes == 0
    (newest,) = back_up(site)
    assert [(gap.first, gap.last) for gap in newest.manifest.gaps] == [(1, 3)]
    assert len(trash.buried(site.repository)) == 3
    prune_backups(site.alias)
    assert not [name for name in objects(site, "trash") if "00000001" in name] and live(site) == [5, 6]
    assert {Backup.objects.get(database=site.alias, sequence=number).status for number in (1, 2, 3, 4)} == {
        RunStatus.PRUNED
    }
    all_is_well(site)
    synced = sync_backups(site.alias)
    assert (synced.removed, synced.problems) == (0, [])


def test_over_weeks_of_backups_and_prunes_gaps_merge_and_nothing_is_missed(site: World) -> None:
    for _ in range(7):
        back_up(site, 2)
        age(site)
        prune_backups(site.alias)
        result = verify_backup(site.alias, level=Level.STORED).result
        assert result.status == Status.PASSED, details(result.findings)
    age(site)
    prune_backups(site.alias)
    (newest,) = back_up(site)
    assert len(newest.manifest.gaps) == 1 and newest.manifest.gaps[0].first == 1
    age(site)
    prune_backups(site.alias)
    assert len(trash.buried(site.repository)) <= 2
    assert objects(site).keys() - needed(site.repository) <= trashed_names(site)
    site.storage.objects.pop(f"{site.alias}/{site.repository.listing()[0].name}")
    result = verify_backup(site.alias, level=Level.SIGNATURE).result
    assert "was removed: no manifest, tombstone or gap" in details(result.findings)


def trashed_names(world: World) -> set[str]:  # noqa: F811
    found = set()
    for entry in trash.buried(world.repository):
        manifest = trash.read(world.repository, entry).manifest
        found |= {stored.name for stored in manifest.objects()}
        for table in manifest.tables:
            for page in table.pages:
                found |= {entry.name for entry in decode_entries(page.name, world.repository.get("page", page))}
    return found


class TestUndelete:
    """A pruned backup comes back whole, until its objects are being deleted."""

    def test_it_comes_back_and_is_pinned(self, site: World) -> None:
        made = back_up(site, 4)
        before = dict(site.storage.objects)
        prune_backups(site.alias)
        run = made[0].manifest.run
        assert undelete_backup(site.alias, run) == made[0]
        name = f"{site.alias}/{made[0].manifest.name}"
        assert site.storage.objects[name] == before[name] and live(site) == [1, 3, 4]
        all_is_well(site)
        age(site)
        done = prune_backups(site.alias)
        assert [fate.reasons for fate in done.fates if fate.sequence == 1] == [("pinned: brought back from the trash",)]
        all_is_well(site)
        pin_backup(site.alias, run, unpin=True)
        assert prune_backups(site.alias).of("remove") == [run]

    def test_one_that_was_brought_back_has_its_whole_grace_again(self, site: World) -> None:
        run = back_up(site, 3)[0].manifest.run
        prune_backups(site.alias)
        age(site, DAY - timedelta(hours=1))
        undelete_backup(site.alias, run)
        pin_backup(site.alias, run, unpin=True)
        prune_backups(site.alias)
        age(site, timedelta(hours=2))
        assert prune_backups(site.alias).of("wait") == [run]

    def test_not_once_it_is_being_swept(self, site: World) -> None:
        run = back_up(site, 3)[0].manifest.run
        prune_backups(site.alias)
        trash.mark_sweeping(site.repository, trash.buried(site.repository)[0])
        with pytest.raises(PruneStopped, match="its objects are being deleted"):
            undelete_backup(site.alias, run)
        assert live(site) == [2, 3]

    def test_one_that_is_not_in_the_trash(self, site: World) -> None:
        back_up(site, 3)
        with pytest.raises(UnknownBackup, match="in the trash"):
            undelete_backup(site.alias, "2")


class TestKept:
    """What the policy alone would remove."""

    def test_a_pin(self, site: World) -> None:
        run = back_up(site, 4)[0].manifest.run
        assert pin_backup(site.alias, run, reason="the audit").pinned
        done = prune_backups(site.alias)
        assert live(site) == [1, 3, 4]
        assert [fate.reasons for fate in done.fates if fate.sequence == 1] == [("pinned: the audit",)]

    def test_the_newest_that_passed_at_level_restore(self, site: World) -> None:
        back_up(site, 2)
        assert verify_backup(site.alias).result.status == Status.PASSED
        back_up(site, 3)
        assert verify_backup(site.alias, level=Level.STORED).result.status == Status.PASSED
        prune_backups(site.alias)
        assert live(site) == [2, 4, 5]

    def test_one_with_a_record_that_cannot_be_read_since_it_may_be_a_pin(self, site: World) -> None:
        run = back_up(site, 4)[0].manifest.run
        pin_backup(site.alias, run)
        (name,) = objects(site, "events")
        site.storage.objects[f"{site.alias}/{name}"] = b"half of it"
        prune_backups(site.alias)
        assert live(site) == [1, 3, 4]

    def test_one_from_the_future(self, site: World) -> None:
        with patch("backups.archiver.archive.datetime", wraps=datetime) as clock:
            clock.now = lambda zone: datetime.now(zone) + timedelta(days=400)
            future = back_up(site)[0]
        back_up(site, 3)
        done = prune_backups(site.alias)
        assert live(site) == [1, 3, 4] and "dated in the future" in done.problems[0]
        assert future.manifest.run in done.problems[0]


def test_a_backup_of_a_database_that_was_replaced_is_not_all_that_is_left(site: World, settings: Any) -> None:
    settings.BACKUPS = {"RETENTION": {"last": 1}}
    back_up(site, 3)
    create_backup(site.alias, limits=SMALL, asked=Asked("ada", SAFETY))
    prune_backups(site.alias)
    assert live(site) == [3, 4]


class TestStops:
    """It is unclear what may go, so nothing does, and a dry run says why."""

    @pytest.fixture(autouse=True)
    def nothing_goes(self, site: World) -> Iterator[None]:
        back_up(site, 3)
        prune_backups(site.alias)
        age(site)
        back_up(site)
        self.tree = objects(site, "chunks", "pages", "parts", "backups", "trash")
        yield
        left = objects(site, "chunks", "pages", "parts", "backups", "trash")
        assert left.keys() == self.tree.keys() - self.taken

    taken: frozenset[str] = frozenset()

    def stopped(self, site: World, words: str, raised: type[Exception] = PruneStopped) -> None:
        if raised is PruneStopped:
            assert words in " ".join(prune_backups(site.alias, dry_run=True).stops)
        with pytest.raises(raised, match=words):
            prune_backups(site.alias)

    def take(self, site: World, name: str) -> None:
        """Remove an object behind everybody's back."""
        del site.storage.objects[f"{site.alias}/{name}"]
        self.taken = self.taken | {name}

    def test_a_policy_that_keeps_nothing(self, site: World, settings: Any) -> None:
        settings.BACKUPS = {"RETENTION": {}}
        self.stopped(site, "keeps no backup at all", ConfigurationError)

    def test_a_manifest_that_cannot_be_read(self, site: World) -> None:
        site.storage.objects[f"{site.alias}/{site.repository.listing()[0].name}"] += b"!"
        self.stopped(site, "is damaged")

    def test_a_tombstone_that_cannot_be_read(self, site: World) -> None:
        (name,) = objects(site, "trash")
        site.storage.objects[f"{site.alias}/{name}"] += b"!"
        self.stopped(site, "is damaged")

    def test_a_page_that_is_missing(self, site: World) -> None:
        manifest = site.repository.read_manifest(site.repository.listing()[-1].name).manifest
        self.take(site, next(page.name for table in manifest.tables for page in table.pages))
        self.stopped(site, "is missing")

    def test_a_backup_that_was_removed(self, site: World) -> None:
        self.take(site, site.repository.listing()[0].name)
        self.stopped(site, "was removed")

    def test_a_backup_that_the_catalogue_has_not_seen(self, site: World) -> None:
        Backup.objects.filter(sequence=4).delete()
        self.stopped(site, "is not in the catalogue")
        sync_backups(site.alias)
        assert prune_backups(site.alias, dry_run=True).stops == []

    def test_an_empty_catalogue(self, site: World) -> None:
        Backup.objects.all().delete()
        self.stopped(site, "is not in the catalogue")

    def test_no_catalogue(self, site: World) -> None:
        with patch("backups.services.catalog.engine_for", side_effect=PruneStopped("The database is gone.")):
            self.stopped(site, "Without it nobody knows")

    def test_a_clock_that_is_wrong(self, site: World) -> None:
        ahead = datetime.now(UTC) + timedelta(minutes=6)
        with patch("tests.faults.timezone.now", return_value=ahead), pytest.raises(PruneStopped, match="clock"):
            prune_backups(site.alias)

    def test_somebody_else_who_prunes(self, site: World) -> None:
        leave_beat(site, "prune")
        self.stopped(site, "at work on the trash", LockHeld)
        with pytest.raises(LockHeld):
            undelete_backup(site.alias, "2")

    @pytest.mark.parametrize("verb", ["prune", "backup"])
    def test_a_sign_of_life_that_cannot_be_read_for_half_an_hour(self, site: World, verb: str) -> None:
        run = leave_beat(site, verb)
        spoil(site, run, timedelta(minutes=29))
        self.stopped(
            site,
            f"Somebody else may be at work on the trash: the sign of life runs/{run}, of .* cannot be read",
            LockHeld,
        )
        with pytest.raises(LockHeld) as raised:
            undelete_backup(site.alias, "2")
        assert "Run it again after" in raised.value.hint and f"delete runs/{run} in the storage" in raised.value.hint


def spoil(world: World, run: str, age: timedelta) -> None:  # noqa: F811
    """Let half of a run's beat be there, which the storage got so long ago."""
    name = f"{world.alias}/runs/{run}/0"
    world.storage.objects[name] = world.storage.objects[name][:20]
    world.storage._modified[name] = datetime.now(UTC) - age


def leave_beat(world: World, verb: str, began: timedelta = timedelta(0)) -> str:  # noqa: F811
    """Leave the beat of a run on another host that is alive."""
    run, now = new_run(), datetime.now(UTC)
    put_beat(
        world.repository, Beat(run, verb, world.alias, "elsewhere", 1, (now - began).isoformat(), now.isoformat()), 0
    )
    return run


def test_a_suspicious_backup_stops_pruning_until_somebody_confirms(site: World) -> None:
    back_up(site, 3)
    execute(site.engine, "DELETE FROM items WHERE id > 5")
    done = create_backup(site.alias, limits=SMALL)
    assert "has 6 rows; the backup before had 27" in done.problems[0] and "--confirm" in done.problems[1]
    run = done.committed.manifest.run
    with pytest.raises(PruneStopped, match=f"{run}.*is suspicious"):
        prune_backups(site.alias)
    assert live(site) == [1, 2, 3, 4]
    # A later one that is like it does not hide it.
    back_up(site)
    assert prune_backups(site.alias, dry_run=True).stops
    with pytest.raises(UnknownBackup, match="not suspicious"):
        confirm_backup(site.alias, "latest")
    assert confirm_backup(site.alias, run)[0] == run
    assert len(prune_backups(site.alias).of("remove")) == 3


def test_the_task_says_what_it_removed_and_that_it_was_stopped(site: World, caplog: pytest.LogCaptureFixture) -> None:
    made = back_up(site, 3)
    assert tasks.prune(site.alias) == [made[0].manifest.run] and live(site) == [2, 3]
    execute(site.engine, "DELETE FROM items WHERE id > 5")
    create_backup(site.alias, limits=SMALL)
    with pytest.raises(PruneStopped):
        tasks.prune(site.alias)
    assert "is suspicious" in caplog.text and live(site) == [2, 3, 4]


class TestRunsAtWork:
    """Whoever is at work may need what was pruned since."""

    @pytest.mark.parametrize("verb", ["backup", "restore", "verification"])
    def test_one_that_began_before_keeps_it(self, site: World, verb: str) -> None:
        back_up(site, 3)
        prune_backups(site.alias)
        age(site)
        leave_beat(site, verb, 3 * DAY)
        done = prune_backups(site.alias)
        (fate,) = [fate for fate in done.fates if fate.action == "wait"]
        assert f"{verb} " in fate.reasons[0] and "began before it was pruned" in fate.reasons[0]
        assert done.freed.bytes == 0

    def test_one_that_began_after_does_not(self, site: World) -> None:
        back_up(site, 3)
        prune_backups(site.alias)
        age(site)
        leave_beat(site, "backup", timedelta(hours=1))
        assert prune_backups(site.alias).freed.bytes > 0

    def test_one_whose_beat_cannot_be_read_is_in_nobodys_way_once_it_is_old(self, site: World) -> None:
        back_up(site, 3)
        prune_backups(site.alias)
        age(site)
        spoil(site, leave_beat(site, "prune", 3 * DAY), timedelta(minutes=31))
        assert prune_backups(site.alias).freed.bytes > 0

    def test_a_backup_that_is_committed_meanwhile_holds_up_the_sweep(self, site: World) -> None:
        back_up(site, 3)
        prune_backups(site.alias)
        age(site)
        mark = trash.mark_sweeping

        def meanwhile(*args: Any) -> None:
            mark(*args)
            back_up(site)

        with patch("backups.services.prune.trash.mark_sweeping", meanwhile):
            done = prune_backups(site.alias)
        assert done.freed.bytes == 0 and "was taken meanwhile" in done.notes[0]
        assert prune_backups(site.alias).freed.bytes > 0
        all_is_well(site)


class TestStrays:
    """What no manifest names."""

    def put(self, world: World, run: str, content: bytes = b"nobody's\n") -> str:  # noqa: F811
        return world.repository.put("chunk", content, run).name

    def test_they_go_once_their_run_is_dead_and_past_grace(self, site: World) -> None:
        back_up(site, 2)
        old = self.put(site, new_run(datetime.now(UTC) - 2 * DAY))
        age(site)
        young = self.put(site, new_run(datetime.now(UTC) - 2 * DAY), b"just now\n")
        done = prune_backups(site.alias)
        assert old not in objects(site) and young in objects(site) and done.freed.objects == 1
        all_is_well(site)

    def test_not_while_a_backup_is_at_work(self, site: World) -> None:
        back_up(site, 2)
        old = self.put(site, new_run(datetime.now(UTC) - 2 * DAY))
        age(site)
        leave_beat(site, "backup")
        done = prune_backups(site.alias)
        assert old in objects(site) and "What no backup names was not looked for" in done.notes[0]

    def test_not_while_the_next_backup_would_take_up_what_a_dead_one_had_stored(self, site: World) -> None:
        back_up(site, 2)
        run, now = new_run(datetime.now(UTC) - 2 * DAY), datetime.now(UTC)
        old = self.put(site, run)
        age(site)
        last = (now - timedelta(hours=2)).isoformat()
        put_beat(site.repository, Beat(run, "backup", site.alias, "elsewhere", 1, last, last), 3)
        prune_backups(site.alias)
        assert old in objects(site)

    def test_not_what_a_run_has_stored_whose_host_has_its_clock_behind(self, site: World, settings: Any) -> None:
        settings.BACKUPS = {"RETENTION": {"last": 2}, "GRACE": timedelta(0)}
        back_up(site, 2)
        behind = datetime.now(UTC) - timedelta(hours=3)
        run, said = new_run(behind), behind.isoformat()
        stored = self.put(site, run)
        age(site, timedelta(hours=1))
        put_beat(site.repository, Beat(run, "backup", site.alias, "elsewhere", 1, said, said), 0)
        assert f"backup {run}" in prune_backups(site.alias).notes[0] and stored in objects(site)
        # By the storage's clock, which is the one that counts, it is silent now.
        site.storage._modified[f"{site.alias}/runs/{run}/0"] -= timedelta(minutes=31)
        settings.BACKUPS = {"RETENTION": {"last": 2}, "GRACE": timedelta(0)}
        prune_backups(site.alias)
        assert stored not in objects(site)

    def test_names_that_are_none_of_ours_stay(self, site: World) -> None:
        back_up(site, 2)
        for name in ("chunks/ab/notes.txt", "chunks/.DS_Store", "keys/id/0", "keys/readme/0"):
            site.storage.objects[f"{site.alias}/{name}"] = b"mine"
        age(site)
        site.storage._modified.update({f"{site.alias}/keys/readme/0": datetime.now(UTC) - 9 * DAY})
        before = objects(site, "chunks", "keys")
        prune_backups(site.alias)
        assert objects(site, "chunks", "keys") == before

    def test_keys_go_last_and_only_where_nothing_lies_under_them(self, site: World) -> None:
        made = back_up(site, 4)
        runs = [committed.manifest.run for committed in made]
        for run in runs:
            site.repository.objects.put(f"keys/{run}/0", b"wrapped")
        prune_backups(site.alias)
        age(site)
        site.storage.operations.clear()
        prune_backups(site.alias)
        # The first backup stored what all of them need; the second nothing that the others do.
        left = {name.rpartition(".")[2] for name in objects(site)}
        assert runs[0] in left and runs[1] not in left
        assert {name.split("/")[1] for name in objects(site, "keys")} == set(runs) - {runs[1]}
        deleted = [op.name.split("/")[1] for op in site.storage.operations if op.verb == "delete"]
        kinds = [kind for kind, _ in groupby(name for name in deleted if name in ("pages", "chunks", "parts", "keys"))]
        assert kinds == [*["pages", "chunks", "parts"] * 2, "keys"]


def test_the_only_whole_object_of_a_content_is_kept_while_another_is_damaged(site: World) -> None:
    made = back_up(site, 3)
    kept = made[-1].manifest
    entry = kept.shared[0]
    prune_backups(site.alias)
    # The same content under the name of the pruned backup's run, which nothing but it would name.
    other = site.repository.put("chunk", site.repository.get("chunk", entry), new_run(datetime.now(UTC) - 5 * DAY))
    age(site)
    damage.note(site.repository, entry.name, "tried")
    prune_backups(site.alias)
    assert other.name in objects(site)
    damage.clear(site.repository, entry.name)
    prune_backups(site.alias)
    assert other.name not in objects(site) and entry.name in objects(site)


def test_a_pruned_backup_cannot_be_taken_for_a_removed_one_by_moving_its_manifest(site: World) -> None:
    """Whoever can write to the storage and has no key cannot make a tombstone."""
    made = back_up(site, 2)
    name = made[0].manifest.name
    site.storage.objects[f"{site.alias}/trash/{name.partition('/')[2]}"] = site.storage.objects.pop(
        f"{site.alias}/{name}"
    )
    result = verify_backup(site.alias, level=Level.SIGNATURE).result
    assert result.status == Status.FAILED and "trash/00000001" in details(result.findings)


def test_pins_and_tombstones_hold_no_more_than_they_must(site: World) -> None:
    made = back_up(site, 3)
    prune_backups(site.alias)
    (name,) = objects(site, "trash")
    stored = site.storage.objects[f"{site.alias}/{name}"]
    assert stored.startswith(b"lifeboat tombstone 1 ")
    assert hashlib.sha256(stored.partition(b"\n")[2]).hexdigest() == made[0].digest
    pin_backup(site.alias, "latest", reason="the audit")
    (event,) = objects(site, "events")
    said = json.loads(site.storage.objects[f"{site.alias}/{event}"].partition(b"\n")[2])
    assert (said["kind"], said["manifest"], said["data"]["reason"]) == ("pinned", made[2].digest, "the audit")
    with pytest.raises(ObjectMissing):
        site.repository.objects.get("trash/nothing")
