"""``restore_db --schema migrations``: from each engine to each other, what will not fit, and the README's three commands."""

import re
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from tests.commands.conftest import seed
from tests.commands.forks import Forks
from tests.commands.site import ROOT, Site
from tests.databases import registered
from tests.yard import execute, query

VENDORS = {"sqlite": "sqlite", "postgresql": "postgresql_18", "mysql": "mysql"}
CHECKS = {"rows", "witness", "foreign_keys", "schema", "sequences", "migrations", "content"}
# What each engine may spell in its own way, and means the same.
JSON = '{"b": [1, 2.50, 1e3], "a": null, "é": "ü", "deep": {"n": 12345678901234567890}}'


@pytest.fixture
def pair(request: pytest.FixtureRequest, forks: Forks, tmp_path: Path) -> Iterator[tuple[Site, Engine]]:
    """A shop on one engine, which is the site's default, and the free name of a database on another, its alias ``new``."""
    old, new = (request.getfixturevalue(VENDORS[vendor]) for vendor in request.param)
    site = Site(tmp_path / "site", forks)
    site.folder.mkdir()
    names = old.new_name("old"), new.new_name("new")
    old.create(names[0])
    site.settings["DATABASES"] = {"default": old.settings(names[0])}
    seed(site)
    # Only then: other commands' checks ask the server of each alias for its version, inside a database that is not there.
    site.settings["DATABASES"]["new"] = new.settings(names[1])
    with registered(old.settings(names[0])) as alias, registered(new.settings(names[1])) as other:
        execute(
            engine_for(alias),
            f"UPDATE shop_customer SET preferences = '{JSON}' WHERE id = 7",
            "UPDATE shop_order SET placed = '2026-03-01 12:00:00.123456' WHERE id = 7",
            "DELETE FROM shop_order WHERE id > 990",
        )
        yield site, engine_for(other)
    old.drop(names[0])
    new.drop(names[1])


def both_ways(*pairs: tuple[str, str]) -> Any:
    return pytest.mark.parametrize("pair", pairs, indirect=True, ids=[f"{a} to {b}" for a, b in pairs])


@both_ways(*permutations(VENDORS, 2))
def test_every_row_comes_over_and_the_next_one_finds_its_number(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    site.manage("backup_db").fine()
    document = site.manage("restore_db", "--to-database", "new", "--schema", "migrations", "--json").fine().json
    verification = document["verification"]
    assert verification["status"] == "passed" and {check["name"] for check in verification["checks"]} >= CHECKS
    assert query(new, "SELECT count(*) FROM shop_order") == [(990,)]
    assert query(new, "SELECT count(*) FROM shop_customer") == [(300,)]
    # The highest orders were deleted before, and their numbers are not given again.
    columns = "customer_id, placed, status, quantity, amount, details"
    execute(new, f"INSERT INTO shop_order (number, {columns}) SELECT 'again', {columns} FROM shop_order WHERE id = 1")
    assert query(new, "SELECT id FROM shop_order WHERE number = 'again'") == [(1001,)]
    site.settings["DATABASES"]["default"] = site.settings["DATABASES"].pop("new")
    site.manage("migrate", "--check").fine()
    assert len(site.manage("list_backups", "--json").fine().json) == 1


@both_ways(("sqlite", "postgresql"))
def test_the_live_database_may_become_one_of_another_engine_in_one_step(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    site.manage("backup_db").fine()
    site.settings["DATABASES"]["default"] = site.settings["DATABASES"].pop("new")
    replace = "restore_db", "--replace", "--confirm", new.name
    site.manage(*replace).refused("was taken from sqlite", "--schema migrations")
    assert not new.exists()
    plan = site.manage(*replace, "--schema", "migrations", "--dry-run").fine().out
    assert "migrations" in plan and "where nothing is now" in plan and not new.exists()
    first = site.manage(*replace, "--schema", "migrations", "--json").fine().json
    assert query(new, "SELECT count(*) FROM shop_order") == [(990,)] and first["kept"] is None
    # What is there by then is kept, though the chain of backups is another database's.
    execute(new, "DELETE FROM shop_order WHERE id > 500")
    again = site.manage(*replace, "--schema", "migrations").fine()
    assert "could not be backed up first" in again.err and "This repository holds backups" in again.err
    assert query(new, "SELECT count(*) FROM shop_order") == [(990,)]
    site.manage("restore_db", "--undo", "--confirm", new.name).fine()
    assert query(new, "SELECT count(*) FROM shop_order") == [(500,)]
    for name in new.kept():
        new.at(name).drop()
    site.manage("migrate", "--check").fine()
    site.manage("backup_db", "--adopt").fine()


@both_ways(("sqlite", "postgresql"))
def test_the_three_commands_of_the_readme(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    part = (ROOT / "README.md").read_text().partition("From SQLite to PostgreSQL in three commands")[2]
    commands = re.findall(r"^python manage\.py (.+?)(?:  +#.*)?$", part.partition("```\n")[2].partition("```")[0], re.M)
    assert len(commands) == 3
    for command in commands[:2]:
        site.manage(*command.split()).fine()
    site.settings["DATABASES"]["default"] = site.settings["DATABASES"].pop("new")
    site.manage(*commands[2].split()).fine()
    assert query(new, "SELECT count(*) FROM shop_order") == [(990,)]


@both_ways(("sqlite", "postgresql"), ("sqlite", "mysql"), ("postgresql", "mysql"))
def test_each_row_that_will_not_fit_is_named_before_any_is_loaded(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    with registered(site.settings["DATABASES"]["default"]) as alias:
        old = engine_for(alias)
        said = ["not fit into"]
        if old.vendor == "sqlite":
            execute(
                old,
                f"UPDATE shop_customer SET name = '{'x' * 300}' WHERE id = 5",
                "UPDATE shop_order SET placed = 'yesterday' WHERE id = 9",
                "UPDATE shop_order SET amount = 123456789012.5 WHERE id = 11",
            )
            said += ["Row 5 of shop_customer, column name: it has 300 characters", "Row 9 of shop_order, column placed"]
            said += ["Row 11 of shop_order, column amount: it has more than"]
        if new.vendor == "mysql":
            execute(old, "UPDATE shop_customer SET email = 'Zoe@Example.org' WHERE id = 1")
            execute(old, "UPDATE shop_customer SET email = 'zoe@example.org' WHERE id = 2")
            said += ["Rows 1, 2 of ", "the server takes them for the same"]
        if new.vendor == "postgresql":
            execute(old, "UPDATE shop_customer SET name = 'a' || char(0) || 'b' WHERE id = 6")
            said += ["Row 6 of shop_customer, column name: it contains the character NUL"]
    site.manage("backup_db").fine()
    site.manage("restore_db", "--to-database", "new", "--schema", "migrations").refused(*said, "Nothing was loaded")
    assert not new.exists()


@both_ways(("sqlite", "postgresql"))
def test_tables_that_no_migration_makes_are_named(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    with registered(site.settings["DATABASES"]["default"]) as alias:
        execute(engine_for(alias), "CREATE TABLE empty_one (id integer)", "CREATE TABLE raw (id integer)")
        site.manage("backup_db").fine()
        done = site.manage("restore_db", "--to-database", "new", "--schema", "migrations").fine()
        assert "Not carried over: table empty_one" in done.err
        new.drop()
        execute(engine_for(alias), "INSERT INTO raw VALUES (1)")
    site.manage("backup_db").fine()
    done = site.manage("restore_db", "--to-database", "new", "--schema", "migrations")
    done.refused("The table raw has 1 rows, and no migration makes it")
    assert not new.exists()


@both_ways(("sqlite", "postgresql"))
def test_the_archived_tables_are_refused_on_another_engine(pair: tuple[Site, Engine]) -> None:
    site, new = pair
    site.manage("backup_db").fine()
    site.manage("restore_db", "--to-database", "new").refused("--schema migrations", "was taken from sqlite")
    site.manage("restore_db").refused("Nobody said where to restore to", "--to-database ALIAS")
    assert not new.exists()
