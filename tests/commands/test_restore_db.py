"""``restore_db``: every flag, what it makes, and what it never touches."""

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.commands.site import ROWS, TABLES, VERIFICATION_KEYS, Site


def rows(database: Path, table: str) -> int:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_it_makes_a_fresh_database_beside_the_old_one_and_proves_it(backed_up: Site) -> None:
    before = backed_up.tree()
    done = backed_up.manage("restore_db", "--to", "restored").fine()
    made = backed_up.folder / "restored.sqlite3"
    assert rows(made, "shop_order") == 1000 and rows(made, "shop_customer") == 300
    assert f"Restored {backed_up.backups()[0]} (taken" in done.out and f"{ROWS:,} rows of {TABLES} tables" in done.out
    assert "\npassed  content " in done.out and "set NAME of alias 'default'" in done.out
    after = backed_up.tree()
    new = set(after) - set(before)
    assert {name for name in new if not name.startswith("storage/default/events/")} == {"restored.sqlite3"}
    assert made.stat().st_mode & 0o777 == 0o600


def test_the_restored_site_knows_its_backups(backed_up: Site) -> None:
    backed_up.manage("restore_db", "--to", "restored").fine()
    listed = backed_up.manage("list_backups", "--json").fine().json
    backed_up.database.unlink()
    (backed_up.folder / "restored.sqlite3").rename(backed_up.database)
    again = backed_up.manage("list_backups", "--json").fine()
    assert (again.json, again.err) == (listed, "")
    backed_up.manage("backup_db").fine()


def test_json_says_what_was_restored_and_how_old_it_is(backed_up: Site) -> None:
    document = backed_up.manage("restore_db", "--to", "restored", "--json").fine().json
    assert list(document) == [
        "id", "backup", "target", "status", "rows", "tables", "seconds", "backup_age_seconds", "migrated",
        "verification",
    ]  # fmt: skip
    assert document["backup"] == backed_up.backups()[0] != document["id"]
    assert document["target"] == str(backed_up.folder / "restored.sqlite3")
    assert (document["status"], document["rows"], document["tables"]) == ("complete", ROWS, TABLES)
    assert list(document["verification"]) == VERIFICATION_KEYS and document["verification"]["status"] == "passed"
    assert document["backup_age_seconds"] > 0


def test_an_earlier_backup_is_restored_by_its_id(backed_up: Site) -> None:
    with closing(sqlite3.connect(backed_up.database)) as connection, connection:
        connection.execute("DELETE FROM shop_order WHERE id > 600")
    backed_up.manage("backup_db").fine()
    first, _ = backed_up.backups()
    backed_up.manage("restore_db", first, "--to", "old").fine()
    backed_up.manage("restore_db", "latest", "--to", "new").fine()
    backed_up.manage("restore_db", "latest-verified", "--to", "proven").fine()
    found = {name: rows(backed_up.folder / f"{name}.sqlite3", "shop_order") for name in ("old", "new", "proven")}
    # The restore of the newest has proven it.
    assert found == {"old": 1000, "new": 600, "proven": 600}


def test_a_dry_run_prints_the_plan_and_makes_nothing(backed_up: Site) -> None:
    before = backed_up.tree()
    done = backed_up.manage("restore_db", "--to", "restored", "--dry-run").fine()
    for words in (backed_up.backups()[0], "restored.sqlite3", f"Load {ROWS:,} rows into {TABLES} tables"):
        assert words in done.out
    document = backed_up.manage("restore_db", "--to", "restored", "--dry-run", "--json").fine().json
    assert document["backup"] == backed_up.backups()[0] and document["rows"] == ROWS
    assert document["plan"] == done.out.splitlines()[: len(document["plan"])]
    assert backed_up.tree() == before


def test_a_dry_run_is_refused_where_the_restore_would_be(backed_up: Site) -> None:
    before = backed_up.tree()
    backed_up.manage("restore_db", "--to", "site", "--dry-run").refused("is the live database of alias 'default'")
    assert backed_up.tree() == before


def test_expect_refuses_where_newer_backups_were_removed(backed_up: Site) -> None:
    before = backed_up.tree()
    done = backed_up.manage("restore_db", "--to", "restored", "--expect", "2")
    done.refused("The newest backup in storage is number 1, and number 2 was expected")
    assert backed_up.tree() == before
    backed_up.manage("restore_db", "--to", "restored", "--expect", "1").fine()


def test_to_is_needed(backed_up: Site) -> None:
    done = backed_up.manage("restore_db")
    done.refused("Nobody said where to restore to", "--to NAME")


def test_at_verbosity_0_it_is_silent_when_all_is_well(backed_up: Site) -> None:
    done = backed_up.manage("restore_db", "--to", "restored", "--verbosity=0").fine()
    assert (done.out, done.err) == ("", "")


def test_a_copy_that_breaks_an_invariant_is_dropped(backed_up: Site) -> None:
    apps = ["contenttypes", "auth", "sessions"]
    backed_up.settings["INSTALLED_APPS"] = [f"django.contrib.{app}" for app in apps] + [
        "shop", "backups", "tests.commands.strict.StrictConfig",
    ]  # fmt: skip
    before = backed_up.tree()
    done = backed_up.manage("restore_db", "--to", "restored")
    done.refused("is not what the backup recorded", "few orders", "no shop may have 1000 orders")
    assert set(backed_up.tree()) == set(before)
