"""The verb *prune*: nothing that is kept loses anything, nothing that is needed goes, and everything else does."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any
from unittest.mock import patch

import pytest

from backups.exceptions import ObjectMissing, PruneStopped, UnknownBackup
from backups.manifest import decode_entries
from backups.models import Backup, RunStatus
from backups.repository import damage, trash
from backups.repository.names import new_run
from backups.repository.runs import Beat, put_beat
from backups.services.backup import create_backup
from backups.services.catalog import Asked
from backups.services.keeping import pin_backup
from backups.services.listing import SAFETY
from backups.services.prune import prune_backups
from backups.services.sync import sync_backups
from backups.services.undelete import undelete_backup
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import World
from tests.services.pruning import DAY, age, all_is_well, back_up, leave_beat, live, needed, objects
from tests.yard import SMALL, details


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


def trashed_names(world: World) -> set[str]:
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


class TestStrays:
    """What no manifest names."""

    def put(self, world: World, run: str, content: bytes = b"nobody's\n") -> str:
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
