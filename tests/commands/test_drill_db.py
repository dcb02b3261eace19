"""``drill_db``: the whole lifecycle on a throw-away copy, with the live database only ever read."""

import pytest

from tests.commands.site import BACKUP_KEYS, ROWS, VERIFICATION_KEYS, Site

MODES = ["drop-database", "drop-tables", "truncate", "delete-rows", "half-migration", "corrupt-file"]


@pytest.mark.parametrize("mode", MODES)
def test_every_failure_is_recovered_from_and_the_live_database_is_only_read(site: Site, mode: str) -> None:
    # Without a catalogue beside it, not even a record of the drill may change the live database.
    site.settings["INSTALLED_APPS"] = ["django.contrib.contenttypes", "shop", "backups"]
    site.settings["DATABASE_ROUTERS"] = ["tests.commands.routers.CatalogueRouter"]
    site.settings["DATABASES"]["catalogue"] = {
        "ENGINE": "django.db.backends.sqlite3", "NAME": str(site.folder / "catalogue.sqlite3"),
    }  # fmt: skip
    before = site.tree()
    document = site.manage("drill_db", "--failure", mode, "--json").fine().json
    assert list(document) == ["backup", "failure", "steps", "recovery_seconds", "verification"]
    assert list(document["backup"]) == BACKUP_KEYS and list(document["verification"]) == VERIFICATION_KEYS
    assert [step["name"] for step in document["steps"]] == ["copy", "failure", "noticed", "recovery"]
    assert all(set(step) == {"name", "detail", "seconds"} for step in document["steps"])
    assert document["failure"] == mode and document["verification"]["status"] == "passed"
    assert document["recovery_seconds"] > 0
    after = site.tree("storage")
    assert after == before


def test_the_report_tells_each_step_and_how_long_a_recovery_takes(site: Site) -> None:
    done = site.manage("drill_db").fine()
    lines = done.out.splitlines()
    assert lines[0].startswith("Backed up default as ")
    assert any(line.startswith(f"copy: {ROWS} rows restored into SQLite database ") for line in lines)
    assert any(line.startswith("failure: In the SQLite database ") and "removed the file" in line for line in lines)
    assert any(line.startswith("From noticing the failure to the recovered and proven copy: ") for line in lines)
    assert any("at level restore: passed" in line for line in lines)
    assert not list(site.folder.glob("lifeboat*"))


def test_its_backup_and_its_proof_are_recorded(site: Site) -> None:
    run = site.manage("drill_db", "--json").fine().json["backup"]["id"]
    (line,) = site.manage("list_backups", "--json").fine().json
    assert (line["id"], line["verification"]["status"]) == (run, "passed")
    restores = site.manage("list_backups", "--restores").fine().out
    assert run in restores and "a throw-away copy, dropped since" in restores


def test_a_drill_of_a_lost_database_is_refused(backed_up: Site) -> None:
    backed_up.database.unlink()
    done = backed_up.manage("drill_db").refused("is not there")
    assert not backed_up.database.exists() and done.out == ""
    assert len(backed_up.backups()) == 1


def test_a_failure_that_is_none_is_a_usage_error(site: Site) -> None:
    assert site.manage("drill_db", "--failure=flood").status == 2
    assert not site.storage.exists()
