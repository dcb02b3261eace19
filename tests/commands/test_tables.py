"""``restore_db --tables``: the definition of everything, and the rows of some."""

from collections.abc import Iterator

import pytest
from django.db import Error as DatabaseError

from backups.engines import engine_for
from backups.engines.base import Engine
from tests.commands.site import Site
from tests.databases import Server, registered
from tests.yard import execute


@pytest.fixture
def part(on_server: Site, server: Server) -> Iterator[Engine]:
    """The name to restore to, on the server of a site that was backed up."""
    on_server.manage("backup_db").fine()
    name = server.new_name("part")
    with registered(server.settings(name)) as alias:
        yield engine_for(alias)
    server.drop(name)


def counts(engine: Engine) -> dict[str, int]:
    with engine.snapshot() as snapshot:
        return {table.name: snapshot.count(table) for table in snapshot.tables()}


def test_rows_of_some_and_the_definition_of_all(on_server: Site, part: Engine) -> None:
    planned = (
        on_server.manage("restore_db", "--to", part.name, "--tables", "shop.order", "--dry-run", "--json").fine().json
    )
    loads = {load["table"].rpartition(".")[2]: load["rows"] for load in planned["load"]}
    assert set(loads) == {"shop_order", "django_migrations"} and loads["shop_order"] == 1000
    assert any("that foreign key is not validated" in line and "shop_customer" in line for line in planned["plan"])
    done = on_server.manage("restore_db", "--to", part.name, "--tables", "shop.order").fine()
    assert "shop_order point (by customer_id) at rows of" in done.err and "Of shop.order everything is as" in done.out
    assert "Not asked: it is about all rows" in done.out
    found = counts(part)
    assert found["shop_order"] == 1000 and found["shop_customer"] == 0 and found["django_migrations"] > 0
    assert {"auth_user", "django_session", "backups_backup"} <= set(found)
    # It is no proof of the backup, and is not taken for one.
    on_server.manage("restore_db", "latest-verified", "--to", "x").refused("No backup has passed")
    (line,) = on_server.manage("list_backups", "--json").fine().json
    assert line["verification"] is None


def test_with_its_parents_everything_is_validated(on_server: Site, part: Engine) -> None:
    done = on_server.manage("restore_db", "--to", part.name, "--tables", "shop_order, shop.Customer", "--json").fine()
    assert "not validated" not in done.err
    found = counts(part)
    assert (found["shop_order"], found["shop_customer"], found["auth_permission"]) == (1000, 300, 0)
    assert done.json["verification"]["status"] == "passed"
    # The foreign key holds from now on.
    watched = ["PRAGMA foreign_keys = ON"] if part.vendor == "sqlite" else []
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"):
        execute(part, *watched, "UPDATE shop_order SET customer_id = 0 WHERE id = 1")


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_what_makes_no_sense_is_refused(on_server: Site, part: Engine) -> None:
    to = ("restore_db", "--to", part.name, "--tables")
    on_server.manage(*to, "shop.order,shop.nothing").refused("has no table shop.nothing", "It has rows of")
    on_server.manage(*to, "shop.order", "--migrate").refused("--migrate needs every table")
    on_server.manage("restore_db", "--replace", "--tables", "shop.order").refused("whole live database")
    assert not part.exists()


@pytest.mark.parametrize("server", ["sqlite"], indirect=True)
def test_damage_in_what_was_loaded_shows(on_server: Site, part: Engine) -> None:
    with registered(on_server.settings["DATABASES"]["default"]) as alias:
        execute(engine_for(alias), "UPDATE shop_order SET customer_id = 12345 WHERE id = 3", guarded=False)
    on_server.manage("backup_db").fine()
    # An orphan that the source had is known, with its parents and without.
    on_server.manage("restore_db", "--to", part.name, "--tables", "shop.order,shop.customer").fine()
    part.drop()
    on_server.manage("restore_db", "--to", part.name, "--tables", "shop.order").fine()
