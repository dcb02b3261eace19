"""A place that is not fit to restore to: refused with a sentence, and left as it is by whatever name it is called."""

import os
from collections.abc import Callable

import pytest

from tests.commands.site import Site, sqlite
from tests.commands.test_refused_storage import BOUND, no_room, read_only


def live(site: Site) -> str:
    return "site"


def live_by_its_path(site: Site) -> str:
    return str(site.database)


def live_by_a_path_with_dots(site: Site) -> str:
    return f"{site.folder}/storage/../site.sqlite3"


def live_by_a_link(site: Site) -> str:
    (site.folder / "link.sqlite3").symlink_to(site.database)
    return "link"


def live_by_another_name(site: Site) -> str:
    os.link(site.database, site.folder / "twin.sqlite3")
    return "twin"


def live_through_a_linked_folder(site: Site) -> str:
    (site.folder / "elsewhere").symlink_to(site.folder)
    return str(site.folder / "elsewhere" / "site.sqlite3")


LIVE = [
    live,
    live_by_its_path,
    live_by_a_path_with_dots,
    live_by_a_link,
    live_by_another_name,
    live_through_a_linked_folder,
]


def another_alias(site: Site) -> str:
    site.settings["DATABASES"]["archive"] = sqlite(site.folder / "archive.sqlite3")
    (site.folder / "archive.sqlite3").write_bytes(b"SQLite format 3\0")
    return "archive"


def an_empty_file(site: Site) -> str:
    (site.folder / "empty.sqlite3").touch()
    return "empty"


def a_folder(site: Site) -> str:
    (site.folder / "folder.sqlite3").mkdir()
    return "folder"


def a_dangling_link(site: Site) -> str:
    (site.folder / "dangling.sqlite3").symlink_to(site.folder / "nowhere")
    return "dangling"


def a_log_without_its_database(site: Site) -> str:
    (site.folder / "left.sqlite3-wal").write_bytes(b"somebody's last transactions")
    return "left"


TAKEN = [another_alias, an_empty_file, a_folder, a_dangling_link, a_log_without_its_database]


@pytest.mark.parametrize("place", LIVE)
def test_the_live_database_is_known_by_whatever_name(backed_up: Site, place: Callable[[Site], str]) -> None:
    to = place(backed_up)
    before = backed_up.tree()
    backed_up.manage("restore_db", "--to", to).refused("is the live database of alias 'default'", "Nothing was changed")
    assert backed_up.tree() == before


@pytest.mark.parametrize("place", TAKEN)
def test_nothing_that_exists_is_ever_replaced(backed_up: Site, place: Callable[[Site], str]) -> None:
    to = place(backed_up)
    before = backed_up.tree()
    backed_up.manage("restore_db", "--to", to).refused("exists already", "Choose a name that no database has yet")
    assert backed_up.tree() == before


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("", "Nobody said where to restore to"),
        (":memory:", "does not name a file"),
        ("file:x?mode=memory", "does not name a file"),
        ("restored/", "does not name a file"),
        ("nowhere/restored.sqlite3", "is not there"),
    ],
)
def test_a_name_that_is_none_is_refused(backed_up: Site, to: str, words: str) -> None:
    before = backed_up.tree()
    backed_up.manage("restore_db", f"--to={to}").refused(words)
    assert backed_up.tree() == before


def test_a_folder_that_may_not_be_written_to(backed_up: Site) -> None:
    folder = backed_up.folder / "closed"
    folder.mkdir()
    with read_only(folder):
        before = backed_up.tree()
        done = backed_up.process("restore_db", "--to", str(folder / "restored.sqlite3"), prefix=BOUND)
        done.refused(f"Nothing may be written in the folder {folder}")
        assert backed_up.tree() == before


def test_where_there_is_no_room_what_was_made_is_dropped(backed_up: Site) -> None:
    before = backed_up.tree("storage/default/tmp", "site.sqlite3")
    done = backed_up.process("restore_db", "--to=restored", preexec_fn=no_room)
    done.refused("lifeboat_", "disk")
    assert backed_up.tree("storage/default/tmp", "site.sqlite3") == before
    backed_up.manage("restore_db", "--to=restored").fine()


def test_where_no_throw_away_database_can_be_made_the_proof_is_an_error_and_not_a_failure(backed_up: Site) -> None:
    folder = backed_up.folder / "closed"
    folder.mkdir()
    backed_up.database.rename(folder / "site.sqlite3")
    backed_up.settings["DATABASES"]["default"]["NAME"] = str(folder / "site.sqlite3")
    with read_only(folder):
        done = backed_up.process("verify_backup", "--json", prefix=BOUND).found("could not be completed")
    (line,) = [line for line in done.json["checks"] if line["status"] != "passed"]
    assert (done.json["status"], line["name"], line["status"]) == ("error", "restore", "error")
    assert f"Nothing may be written in the folder {folder}" in line["detail"]


def test_a_backup_of_another_engine_is_refused(backed_up: Site) -> None:
    pytest.importorskip("psycopg")
    backed_up.settings["DATABASES"]["default"] = {
        "ENGINE": "django.db.backends.postgresql", "NAME": "shop", "HOST": "127.0.0.1", "PORT": "1",
    }  # fmt: skip
    before = backed_up.tree()
    done = backed_up.manage("restore_db", "--to=restored")
    done.refused("The backup was taken from sqlite", "alias 'default' is postgresql", "Nothing was changed")
    assert backed_up.tree() == before
