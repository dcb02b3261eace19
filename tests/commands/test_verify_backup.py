"""``verify_backup``: every flag, which backup is meant, and its exit status."""

import pytest

from tests.commands.site import CHECK_KEYS, TABLES, VERIFICATION_KEYS, Site

FIRST_AT_LEVEL = {"signature": "signature", "stored": "stored", "restore": "content"}


@pytest.mark.parametrize("level", FIRST_AT_LEVEL)
def test_it_proves_the_newest_at_the_level_that_is_asked_for(backed_up: Site, level: str) -> None:
    proof = backed_up.manage("verify_backup", "--level", level, "--json").fine().json
    assert list(proof) == VERIFICATION_KEYS
    assert (proof["backup"], proof["level"], proof["status"]) == (backed_up.backups()[0], level, "passed")
    names, levels = {line["name"] for line in proof["checks"]}, list(FIRST_AT_LEVEL)
    assert [there for there, name in FIRST_AT_LEVEL.items() if name in names] == levels[: levels.index(level) + 1]
    assert all(set(line) == CHECK_KEYS for line in proof["checks"])


def test_restore_is_the_default_level_and_the_report_shows_each_check(backed_up: Site) -> None:
    done = backed_up.manage("verify_backup").fine()
    assert f"Verification of {backed_up.backups()[0]} at level restore: passed" in done.out
    for check in ("signature", "chain", "stored", "restore", "rows", "witness", "schema", "sequences", "content"):
        assert f"\npassed  {check} " in done.out
    assert f"{TABLES} tables" in done.out and done.err == ""


def test_nothing_is_left_of_the_throw_away_database(backed_up: Site) -> None:
    before = set(backed_up.tree("storage/default/events"))
    backed_up.manage("verify_backup").fine()
    assert set(backed_up.tree("storage/default/events")) == before


def test_a_backup_is_named_by_id_beginning_latest_and_latest_verified(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    first, second = backed_up.backups()
    unique = second[: next(i for i, (a, b) in enumerate(zip(first, second, strict=True)) if a != b) + 1]
    for name, meant in {first: first, unique: second, "latest": second, "latest-verified": first}.items():
        assert backed_up.manage("verify_backup", name, "--level=signature", "--json").fine().json["backup"] == meant


def test_an_unknown_or_ambiguous_id_is_refused(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    first, second = backed_up.backups()
    before = backed_up.tree()
    backed_up.manage("verify_backup", "19991231").refused("There is no backup '19991231'", "manage.py list_backups")
    backed_up.manage("verify_backup", first[:8]).refused("not unique", first, second, "Type more of the id")
    done = backed_up.manage("verify_backup", "nothing", "--json")
    assert (done.status, set(done.json)) == (1, {"error", "hint"})
    assert backed_up.tree() == before


def test_where_none_has_passed_there_is_no_latest_verified(site: Site) -> None:
    site.manage("backup_db", "--verify=stored").fine()
    site.manage("verify_backup", "latest-verified").refused("No backup has passed a verification at level restore")


def test_all_goes_through_every_backup_least_recently_checked_first(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    backed_up.manage("backup_db").fine()
    first, second, third = backed_up.backups()
    backed_up.manage("verify_backup", second, "--level=signature").fine()
    proofs = backed_up.manage("verify_backup", "--all", "--level=stored", "--json").fine().json
    # The second was only looked at from outside, the first restored: at this level only the first was ever checked.
    assert [proof["backup"] for proof in proofs] == [second, third, first]
    assert {proof["status"] for proof in proofs} == {"passed"}


def test_no_proof_begins_after_max_duration(backed_up: Site) -> None:
    done = backed_up.manage("verify_backup", "--all", "--max-duration=0s", "--json").fine()
    assert done.json == []
    proofs = backed_up.manage("verify_backup", "--all", "--max-duration=2h", "--level=signature", "--json").fine().json
    assert len(proofs) == 1
    wrong = backed_up.manage("verify_backup", "--all", "--max-duration=soon")
    assert wrong.status == 2 and "write 90s, 15m, 2h or 1d" in wrong.err


def test_one_backup_and_all_are_not_asked_for_at_once(backed_up: Site) -> None:
    assert backed_up.manage("verify_backup", backed_up.backups()[0], "--all").status == 2


def test_a_project_invariant_that_does_not_hold_is_exit_status_3(backed_up: Site) -> None:
    apps = ["contenttypes", "auth", "sessions"]
    backed_up.settings["INSTALLED_APPS"] = [f"django.contrib.{app}" for app in apps] + [
        "shop", "backups", "tests.commands.strict.StrictConfig",
    ]  # fmt: skip
    done = backed_up.manage("verify_backup", "--json").found("invariant: few orders", "no shop may have 1000 orders")
    wrong = [line for line in done.json["checks"] if line["status"] != "passed"]
    assert [(line["name"], line["status"]) for line in wrong] == [("invariant: few orders", "failed")]
    listed = backed_up.manage("list_backups", "--json").fine().json[0]["verification"]
    assert (listed["level"], listed["status"]) == ("restore", "failed")
