"""Several databases at once: one that fails does not stop the others."""

import shutil

import pytest

from tests.commands.site import BACKUP_KEYS, Site, sqlite


@pytest.fixture
def two(site: Site) -> Site:
    """A site with another database, which holds the same as the first."""
    shutil.copyfile(site.database, site.folder / "archive.sqlite3")
    site.settings["DATABASES"]["archive"] = sqlite(site.folder / "archive.sqlite3")
    return site


def test_all_means_every_alias_and_each_has_a_repository_of_its_own(two: Site) -> None:
    documents = two.manage("backup_db", "--database=all", "--json").fine().json
    assert [(document["database"], list(document)) for document in documents] == [
        ("default", BACKUP_KEYS), ("archive", BACKUP_KEYS),
    ]  # fmt: skip
    assert two.repository("default").id != two.repository("archive").id
    assert [two.backups(alias) for alias in ("default", "archive")] == [[document["id"]] for document in documents]
    done = two.manage("list_backups", "--database=all").fine()
    assert "Backups of default:" in done.out and "Backups of archive:" in done.out


def test_an_alias_is_named_once_or_several_times(two: Site) -> None:
    two.manage("backup_db", "--database=archive").fine()
    assert not (two.storage / "default").exists()
    documents = two.manage("backup_db", "--database", "archive", "--database", "default", "--json").fine().json
    assert [document["database"] for document in documents] == ["archive", "default"]
    again = two.manage("list_backups", "--database=archive", "--database=archive", "--json").fine().json
    assert [line["database"] for line in again] == ["archive", "archive"]


def test_one_that_fails_does_not_stop_the_others(two: Site) -> None:
    two.database.unlink()
    done = two.manage("backup_db", "--database=all", "--json")
    assert done.status == 1 and "The SQLite database" in done.err
    failed, backed_up = done.json
    assert failed.keys() == {"error", "hint"} and failed["error"] in done.err
    assert list(backed_up) == BACKUP_KEYS and two.backups("archive") == [backed_up["id"]]
    assert not two.database.exists()


def test_all_is_a_list_even_of_one(site: Site) -> None:
    (document,) = site.manage("backup_db", "--database=all", "--json").fine().json
    assert list(document) == BACKUP_KEYS


def test_a_failure_outweighs_a_problem_that_was_found(two: Site) -> None:
    two.manage("backup_db", "--database=all").fine()
    (chunk, *_) = (two.storage / "archive" / "chunks").rglob("*.*")
    chunk.unlink()
    two.manage("verify_backup", "--database=all", "--level=stored").found("The verification of")
    shutil.rmtree(two.storage / "default")
    done = two.manage("verify_backup", "--database=all", "--level=stored", "--json")
    assert done.status == 1
    assert [set(document) >= {"error"} for document in done.json] == [True, False]
    assert done.json[1]["status"] == "failed"


def test_an_unknown_alias_is_refused_and_the_known_ones_are_named(two: Site) -> None:
    before = two.tree()
    for command in (
        ("backup_db",),
        ("list_backups",),
        ("restore_db", "--to=x"),
        ("simulate_failure", "--mode=truncate"),
    ):
        two.manage(*command, "--database=nothing").refused("There is no database 'nothing'", "archive, default")
    assert two.tree() == before
    done = two.manage("backup_db", "--database=nothing", "--database=archive")
    assert done.status == 1 and len(two.backups("archive")) == 1
