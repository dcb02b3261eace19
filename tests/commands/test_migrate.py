"""``restore_db --migrate``: a backup that older code took, into what today's code expects; and what the plan says of it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from tests.commands.forks import Forks
from tests.commands.site import Site
from tests.databases import Server, registered
from tests.yard import execute, query

APPS = ["django.contrib.contenttypes", "django.contrib.auth", "backups"]
THEN, NOW = [*APPS, "tests.eras.then", "tests.eras.gone"], [*APPS, "tests.eras.now"]
AHEAD = ["library.0003_fields", "library.0004_address", "library.0005_address_alone", "library.0006_dear"]
ROWS = [
    "INSERT INTO library_person (id, name, street, city) VALUES (1, 'Ada', 'Mill Lane', 'York'), (2, 'Bob', 'Quay', 'Hull')",
    "INSERT INTO library_book (id, title, pages, remark, price, writer_id) VALUES "
    "(1, 'Notes', 66, 'torn', 12.50, 1), (2, 'More', 7, '', 3.00, 2)",
    "INSERT INTO gone_leaf (id, colour) VALUES (1, 'red')",
]
Old = Callable[[Server], Site]


@pytest.fixture
def old(server: Server, forks: Forks, tmp_path: Path) -> Iterator[Site]:
    """A site whose code has gone on since its only backup, on each server in turn."""
    site = Site(tmp_path / "site", forks)
    site.folder.mkdir()
    name = server.new_name("then")
    server.create(name)
    site.settings["DATABASES"]["default"] = server.settings(name)
    site.settings["INSTALLED_APPS"] = THEN
    site.manage("migrate", "--verbosity=0").fine()
    with registered(server.settings(name)) as alias:
        execute(engine_for(alias), *ROWS)
    site.manage("backup_db").fine()
    site.settings["INSTALLED_APPS"] = NOW
    yield site
    server.drop(name)


@pytest.fixture
def target(server: Server, old: Site) -> Iterator[Engine]:
    """The name to restore to."""
    name = server.new_name("now")
    with registered(server.settings(name)) as alias:
        yield engine_for(alias)
    server.drop(name)


def live(server: Server, site: Site) -> dict[str, list[tuple[object, ...]]]:
    """Everything of the old tables."""
    tables = ("library_person", "library_book", "gone_leaf", "django_migrations")
    with registered(server.settings(site.name)) as alias:
        return {table: query(engine_for(alias), f"SELECT * FROM {table} ORDER BY id") for table in tables}


def test_the_chain_of_changes_is_applied_to_the_copy_alone(server: Server, old: Site, target: Engine) -> None:
    before = live(server, old)
    plan = old.manage("restore_db", "--to", target.name, "--migrate", "--dry-run", "--json").fine().json
    assert plan["migrate"] == plan["migrations_ahead"] == AHEAD and plan["create"] == target.name
    assert plan["unknown_migrations"] == ["gone.0001_initial"] and plan["last_time"] is None
    assert {load["table"].rpartition(".")[2]: load["rows"] for load in plan["load"]}["library_book"] == 2
    assert not target.exists()
    document = old.manage("restore_db", "--to", target.name, "--migrate", "--json").fine().json
    assert (
        document["migrated"] == [*AHEAD, "library.0001_squashed_0002_price"]
        and document["verification"]["status"] == "passed"
    )
    assert query(target, "SELECT id, title, length, price, dear FROM library_book ORDER BY id")[0][:3] == (
        1,
        "Notes",
        66,
    )
    assert [bool(dear) for (dear,) in query(target, "SELECT dear FROM library_book ORDER BY id")] == [True, False]
    assert query(target, "SELECT person_id, street, city FROM library_address ORDER BY 1") == [
        (1, "Mill Lane", "York"),
        (2, "Quay", "Hull"),
    ]
    assert query(target, "SELECT colour FROM gone_leaf") == [("red",)]
    assert live(server, old) == before and not target.is_unfinished()
    # The new site works on what was made of it, its catalogue too.
    old.settings["DATABASES"]["default"] = server.settings(target.name.rpartition("/")[2].removesuffix(".sqlite3"))
    old.manage("migrate", "--check").fine()
    assert len(old.manage("list_backups", "--json").fine().json) == 1
    again = old.manage("restore_db", "--to", "elsewhere", "--dry-run", "--json").fine().json
    assert again["last_time"]["restore_seconds"] == document["seconds"]


def test_a_migration_that_fails_leaves_no_copy_and_the_old_database_as_it_was(
    server: Server, old: Site, target: Engine
) -> None:
    old.settings["INSTALLED_APPS"] = THEN
    with registered(server.settings(old.name)) as alias:
        execute(engine_for(alias), "UPDATE library_book SET price = -1 WHERE id = 2")
    old.manage("backup_db").fine()
    old.settings["INSTALLED_APPS"] = NOW
    before = live(server, old)
    done = old.manage("restore_db", "--to", target.name, "--migrate")
    done.refused("library.0006_dear could not be applied", "A book costs less than nothing", "as it was")
    assert not target.exists() and live(server, old) == before
    with registered(server.settings(old.name)) as alias:
        assert engine_for(alias).leftovers() == [] or server.vendor != "sqlite"


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
class TestOnOneServer:
    """What does not depend on the server."""

    def test_without_it_the_archived_tables_come_back_and_what_is_ahead_is_said(
        self, old: Site, target: Engine
    ) -> None:
        planned = old.manage("restore_db", "--to", target.name, "--dry-run").fine().out
        assert "Today's code is 4 migrations ahead of the backup (library.0003_fields, " in planned
        assert "The code no longer has gone.0001_initial" in planned and "Nothing was made" in planned
        old.manage("restore_db", "--to", target.name).fine()
        assert query(target, "SELECT street FROM library_person ORDER BY id") == [("Mill Lane",), ("Quay",)]

    def test_another_database_is_never_asked_by_a_migration(self, old: Site, target: Engine) -> None:
        other = old.folder / "other.sqlite3"
        old.settings["DATABASES"]["other"] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(other)}
        done = old.manage("restore_db", "--to", target.name, "--migrate")
        done.refused("It asks the database of alias 'other'", "library.0006_dear")
        assert not target.exists() and not other.exists()

    def test_code_that_begins_an_application_anew_is_found_before_anything_is_made(
        self, old: Site, target: Engine
    ) -> None:
        old.settings["INSTALLED_APPS"] = NOW
        old.settings["MIGRATION_MODULES"] = {"library": "tests.eras.anew.migrations"}
        done = old.manage("restore_db", "--to", target.name, "--migrate")
        done.refused("library.0001_anew would make tables that the backup already has", "Nothing was changed")
        assert not target.exists()
        old.manage("restore_db", "--to", target.name).fine()
