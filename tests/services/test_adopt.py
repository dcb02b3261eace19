"""``--adopt``: what somebody has looked at is not found again, and pruning goes on; anything new is found."""

from typing import Any

import pytest
from django.core.management import call_command

from backups.exceptions import NotVouchedFor, PruneStopped
from backups.models import Backup
from backups.recovery import Request
from backups.repository import Repository
from backups.services.backup import create_backup
from backups.services.diff import diff_backup
from backups.services.failure import typed_name
from backups.services.prune import prune_backups
from backups.services.recover import recover_rows
from backups.services.replace import replace_database
from backups.services.restore import restore_backup
from backups.services.sync import sync_backups
from backups.services.verify import verify_backup
from backups.verification import Level, Status
from tests.faults import World
from tests.services.pruning import back_up, live
from tests.yard import SMALL, details

ANOTHER = "another key"


def chain(world: World) -> str:
    """What a verification finds wrong with the chain, or nothing."""
    result = verify_backup(world.alias, level=Level.SIGNATURE).result
    return details(result.findings, "chain") if result.status != Status.PASSED else ""


def adopt(world: World) -> None:
    assert create_backup(world.alias, limits=SMALL, adopt=True).problems == ()


def take(world: World, number: int) -> bytes:
    """Remove a manifest behind everybody's back."""
    (name,) = [listed.name for listed in world.repository.listing() if listed.sequence == number]
    return world.storage.objects.pop(f"{world.alias}/{name}")


def test_a_backup_that_was_removed(site: World) -> None:
    back_up(site, 4)
    take(site, 2)
    assert "number 2 was removed" in chain(site)
    back_up(site)
    with pytest.raises(PruneStopped, match="number 2 was removed"):
        prune_backups(site.alias)
    adopt(site)
    assert chain(site) == "" and back_up(site)[0].manifest.gaps
    assert chain(site) == "" and prune_backups(site.alias).of("remove")
    take(site, 5 if 5 in live(site) else live(site)[0])
    assert "was removed" in chain(site)


def test_a_storage_that_was_rolled_back(site: World) -> None:
    back_up(site, 4)
    for number in (3, 4):
        take(site, number)
    assert "was rolled back" in chain(site)
    adopt(site)
    assert live(site) == [1, 2, 5] and chain(site) == ""
    prune_backups(site.alias)
    # Of who has seen more than the catalogue, nothing was asked: an older catalogue knows no better.
    sync_backups(site.alias)
    assert chain(site) == ""


def test_a_backup_that_was_replaced_by_another_of_its_number(site: World) -> None:
    """A fork of which only one side is left: who has seen the other one misses it."""
    back_up(site, 2)
    taken = take(site, 2)
    row = Backup.objects.get(sequence=2)
    Backup.objects.filter(pk=row.pk).delete()
    create_backup(site.alias, limits=SMALL)
    row.save(force_insert=True)
    assert "number 2 has another content" in chain(site)
    adopt(site)
    assert chain(site) == ""
    # The other side turns up again: it is a manifest of ours, and no break.
    site.storage.objects[f"{site.alias}/backups/00000002-{row.pk}"] = taken
    assert chain(site) == ""


def test_a_backup_that_the_catalogue_has_not_seen(site: World) -> None:
    back_up(site, 4)
    Backup.objects.filter(sequence__in=(2, 4)).delete()
    with pytest.raises(PruneStopped, match="and 1 more is not in the catalogue"):
        prune_backups(site.alias)
    adopt(site)
    assert prune_backups(site.alias, dry_run=True).stops == []
    assert Backup.objects.filter(sequence__isnull=False).count() == 5


class TestRotatedKey:
    """Today's key vouches for what it follows; the earlier one for nothing else."""

    @pytest.fixture
    def rotated(self, site: World, settings: Any) -> World:
        """Three backups under the earlier key."""
        settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "earlier"}
        back_up(site, 3)
        settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "today's", "SIGNING_KEY_FALLBACKS": ["earlier"]}
        return site

    def forge(self, world: World, settings: Any) -> None:
        """Somebody who has the earlier key adds a backup, from a place with another catalogue."""
        ours = settings.BACKUPS
        settings.BACKUPS = {"SIGNING_KEY": "earlier", "SIGNING_KEY_FALLBACKS": ["today's"]}
        rows = list(Backup.objects.all())
        back_up(world)
        settings.BACKUPS = ours
        Backup.objects.exclude(pk__in=[row.pk for row in rows]).delete()

    def test_nothing_is_wrong_before_and_after_the_first_backup_under_the_new_key(self, rotated: World) -> None:
        assert chain(rotated) == ""
        back_up(rotated)
        assert chain(rotated) == ""
        # Without the catalogue too, and over gaps.
        prune_backups(rotated.alias)
        Backup.objects.all().delete()
        assert chain(rotated) == ""

    def test_one_that_nothing_leads_to_is_found_and_excuses_nothing(self, rotated: World, settings: Any) -> None:
        back_up(rotated)
        self.forge(rotated, settings)
        assert "signed with an earlier key" in chain(rotated)
        with pytest.raises(PruneStopped, match="signed with an earlier key"):
            prune_backups(rotated.alias)
        # The next backup does not follow it, or else it would vouch for it.
        done = create_backup(rotated.alias, limits=SMALL)
        assert [head.sequence for head in done.committed.manifest.heads] == [4]
        assert any("signed with an earlier key" in problem for problem in done.problems)
        assert "signed with an earlier key" in chain(rotated)

    def test_it_is_only_brought_back_by_who_says_that_it_is_theirs(self, rotated: World, settings: Any) -> None:
        (ours,) = (backup.manifest.run for backup in back_up(rotated))
        self.forge(rotated, settings)
        forged, early = (
            Repository.open(rotated.alias).listing()[-1].run,
            Repository.open(rotated.alias).listing()[0].run,
        )
        request = Request("items", ("1",))
        for verb in (
            lambda: restore_backup(rotated.alias, to="copy"),
            lambda: replace_database(rotated.alias, confirm=typed_name(rotated.engine)),
            lambda: recover_rows(rotated.alias, "latest", request),
            lambda: diff_backup(rotated.alias, forged),
            lambda: diff_backup(rotated.alias, ours, forged),
        ):
            with pytest.raises(NotVouchedFor, match="whoever has that key may have made it") as raised:
                verb()
            assert f"The newest that is vouched for: {ours}. " in raised.value.hint
            assert "restore_db --accept-unsigned" in raised.value.hint
        assert not rotated.engine.at(rotated.engine.resolve("copy")).exists()
        # What today's key leads to is as good as ever, and so is what somebody knows to be theirs.
        diff_backup(rotated.alias, early, ours)
        restore_backup(rotated.alias, early, to="early").target.drop()
        options = (f"--database={rotated.alias}", "--accept-unsigned", "--verbosity=0")
        call_command("restore_db", forged, "--to=copy", *options)
        rotated.engine.at(rotated.engine.resolve("copy")).drop()
        call_command("restore_db", forged, "--replace", f"--confirm={typed_name(rotated.engine)}", *options)
        sync_backups(rotated.alias)
        restore_backup(rotated.alias, forged, to="copy").target.drop()

    def test_it_can_be_adopted(self, rotated: World, settings: Any) -> None:
        back_up(rotated)
        self.forge(rotated, settings)
        adopt(rotated)
        assert chain(rotated) == ""


def test_the_repository_is_one(site: World) -> None:
    """What these tests do to the storage reaches the repository that the verbs open."""
    back_up(site)
    take(site, 1)
    assert Repository.open(site.alias).listing() == []
