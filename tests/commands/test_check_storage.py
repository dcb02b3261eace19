"""``check_storage`` as a person runs it."""

from typing import Any

from tests.commands.site import Site
from tests.s3 import BACKEND, s3, s3_url  # noqa: F401 (fixtures)


def test_it_says_what_holds_and_leaves_nothing(backed_up: Site) -> None:
    before = backed_up.tree()
    done = backed_up.manage("check_storage").fine()
    assert "holds  one winner of many writers" in done.out and str(backed_up.storage) in done.out
    assert done.err == "" and backed_up.tree() == before


def test_its_json(backed_up: Site) -> None:
    said = backed_up.manage("check_storage", "--json").fine().json
    assert set(said) == {"storage", "place", "fit", "checks", "left"} and said["fit"] and said["left"] == []
    assert {frozenset(check) for check in said["checks"]} == {frozenset({"name", "holds", "needed", "detail"})}


def test_a_storage_that_overwrites_cannot_hold_backups(backed_up: Site) -> None:
    backed_up.settings["STORAGES"]["bad"] = {"BACKEND": "tests.services.test_storage.Overwriting"}
    done = backed_up.manage("check_storage", "--storage=bad").found("cannot hold backups", "other bytes")
    assert "BROKEN" in done.out and "Traceback" not in done.err


def test_a_storage_that_is_not_there(backed_up: Site) -> None:
    backed_up.manage("check_storage", "--storage=none").refused('STORAGES["none"] is not set')


def test_backups_in_s3_from_first_to_last(backed_up: Site, s3: dict[str, Any]) -> None:  # noqa: F811
    options = {name: value for name, value in s3.items() if name != "client_config"}
    backed_up.settings["STORAGES"]["backups"] = {"BACKEND": BACKEND, "OPTIONS": options}
    backed_up.manage("check_storage").fine()
    # The catalogue knows the backup in the folder: that this is another place is said once.
    done = backed_up.manage("backup_db", "--verify=restore").found("in another repository")
    assert f"s3://{s3['bucket_name']}" in done.out
    backed_up.manage("backup_db", "--verify=stored").fine()
    assert len(backed_up.manage("list_backups", "--json").fine().json) == 3
    backed_up.manage("restore_db", "--to=restored").fine()
    assert (backed_up.folder / "restored.sqlite3").exists()
    backed_up.settings["STORAGES"]["backups"]["OPTIONS"]["bucket_name"] = "not-there"
    backed_up.manage("backup_db").refused("NoSuchBucket", "there is no such bucket", "Check the storage")
