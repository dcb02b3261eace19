"""A storage that is unreachable, full or read-only: a sentence, nothing committed, and what there was still restores."""

import os
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands.site import Site

# Permissions do not bind root, unless it gives up the right to pass them over.
BOUND = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take away the right to write in a folder and all below it."""
    folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
    modes = [path.stat().st_mode for path in folders]
    for path in folders:
        path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        yield
    finally:
        for path, mode in zip(folders, modes, strict=True):
            path.chmod(mode)


def no_room() -> None:
    """Let no file grow beyond 16 KiB, as on a disk whose last blocks are being taken; called in a new process."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (16384, 16384))


def test_a_storage_that_cannot_be_reached(backed_up: Site) -> None:
    backed_up.storage.rename(backed_up.folder / "away")
    backed_up.storage.write_text("a file where the folder was")
    before = backed_up.tree("site.sqlite3")
    for command in (("backup_db",), ("verify_backup",), ("restore_db", "--to=x"), ("sync_backups",)):
        backed_up.manage(*command).refused("The storage failed while", "Not a directory", "Check the storage")
    assert backed_up.tree("site.sqlite3") == before
    backed_up.storage.unlink()
    (backed_up.folder / "away").rename(backed_up.storage)
    # What it had stored was remembered for the next one, and is forgotten now.
    assert not [path for path in (backed_up.folder / "small" / "default" / "runs").rglob("*") if path.is_file()]
    backed_up.manage("backup_db", "--verify=restore").fine()


def test_a_read_only_storage_takes_no_backup_and_still_lists_and_restores(backed_up: Site) -> None:
    with read_only(backed_up.storage):
        before = backed_up.tree("site.sqlite3")
        done = backed_up.process("backup_db", prefix=BOUND).refused("The storage failed while", "Permission denied")
        assert "Nothing was committed" in done.err
        assert backed_up.tree("site.sqlite3") == before
        assert backed_up.process("list_backups", "--json", prefix=BOUND).fine().json[0]["id"] == backed_up.backups()[0]
        proof = backed_up.process("verify_backup", "--json", prefix=BOUND).fine()
        assert "Nobody can see that this verification is under way" in proof.err
        assert proof.json["status"] == "passed" and "could not be stored in the repository" in proof.err
        restored = backed_up.process("restore_db", "--to=restored", prefix=BOUND).fine()
        assert "could not be stored in the repository" in restored.err
    assert (backed_up.folder / "restored.sqlite3").exists()


def test_a_full_storage_takes_no_backup_and_keeps_what_it_has(backed_up: Site) -> None:
    backed_up.settings["STORAGES"]["backups"]["OPTIONS"]["location"] = str(backed_up.folder / "small")
    done = backed_up.process("backup_db", preexec_fn=no_room)
    done.refused("The storage failed while writing chunks/", "File too large", "Nothing was committed")
    objects = [path for path in (backed_up.folder / "small").rglob("*") if path.is_file()]
    assert [path.name for path in objects if "backups" in path.parts[-2]] == []
    assert not list((backed_up.folder / "small" / "default" / "tmp").iterdir())
    backed_up.manage("backup_db", "--verify=restore").found("the catalogue knows 1 in another repository")
    # What it had stored was remembered for the next one, and is forgotten now.
    assert not [path for path in (backed_up.folder / "small" / "default" / "runs").rglob("*") if path.is_file()]
    backed_up.manage("backup_db", "--verify=restore").fine()
