"""Restoring where no database may be made: into an empty one that is there already, named by an alias."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from backups.engines import engine_for
from backups.engines.base import Engine
from tests.commands.site import Site
from tests.databases import PostgreSQLServer, Server, registered
from tests.yard import execute, query

USER = {
    "postgresql": ["CREATE ROLE {user} LOGIN NOCREATEDB", "ALTER DATABASE {name} OWNER TO {user}"],
    "mysql": ["CREATE USER {user}@'%'", "GRANT ALL ON `{name}`.* TO {user}@'%'"],
    "sqlite": [],
}
GONE = {"postgresql": ["DROP ROLE {user}"], "mysql": ["DROP USER {user}@'%'"], "sqlite": []}
# A hosted server's role gets into its own database and no other.
DOORS = "{verb} CONNECT ON DATABASE {door} {to} PUBLIC"


@contextmanager
def hosted(server: Server) -> Iterator[tuple[dict[str, object], Engine]]:
    """Make an empty database and a user that may make none; yields that user's settings, and our own engine of it."""
    words = {"user": server.new_name("tenant"), "name": server.new_name("hosted")}
    server.create(words["name"])
    settings = server.settings(words["name"])
    for statement in USER[server.vendor]:
        server._execute(statement.format(**words))  # type: ignore[attr-defined]
    theirs = settings if server.vendor == "sqlite" else {**settings, "USER": words["user"], "PASSWORD": ""}
    try:
        with registered(settings) as alias:
            yield theirs, engine_for(alias)
    finally:
        server.drop(words["name"])
        for statement in GONE[server.vendor]:
            server._execute(statement.format(**words))  # type: ignore[attr-defined]


@contextmanager
def closed_doors(server: Server) -> Iterator[None]:
    """Let nobody but superusers into the databases that are there for all."""
    doors = ("postgres", "template1") if isinstance(server, PostgreSQLServer) else ()
    for door in doors:
        server._execute(DOORS.format(verb="REVOKE", door=door, to="FROM"))  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for door in doors:
            server._execute(DOORS.format(verb="GRANT", door=door, to="TO"))  # type: ignore[attr-defined]


def orders(engine: Engine) -> list[tuple[object, ...]]:
    return query(engine, "SELECT count(*) FROM shop_order")


def test_an_empty_database_is_filled_and_a_filled_one_refused(on_server: Site, server: Server) -> None:
    on_server.manage("backup_db").fine()
    with hosted(server) as (theirs, engine), closed_doors(server):
        on_server.settings["DATABASES"]["hosted"] = theirs
        planned = on_server.manage("restore_db", "--to-database", "hosted", "--dry-run").fine()
        assert "Fill the empty" in planned.out or server.vendor == "sqlite"
        assert engine.resident().holds() == []
        done = on_server.manage("restore_db", "--to-database", "hosted").fine()
        assert "Everything is as the backup recorded it" in done.out and orders(engine) == [(1000,)]
        assert not engine.resident().is_unfinished()
        before = engine.resident().holds()
        again = on_server.manage("restore_db", "--to-database", "hosted")
        again.refused("is not empty: it holds", "Nothing was changed")
        assert engine.resident().holds() == before and orders(engine) == [(1000,)]
        # The live database was lost, and somebody made an empty one in its place.
        on_server.settings["DATABASES"]["default"] = on_server.settings["DATABASES"].pop("hosted")
        engine.resident().drop()
        assert engine.resident().holds() == []
        on_server.manage("restore_db", "--to-database", "default").fine()
        assert orders(engine) == [(1000,)]
        on_server.manage("migrate", "--check").fine()
        on_server.manage("list_backups").fine()


def test_what_fails_leaves_it_empty_and_what_was_killed_is_emptied(on_server: Site, server: Server) -> None:
    with registered(server.settings(on_server.name)) as alias:
        execute(engine_for(alias), "UPDATE shop_order SET quantity = quantity + 1 WHERE id = 7")
    on_server.manage("backup_db").fine()
    with registered(server.settings(on_server.name)) as alias:
        execute(engine_for(alias), "UPDATE shop_order SET quantity = quantity - 1 WHERE id = 7")
    on_server.manage("backup_db").fine()
    with hosted(server) as (theirs, engine):
        on_server.settings["DATABASES"]["hosted"] = theirs
        first = on_server.backups()[0]
        on_server.manage("restore_db", first, "--to-database", "hosted").refused("is not what the backup recorded")
        assert engine.resident().holds() == []
        if server.vendor != "sqlite":
            # Half-made, as a killed restore leaves it.
            with registered(theirs) as tenant, registered(server.settings(on_server.name)) as alias:
                half = engine_for(tenant).resident()
                with engine_for(alias).snapshot() as snapshot:
                    half.create(snapshot.facts())
                    with half.loader() as loader:
                        loader.define(snapshot.schema())
            assert engine.resident().holds() and engine.resident().is_unfinished()
            planned = on_server.manage("restore_db", "--to-database", "hosted", "--dry-run").fine()
            assert "Empty the half-made" in planned.out
        on_server.manage("restore_db", "--to-database", "hosted").fine()
        assert orders(engine) == [(1000,)]


def test_a_project_moves_to_a_hosted_database(postgresql_18: Server, site: Site) -> None:
    site.manage("backup_db").fine()
    with hosted(postgresql_18) as (theirs, engine), closed_doors(postgresql_18):
        site.settings["DATABASES"]["hosted"] = theirs
        site.manage("restore_db", "--to", "another", "--to-database", "hosted", "--schema", "migrations").refused()
        assert engine.resident().holds() == []
        site.manage("restore_db", "--to-database", "hosted", "--schema", "migrations").fine()
        assert orders(engine) == [(1000,)]


@pytest.mark.parametrize("server", ["postgresql_18"], indirect=True)
def test_emptying_leaves_nothing_of_the_zoo(zoo_database: Engine) -> None:
    """Everything that a PostgreSQL database may hold goes, and extensions stay."""
    resident = zoo_database.resident()
    assert len(resident.holds()) > 100
    resident.drop()
    assert resident.holds() == []
    assert query(zoo_database, "SELECT count(*) > 1 FROM pg_extension") == [(True,)]
    with zoo_database.snapshot() as snapshot:
        left = {(s.kind, s.name) for s in snapshot.schema().statements() if s.kind not in ("extension", "comment")}
    assert left <= {("schema", "public")}


def test_the_live_one_is_replaced_inside_where_its_role_may_do_no_more(on_server: Site, server: Server) -> None:
    if server.vendor != "postgresql":
        on_server.manage("backup_db").fine()
        refused = on_server.manage("restore_db", "--replace", "--swap-schema", "--dry-run")
        refused.refused("--swap-schema is for PostgreSQL, and alias 'default' is", "Nothing was changed")
        on_server.manage("restore_db", "--to", "x", "--swap-schema").refused("means nothing without it")
        return
    with hosted(server) as (theirs, engine), closed_doors(server):
        on_server.manage("backup_db").fine()
        on_server.settings["DATABASES"]["hosted"] = theirs
        on_server.manage("restore_db", "--to-database", "hosted").fine()
        on_server.settings["DATABASES"]["default"] = on_server.settings["DATABASES"].pop("hosted")
        name = str(theirs["NAME"])
        confirmed = ("--confirm", name)
        on_server.manage("backup_db", "--adopt").fine()
        execute(engine, "DELETE FROM shop_order WHERE id > 500")
        on_server.manage("restore_db", "--replace", "--dry-run").refused("--replace --swap-schema")
        planned = on_server.manage("restore_db", "--replace", "--swap-schema", "--dry-run").fine()
        assert "Begin a transaction that nobody else sees" in planned.out and orders(engine) != [(1000,)]
        done = on_server.manage("restore_db", "--replace", "--swap-schema", *confirmed)
        assert "it is live" in done.fine().out and "public_before_" in done.out and orders(engine) == [(1000,)]
        on_server.manage("migrate", "--check").fine()
        after = on_server.manage("backup_db").fine()
        assert "what was live before it was replaced" in after.out and after.err == ""
        listed = on_server.manage("restore_db", "--undo", "--dry-run").fine()
        assert f"Kept: {name}_before_" in listed.out
        undone = on_server.manage("restore_db", "--undo", *confirmed, "--json").fine().json
        assert undone["target"] == name and undone["exchange_seconds"] < 5 and orders(engine) != [(1000,)]
        assert on_server.manage("prune_backups").fine()
        restores = on_server.manage("list_backups", "--restores", "--json").fine().json
        assert sorted(row["kind"] for row in restores) == ["copy", "copy", "replacement", "undoing"], restores
