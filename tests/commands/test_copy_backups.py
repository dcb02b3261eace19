"""``copy_backups``, and what the other commands say of copies and read from them."""

import pytest

from tests.commands.site import BACKUP_KEYS, Site

pytestmark = pytest.mark.slow
COPY_KEYS = ["database", "copy", "place", "backups", "behind", "objects", "bytes", "seconds", "problems"]


@pytest.fixture
def offsite(backed_up: Site) -> Site:
    """A site with one backup, and a copy that has none yet."""
    entry = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(backed_up.folder / "offsite")},
    }
    backed_up.settings["STORAGES"]["offsite"] = entry
    backed_up.settings["BACKUPS"] = {"COPIES": {"offsite": {}}}
    return backed_up


def test_a_copy_is_brought_up_to_date_and_told_of(offsite: Site) -> None:
    (run,) = offsite.backups()
    listed = offsite.manage("list_backups", "--json").fine()
    assert "The copy in 'offsite' lacks 1" in listed.err and run in listed.err
    (done,) = offsite.manage("copy_backups", "--json").fine().json
    assert list(done) == COPY_KEYS and done["backups"] == [run] and done["objects"] > 5 and done["behind"] == []
    again = offsite.manage("copy_backups", "--copy=offsite").fine()
    assert "is up to date: nothing was missing" in again.out
    assert offsite.manage("list_backups", "--json").fine().err == ""
    offsite.manage("copy_backups", "--copy=nowhere").refused("no copy 'nowhere'")


def test_with_the_first_storage_gone_the_copy_serves(offsite: Site) -> None:
    offsite.manage("backup_db").fine()
    offsite.storage.rename(offsite.storage.with_name("lost"))
    (listed, _) = offsite.manage("list_backups", "--from=offsite", "--json").fine().json
    assert list(listed) == BACKUP_KEYS
    offsite.manage("verify_backup", "--from=offsite").fine()
    offsite.manage("restore_db", "--from=offsite", "--to", str(offsite.folder / "restored.sqlite3")).fine()
    told = offsite.manage("list_backups", "--restores", "--from=offsite", "--json").fine()
    assert [line["kind"] for line in told.json] == ["copy"] and f"{offsite.folder}/offsite" in told.err


def test_a_copy_that_cannot_be_made_is_a_problem_and_the_backup_is_there(offsite: Site) -> None:
    (offsite.folder / "offsite").write_text("a file in the way")
    done = offsite.manage("backup_db", "--json").found("The copy in 'offsite' could not be brought up to date")
    assert done.json["id"] == offsite.backups()[1]
    offsite.manage("copy_backups").found("could not be brought up to date")
    assert "cannot be looked at" in offsite.manage("list_backups").fine().err
