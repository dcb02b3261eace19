"""Settings that are missing, wrong or unsafe: a sentence with the key, exit status 1, and nothing is touched."""

import pytest

from tests.commands.site import Site

COMMANDS = [("backup_db",), ("verify_backup",), ("restore_db", "--to=restored"), ("drill_db",), ("sync_backups",)]


def refused_by_all(site: Site, *words: str) -> None:
    """See that every command that needs the storage refuses, and touches nothing."""
    before = site.tree()
    for command in COMMANDS:
        site.manage(*command).refused(*words)
    assert site.tree() == before


def test_without_a_storage_nothing_is_put_into_another_one(backed_up: Site) -> None:
    del backed_up.settings["STORAGES"]["backups"]
    refused_by_all(backed_up, 'STORAGES["backups"] is not set', "/var/backups/mysite")


def storage(site: Site, **options: str) -> None:
    site.settings["STORAGES"]["backups"]["OPTIONS"] = options


def test_a_public_storage_is_refused(backed_up: Site) -> None:
    storage(backed_up, location=str(backed_up.storage), base_url="/backups/")
    refused_by_all(backed_up, 'STORAGES["backups"] is public', "'/backups/'")


@pytest.mark.parametrize("root", ["MEDIA_ROOT", "STATIC_ROOT"])
def test_a_folder_that_is_served_is_refused_by_whatever_path(backed_up: Site, root: str) -> None:
    backed_up.settings[root] = str(backed_up.folder / "served")
    (backed_up.folder / "served").mkdir()
    backed_up.storage.rename(backed_up.folder / "served" / "backups")
    backed_up.storage.symlink_to(backed_up.folder / "served" / "backups")
    storage(backed_up, location=str(backed_up.folder / "x" / ".." / "storage"))
    backed_up.manage("backup_db").refused("served to the public", root)
    storage(backed_up, location=str(backed_up.folder / "served"))
    refused_by_all(backed_up, "served to the public", root)


def test_a_storage_without_a_location_would_lie_among_the_media(backed_up: Site) -> None:
    storage(backed_up)
    backed_up.settings["MEDIA_ROOT"] = ""
    backed_up.manage("backup_db").refused("has no location")


def test_a_storage_that_cannot_be_loaded_is_named(backed_up: Site) -> None:
    backed_up.settings["STORAGES"]["backups"] = {"BACKEND": "nowhere.Storage"}
    refused_by_all(backed_up, 'STORAGES["backups"] cannot be loaded', "nowhere")
    backed_up.settings["STORAGES"]["backups"] = {
        "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"bucket": "x"},
    }  # fmt: skip
    backed_up.manage("backup_db").refused("cannot be loaded", "bucket")


def test_a_wrong_key_of_backups_is_named_with_value_and_expectation(backed_up: Site) -> None:
    backed_up.settings["BACKUPS"] = {"RETENTON": {}, "FULL_EVERY": "often", "SIGNING_KEY": ["hush"]}
    before = backed_up.tree()
    done = backed_up.manage("backup_db").refused(
        "BACKUPS['RETENTON'] is not a setting", "BACKUPS['FULL_EVERY'] is 'often'", "a whole number above zero"
    )
    assert "hush" not in done.err and "BACKUPS['SIGNING_KEY']" in done.err
    assert backed_up.tree() == before
    check = backed_up.manage("check")
    assert check.status == 1 and check.err.count("backups.E002") == 3 and "hush" not in check.err


def test_where_encryption_is_asked_for_and_cannot_be_done_nothing_is_stored(backed_up: Site) -> None:
    backed_up.settings["BACKUPS"]["RECIPIENTS"] = ["age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8q"]
    before = backed_up.tree()
    backed_up.manage("backup_db").refused("BACKUPS['RECIPIENTS'][0] is no public key", "Nothing was stored")
    assert backed_up.tree() == before


def test_another_signing_key_is_told_from_damage(backed_up: Site) -> None:
    backed_up.settings["BACKUPS"]["SIGNING_KEY"] = "swordfish"
    before = backed_up.tree("site.sqlite3")
    for command in COMMANDS[:3]:
        done = backed_up.manage(*command).refused("signed with another key (fingerprint", "SIGNING_KEY_FALLBACKS")
        assert "swordfish" not in done.err and "for-tests-only" not in done.err
    assert backed_up.tree("site.sqlite3") == before
    backed_up.settings["BACKUPS"]["SIGNING_KEY_FALLBACKS"] = ["for-tests-only"]
    backed_up.manage("backup_db").fine()
    backed_up.manage("verify_backup", "--all").fine()


def test_a_database_of_another_engine_is_refused(backed_up: Site) -> None:
    backed_up.settings["DATABASES"]["odd"] = {"ENGINE": "django.db.backends.dummy", "NAME": "x"}
    before = backed_up.tree()
    backed_up.manage("backup_db", "--database=odd").refused(
        "There is no engine for 'unknown'", "mysql, postgresql, sqlite"
    )
    assert backed_up.tree() == before


def test_a_password_is_in_no_sentence(backed_up: Site) -> None:
    pytest.importorskip("psycopg")
    backed_up.settings["DATABASES"]["far"] = {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "127.0.0.1", "PORT": "1", "USER": "ada",
        "PASSWORD": "swordfish",
    }  # fmt: skip
    done = backed_up.manage("backup_db", "--database=far").refused("PostgreSQL database shop on 127.0.0.1:1")
    assert "swordfish" not in done.err
