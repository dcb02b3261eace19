"""A database that cannot be read as it is: nothing is stored, and the sentence says what to do."""

import sqlite3
from contextlib import closing

import pytest

from tests.commands.site import ROWS, Site
from tests.commands.test_refused_storage import BOUND, read_only


def test_of_a_missing_file_no_backup_and_no_repository_is_made(site: Site) -> None:
    site.database.unlink()
    before = site.tree()
    site.manage("backup_db").refused("The SQLite database", "is not there: there is no such file")
    assert site.tree() == before


def test_what_is_no_database_is_not_taken_for_one(site: Site) -> None:
    site.database.write_text("This is a letter.\n" * 1000)
    site.manage("backup_db").refused("is damaged", "file is not a database", "Nothing was stored")
    assert site.backups() == []


def test_a_database_that_may_only_be_read_is_backed_up(site: Site) -> None:
    folder = site.folder / "closed"
    folder.mkdir()
    site.database.rename(folder / "site.sqlite3")
    site.settings["DATABASES"]["default"]["NAME"] = str(folder / "site.sqlite3")
    (folder / "site.sqlite3").chmod(0o400)
    with read_only(folder):
        done = site.process("backup_db", "--json", prefix=BOUND).fine()
    assert done.json["rows"] == ROWS and "The catalogue in database 'default' could not be written" in done.err
    site.manage("verify_backup").fine()


@pytest.mark.parametrize("table", ["shop_order", "shop_customer"])
def test_of_a_corrupt_database_no_backup_is_stored(site: Site, table: str) -> None:
    with closing(sqlite3.connect(site.database)) as connection:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        (page,), (size,) = (
            connection.execute(sql, [table]).fetchone(),
            connection.execute("PRAGMA page_size").fetchone(),
        )
    with site.database.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * 64)
    site.manage("backup_db").refused("is damaged", "restore_db --to NAME")
    assert site.backups() == []
    # The file is checked while its rows are read: what had been stored of them by then is gone.
    assert [path.name for path in site.storage.rglob("*") if path.is_file()] == ["repository.json"]


def test_a_table_that_others_refer_to_cannot_be_left_out(site: Site) -> None:
    site.settings["BACKUPS"]["EXCLUDE"] = ["shop.customer"]
    site.manage("backup_db").refused("shop_order", "shop_customer", "BACKUPS['EXCLUDE']")
    site.settings["BACKUPS"] = {"EXCLUDE_DATA": ["shop_customer"]}
    site.manage("backup_db").refused("shop.customer", "shop_order", "EXCLUDE_DATA")
    assert site.backups() == []


def test_what_is_left_out_is_named_with_its_rows(site: Site) -> None:
    # The rows that refer to those that are left out are left out as well, with their tables.
    gone = ["auth.Permission", "auth_group_permissions", "auth_user_user_permissions"]
    site.settings["BACKUPS"] = {"EXCLUDE": gone, "EXCLUDE_DATA": ["contenttypes.contenttype"]}
    done = site.manage("backup_db", "--verify=restore").fine()
    (tables,) = [line for line in done.out.splitlines() if line.startswith("Not covered: table ")]
    assert "auth_permission (59)" in tables and all(name.lower().replace(".", "_") in tables for name in gone)
    assert "Not covered: rows django_content_type (14): its rows are excluded by BACKUPS['EXCLUDE_DATA']" in done.out
    site.manage("restore_db", "--to=restored").fine()
    with closing(sqlite3.connect(site.folder / "restored.sqlite3")) as connection:
        assert connection.execute("SELECT count(*) FROM django_content_type").fetchone() == (0,)
        assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'auth_permission'").fetchall()
