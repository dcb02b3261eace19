"""``backup_db``: every flag, what it prints, and its exit status."""

import sqlite3
from contextlib import closing

import pytest

from tests.commands.site import BACKUP_KEYS, CHECK_KEYS, TABLES, VERIFICATION_KEYS, Site


def execute(site: Site, statement: str) -> None:
    with closing(sqlite3.connect(site.database)) as connection, connection:
        connection.execute(statement)


def test_it_says_what_was_stored_and_where_and_what_is_not_covered(site: Site) -> None:
    done = site.manage("backup_db").fine()
    (run,) = site.backups()
    assert f"Backed up default as {run}" in done.out and f"rows of {TABLES} tables" in done.out
    assert f"It lies in {site.storage / 'default'}." in done.out
    assert "Not covered: rows django_session" in done.out and "backups_backup" in done.out
    assert done.err == ""


def test_json_is_one_document_with_the_documented_keys(site: Site) -> None:
    document = site.manage("backup_db", "--json").fine().json
    assert list(document) == BACKUP_KEYS
    (run,) = site.backups()
    assert (document["id"], document["database"], document["status"]) == (run, "default", "complete")
    assert document["tables"] == TABLES and document["rows"] > 1300 and document["verification"] is None
    assert document["new_chunks"] == document["chunks"] > 0
    assert document["new_bytes"] == document["stored_bytes"] < document["bytes"]


@pytest.mark.parametrize("level", ["signature", "stored", "restore"])
def test_verify_proves_it_at_that_level(site: Site, level: str) -> None:
    proof = site.manage("backup_db", "--verify", level, "--json").fine().json["verification"]
    assert list(proof) == VERIFICATION_KEYS
    assert (proof["backup"], proof["level"], proof["status"]) == (site.backups()[0], level, "passed")
    assert all(set(line) == CHECK_KEYS and line["status"] == "passed" for line in proof["checks"])
    names = {line["name"] for line in proof["checks"]}
    assert ("stored" in names, "content" in names) == (level != "signature", level == "restore")
    assert (proof["restore_seconds"] is not None) == (level == "restore")


def test_a_proof_that_fails_is_exit_status_3_and_the_backup_stays(site: Site) -> None:
    site.settings["INSTALLED_APPS"] = [
        "django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sessions", "shop", "backups",
        "tests.commands.strict.StrictConfig",
    ]  # fmt: skip
    done = site.manage("backup_db", "--verify=restore", "--json").found("no shop may have 1000 orders")
    assert done.json["verification"]["status"] == "failed"
    assert site.backups() == [done.json["id"]]


def test_what_has_not_changed_is_not_stored_again(site: Site) -> None:
    first = site.manage("backup_db", "--json").fine().json
    again = site.manage("backup_db", "--json", "--full").fine().json
    assert (again["new_chunks"], again["chunks"], again["rows"]) == (0, first["chunks"], first["rows"])
    assert again["new_bytes"] < first["new_bytes"] / 10
    execute(site, "UPDATE shop_order SET quantity = quantity + 1 WHERE id = 7")
    assert site.manage("backup_db", "--json").fine().json["new_chunks"] == 1


def test_a_moved_database_is_refused_once_and_adopted_once(backed_up: Site) -> None:
    moved = backed_up.database.rename(backed_up.database.with_name("moved.sqlite3"))
    backed_up.settings["DATABASES"]["default"]["NAME"] = str(moved)
    before = backed_up.tree()
    done = backed_up.manage("backup_db").refused("site.sqlite3", "moved.sqlite3", "--adopt")
    assert "holds backups of sqlite database site.sqlite3" in done.err
    assert len(backed_up.backups()) == 1
    assert {name for name in before if name.startswith("storage/")} == {
        name for name in backed_up.tree() if name.startswith("storage/")
    }
    backed_up.manage("backup_db", "--adopt").fine()
    backed_up.manage("backup_db").fine()
    assert len(backed_up.backups()) == 3


def test_at_verbosity_0_it_is_silent_when_all_is_well(site: Site) -> None:
    done = site.manage("backup_db", "--verbosity", "0", "--verify=stored").fine()
    assert (done.out, done.err) == ("", "")
    assert len(site.backups()) == 1


def test_a_flag_that_is_none_is_a_usage_error(site: Site) -> None:
    done = site.manage("backup_db", "--verify=thoroughly")
    assert done.status == 2 and "invalid choice: 'thoroughly'" in done.err
    assert site.manage("backup_db", "default").status == 2
    assert not site.storage.exists()
