"""``sync_backups``: the catalogue is an index, and is rebuilt from storage row by row."""

import sqlite3
from contextlib import closing
from typing import Any

from tests.commands.site import Site

TABLES = ["backups_backup", "backups_verification", "backups_check", "backups_restore"]
# Which process did it is not in storage; a check's own number means nothing.
LOCAL = {"backups_backup": {"host", "pid", "process"}, "backups_verification": {"host", "pid", "process", "started"},
         "backups_restore": {"host", "pid", "process", "started"}, "backups_check": {"id"}}  # fmt: skip


def catalogue(site: Site) -> dict[str, list[dict[str, Any]]]:
    with closing(sqlite3.connect(site.database)) as connection:
        connection.row_factory = sqlite3.Row
        found = {table: [dict(row) for row in connection.execute(f"SELECT * FROM {table}")] for table in TABLES}
    for table, rows in found.items():
        for row in rows:
            for column in LOCAL[table]:
                del row[column]
        rows.sort(key=repr)
    return found


def forget(site: Site) -> None:
    with closing(sqlite3.connect(site.database)) as connection, connection:
        for table in reversed(TABLES):
            connection.execute(f"DELETE FROM {table}")


def busy(site: Site) -> Site:
    site.manage("backup_db").fine()
    site.manage("verify_backup", site.backups()[0], "--level=stored").fine()
    site.manage("restore_db", "--to=restored").fine()
    return site


def test_a_catalogue_that_is_lost_is_rebuilt_row_by_row(backed_up: Site) -> None:
    site = busy(backed_up)
    before = catalogue(site)
    assert [len(rows) for rows in before.values()][:2] == [2, 3] and len(before["backups_restore"]) == 1
    forget(site)
    document = site.manage("sync_backups", "--json").fine().json
    assert document == {
        "database": "default", "backups": 2, "verifications": 3, "restores": 1, "removed": 0, "problems": [],
    }  # fmt: skip
    assert catalogue(site) == before


def test_a_second_sync_changes_nothing(backed_up: Site) -> None:
    site = busy(backed_up)
    before = catalogue(site)
    for _ in range(2):
        done = site.manage("sync_backups").fine()
        assert done.out == "2 backups, 3 verifications and 1 restores of default.\n"
        assert catalogue(site) == before


def test_a_backup_that_is_not_in_storage_any_more_is_told(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    (backed_up.storage / "default" / "backups" / f"00000002-{backed_up.backups()[1]}").unlink()
    done = backed_up.manage("sync_backups", "--json").found(
        "1 backups that the catalogue knows are not in the repository"
    )
    assert done.json["removed"] == 1


def test_a_damaged_manifest_is_told_and_the_others_are_synced(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    first, second = backed_up.backups()
    manifest = backed_up.storage / "default" / "backups" / f"00000001-{first}"
    manifest.write_bytes(manifest.read_bytes().replace(b"\n", b"\n\n", 1))
    forget(backed_up)
    done = backed_up.manage("sync_backups", "--json").found(first, "is damaged")
    assert done.json["backups"] == 1
    assert [row["id"] for row in catalogue(backed_up)["backups_backup"]] == [second]


def test_a_damaged_event_is_told_and_costs_no_more_than_itself(backed_up: Site) -> None:
    site = busy(backed_up)
    before = catalogue(site)
    event = sorted((site.storage / "default" / "events" / site.backups()[0]).iterdir())[0]
    event.write_bytes(event.read_bytes()[:-2])
    forget(site)
    site.manage("sync_backups").found(event.name, "is damaged")
    after = catalogue(site)
    assert after["backups_backup"] == before["backups_backup"]
    assert len(after["backups_verification"]) == 2 and after["backups_restore"] == before["backups_restore"]


def test_without_tables_to_write_to_it_says_how_to_make_them(backed_up: Site) -> None:
    with closing(sqlite3.connect(backed_up.database)) as connection, connection:
        for table in reversed(TABLES):
            connection.execute(f"DROP TABLE {table}")
    backed_up.manage("sync_backups").refused("There is no catalogue", "manage.py migrate backups")


def test_it_is_refused_where_the_database_is_gone_and_makes_none(backed_up: Site) -> None:
    backed_up.database.unlink()
    before = backed_up.tree()
    backed_up.manage("sync_backups").refused("There is no catalogue: The SQLite database", "is not there")
    assert backed_up.tree() == before
