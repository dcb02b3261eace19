"""What keeps a prune from deleting: what is unclear, what is suspicious, and whoever is at work."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import pytest

from backups import tasks
from backups.exceptions import ConfigurationError, LockHeld, PruneStopped, UnknownBackup
from backups.models import Backup
from backups.repository import trash
from backups.services.backup import create_backup
from backups.services.keeping import confirm_backup
from backups.services.prune import prune_backups
from backups.services.sync import sync_backups
from backups.services.undelete import undelete_backup
from tests.faults import World
from tests.services.pruning import DAY, age, all_is_well, back_up, leave_beat, live, objects, spoil
from tests.yard import SMALL, execute


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
