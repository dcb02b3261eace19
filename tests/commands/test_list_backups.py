"""``list_backups``: newest first, from the catalogue, or from storage alone."""

from tests.commands.site import BACKUP_KEYS, Site


def test_it_lists_the_newest_first_with_what_was_proven(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    first, second = backed_up.backups()
    done = backed_up.manage("list_backups").fine()
    lines = done.out.splitlines()
    assert lines[0] == "Backups of default:" and lines[1].split()[:2] == ["id", "status"]
    assert [line.split()[0] for line in lines[3:]] == [second, first]
    assert lines[4].endswith("passed at level restore") and "passed" not in lines[3]
    assert done.err == ""


def test_json_has_the_documented_keys(backed_up: Site) -> None:
    (line,) = backed_up.manage("list_backups", "--json").fine().json
    assert list(line) == BACKUP_KEYS
    assert (line["id"], line["status"]) == (backed_up.backups()[0], "complete")
    assert line["verification"].keys() == {"backup", "level", "status", "seconds", "restore_seconds"}
    assert (line["verification"]["level"], line["verification"]["status"]) == ("restore", "passed")


def test_storage_alone_tells_the_same(backed_up: Site) -> None:
    there = backed_up.manage("list_backups", "--json").fine().json
    backed_up.database.unlink()
    done = backed_up.manage("list_backups", "--json").fine()
    assert done.json == there
    assert "There is no catalogue" in done.err
    assert backed_up.manage("list_backups").fine().out.splitlines()[3].split()[0] == backed_up.backups()[0]
    assert not backed_up.database.exists()


def test_it_is_an_answer_and_is_given_at_verbosity_0_too(backed_up: Site) -> None:
    assert backed_up.backups()[0] in backed_up.manage("list_backups", "--verbosity=0").fine().out


def test_where_there_is_no_repository_it_says_how_to_begin(site: Site) -> None:
    before = site.tree()
    site.manage("list_backups").refused(
        "There is no repository for 'default'", "whether it is mounted", "manage.py backup_db"
    )
    assert site.tree() == before


def test_a_damaged_manifest_is_listed_as_damaged(backed_up: Site) -> None:
    backed_up.database.unlink()
    (manifest,) = (backed_up.storage / "default" / "backups").iterdir()
    manifest.write_bytes(manifest.read_bytes()[:-1])
    (line,) = backed_up.manage("list_backups", "--json").fine().json
    assert (line["id"], line["status"], line["rows"]) == (backed_up.backups()[0], "damaged", 0)
    assert f"backups/00000001-{backed_up.backups()[0]} is damaged" in backed_up.manage("list_backups").fine().out


def test_it_shows_as_many_as_asked_for_and_says_how_many_it_does_not(backed_up: Site) -> None:
    backed_up.manage("backup_db").fine()
    _, newest = backed_up.backups()
    done = backed_up.manage("list_backups", "--limit", "1", "--json").fine()
    assert [line["id"] for line in done.json] == [newest]
    assert "1 older ones are not shown: --limit 0 shows all." in done.err
    assert len(backed_up.manage("list_backups", "--limit", "0", "--json").fine().json) == 2
    backed_up.database.unlink()
    done = backed_up.manage("list_backups", "--limit", "1").fine()
    assert newest in done.out and "There is no catalogue" in done.err and "1 older ones" in done.err
    refused = backed_up.manage("list_backups", "--limit", "-1")
    assert refused.status != 0 and "is not a number of backups" in refused.err
