"""The worst day: with the database gone every command but ``backup_db`` works, and none makes an empty file in its place."""

import os
import shutil

import pytest

from tests.commands.site import Site

COMMANDS = [
    ("list_backups",),
    ("verify_backup",),
    ("restore_db", "--to=restored"),
]
REFUSED = [
    ("backup_db",),
    ("sync_backups",),
    ("drill_db",),
    ("simulate_failure", "--mode=truncate", "--confirm=site.sqlite3"),
]


@pytest.fixture
def lost(backed_up: Site) -> Site:
    backed_up.settings["BACKUPS"]["ALLOW_SIMULATED_FAILURE"] = True
    backed_up.database.unlink()
    return backed_up


def test_commands_work_and_say_that_there_is_no_catalogue(lost: Site) -> None:
    for command in COMMANDS:
        done = lost.manage(*command).fine()
        assert done.err.startswith("Note: There is no catalogue: The SQLite database "), done
    assert not lost.database.exists()
    assert (lost.folder / "restored.sqlite3").exists()


def test_what_needs_the_database_is_refused_with_a_sentence(lost: Site) -> None:
    before = lost.tree()
    for command in REFUSED:
        lost.manage(*command).refused("is not there")
    assert lost.tree() == before


def leave_only_a_log(site: Site) -> None:
    site.database.with_name("site.sqlite3-wal").write_bytes(b"what is left of it")


def leave_a_dangling_link(site: Site) -> None:
    site.database.symlink_to(site.folder / "elsewhere.sqlite3")


def leave_no_folder(site: Site) -> None:
    site.settings["DATABASES"]["default"]["NAME"] = str(site.folder / "gone" / "site.sqlite3")


@pytest.mark.parametrize("leave", [leave_only_a_log, leave_a_dangling_link, leave_no_folder])
def test_whatever_is_left_of_the_database_no_file_is_made_in_its_place(lost: Site, leave) -> None:
    leave(lost)
    before = lost.tree("storage")
    lost.manage("list_backups").fine()
    lost.manage("verify_backup", "--level=stored").fine()
    lost.manage("backup_db").refused("is not there")
    lost.manage("sync_backups").refused("There is no catalogue")
    assert lost.tree("storage") == before


def test_the_lost_database_is_restored_into_its_own_place(lost: Site) -> None:
    lost.manage("restore_db", "--to", str(lost.database)).fine()
    assert lost.manage("list_backups").fine().err == ""
    lost.manage("backup_db").fine()
    assert len(lost.backups()) == 2


def test_an_empty_file_in_its_place_is_no_catalogue_and_is_not_replaced(lost: Site) -> None:
    lost.database.touch()
    assert "There is no catalogue" in lost.manage("list_backups").fine().err
    lost.manage("restore_db", "--to", "site").refused("is the live database of alias 'default'")
    assert lost.database.read_bytes() == b""


def test_a_corrupt_database_is_no_catalogue_and_no_backup_is_taken_of_it(backed_up: Site) -> None:
    backed_up.database.write_bytes(os.urandom(100) + backed_up.database.read_bytes()[100:])
    before = backed_up.tree("storage")
    backed_up.manage("backup_db").refused("is damaged", "restore_db --to NAME")
    assert "cannot be read" in backed_up.manage("list_backups").fine().err
    backed_up.manage("restore_db", "--to=restored").fine()
    backed_up.manage("sync_backups").refused("There is no catalogue")
    assert len(backed_up.backups()) == 1
    assert {name: text for name, text in backed_up.tree("storage").items() if name != "restored.sqlite3"} == before


def test_another_machine_needs_only_the_settings_and_the_storage(backed_up: Site, tmp_path) -> None:
    machine = Site(tmp_path / "machine", backed_up.forks)
    machine.folder.mkdir()
    shutil.copytree(backed_up.storage, machine.storage)
    (run,) = backed_up.backups()
    assert machine.manage("list_backups", "--json").fine().json[0]["id"] == run
    machine.manage("verify_backup").fine()
    machine.manage("restore_db", "--to=site").fine()
    assert machine.manage("list_backups").fine().err == ""
