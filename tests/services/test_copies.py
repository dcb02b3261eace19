"""What the catalogue knows of the copies: which has which backup, since when, and what was wrong the last time."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.exceptions import UnknownBackup
from backups.models import CopiedBackup, Copy, CopyStatus
from backups.repository import Repository
from backups.repository.places import copy_storage, using
from backups.services.carrying import carry_catalogue
from backups.services.copies import with_lacking, wrong_with
from backups.services.copy import copy_backups, lags
from backups.services.listing import list_backups
from backups.services.prune import prune_backups
from backups.services.undelete import undelete_backup
from tests.services.conftest import LedgerRouter
from tests.services.helpers import back_up
from tests.yard import execute, path_of


def copied(run: str) -> CopiedBackup:
    return CopiedBackup.objects.get(backup=run, storage="offsite")


def wrong() -> list[str]:
    return wrong_with(with_lacking(Copy.objects.all()).get(storage="offsite"))


def change(engine: Engine, number: int) -> None:
    execute(engine, f"UPDATE shop_order SET quantity = {number} WHERE id < 5")


def cut_off(offsite: Path) -> None:
    """Let a file stand where the folder of the copy was."""
    offsite.rename(offsite.with_name("away"))
    offsite.write_text("")


def put_back(offsite: Path) -> None:
    offsite.unlink()
    offsite.with_name("away").rename(offsite)


def test_a_backup_that_was_copied_is_there_since_then(yard: Engine, offsite: Path) -> None:
    began = datetime.now(UTC)
    run = back_up(yard).committed.manifest.run
    row = copied(run)
    assert row.status == CopyStatus.HAS and row.since is not None and began <= row.since <= datetime.now(UTC)
    copy = Copy.objects.get()
    assert (copy.database, copy.problem, wrong()) == (yard.alias, "", []) and copy.complete is not None
    assert str(offsite) in copy.place


def test_a_copy_that_fails_lacks_the_backup_and_says_why_until_it_catches_up(yard: Engine, offsite: Path) -> None:
    first = back_up(yard).committed.manifest.run
    cut_off(offsite)
    change(yard, 700)
    done = back_up(yard)
    second = done.committed.manifest.run
    assert copied(first).status == CopyStatus.HAS and copied(second).status == CopyStatus.LACKS
    assert copied(second).problem == done.problems[0]
    put_back(offsite)
    # In the same words as the commands.
    assert wrong() == [done.problems[0], *lags(yard.alias)] and "lacks 1 of these backups" in wrong()[1]
    copy_backups(yard.alias)
    assert copied(second).status == CopyStatus.HAS and copied(second).problem == "" and wrong() == []
    assert Copy.objects.get().problem == done.problems[0]


def test_one_that_is_nowhere_whole_says_so_on_its_own(yard: Engine, offsite: Path, settings: Any) -> None:
    copies, settings.BACKUPS = settings.BACKUPS, {**settings.BACKUPS, "COPIES": {}}
    done = back_up(yard)
    assert not Copy.objects.exists()
    settings.BACKUPS = copies
    source = Repository.open(yard.alias)
    lost = next(iter(done.committed.manifest.parts.values())).name
    path_of(source, lost).unlink()
    (told,) = copy_backups(yard.alias)
    row = copied(done.committed.manifest.run)
    assert (row.status, row.problem) == (CopyStatus.LACKS, told.problems[0]) and lost in row.problem
    assert wrong()[0] == told.problems[0]


def test_what_was_copied_while_there_was_no_catalogue_is_there_since_the_storage_got_it(
    yard: Engine, offsite: Path
) -> None:
    manifest = back_up(yard).committed.manifest
    Copy.objects.all().delete()
    CopiedBackup.objects.all().delete()
    then = datetime(2026, 3, 1, 12, tzinfo=UTC)
    there = Repository.open(yard.alias, storage=copy_storage("offsite"))
    os.utime(path_of(there, manifest.name), (then.timestamp(), then.timestamp()))
    copy_backups(yard.alias)
    assert copied(manifest.run).since == then


def test_a_copy_that_was_never_looked_at_tells_nothing_of_backups(yard: Engine, offsite: Path) -> None:
    offsite.write_text("")
    (problem,) = back_up(yard).problems
    assert not CopiedBackup.objects.exists() and wrong()[0] == problem


def test_what_a_copy_has_pruned_itself_and_brings_back(yard: Engine, offsite: Path, settings: Any) -> None:
    own = {"offsite": {"RETENTION": {"last": 1}}}
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": own, "GRACE": timedelta(hours=1)}
    first = back_up(yard).committed.manifest.run
    change(yard, 700)
    second = back_up(yard).committed.manifest.run
    with using("offsite"):
        prune_backups(yard.alias)
    assert [copied(run).status for run in (first, second)] == [CopyStatus.PRUNED, CopyStatus.HAS]
    assert wrong() == [] == lags(yard.alias)
    with using("offsite"):
        undelete_backup(yard.alias, first)
    assert copied(first).status == CopyStatus.HAS


def test_without_a_catalogue_the_backup_is_copied_all_the_same(yard: Engine, offsite: Path, ledger: str) -> None:
    LedgerRouter.alias = yard.alias
    done = back_up(yard)
    there = Repository.open(yard.alias, storage=copy_storage("offsite"))
    assert done.problems == () and [listed.run for listed in there.listing()] == [done.committed.manifest.run]
    assert "There is no catalogue" in copy_backups(yard.alias)[0].notes[0]


def test_a_catalogue_that_is_carried_over_knows_the_copies(yard: Engine, offsite: Path, ledger: str) -> None:
    back_up(yard)
    for _ in range(2):
        assert carry_catalogue(ledger, "default") == []
        assert Copy.objects.using("default").count() == CopiedBackup.objects.using("default").count() == 1


def test_with_the_first_storage_gone_it_is_not_the_copy_that_is_blamed(yard: Engine, offsite: Path) -> None:
    back_up(yard)
    Path(Repository.open(yard.alias).objects.place()).rename(offsite.with_name("lost"))
    (said,) = lags(yard.alias)
    assert said.startswith("What the copies lack cannot be seen: There is no repository") and "--from offsite" in said
    with pytest.raises(UnknownBackup) as raised:
        Repository.open(yard.alias)
    assert "list_backups --from offsite shows a copy" in raised.value.hint
    with using("offsite"):
        assert len(list_backups(yard.alias)[0]) == 1
