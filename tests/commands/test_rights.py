"""A server's user that may read and make no database: it backs up, and is told which right a restore needs."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.commands.site import ROWS, Site
from tests.databases import Server

pytestmark = pytest.mark.slow

MAKE = {
    "postgresql": ["CREATE ROLE {user} LOGIN", "GRANT pg_read_all_data TO {user}"],
    "mysql": ["CREATE USER {user}@'%'", "GRANT SELECT, SHOW VIEW, TRIGGER, LOCK TABLES, EVENT ON `{name}`.* TO {user}@'%'"],
}  # fmt: skip
DROP = {"postgresql": "DROP ROLE {user}", "mysql": "DROP USER {user}@'%'"}
MISSING = {"postgresql": ("may not create databases", "CREATEDB"), "mysql": ("has no right to create", "CREATE on")}


@contextmanager
def reader(site: Site, server: Server) -> Iterator[None]:
    """Have the site connect as a user that may read its database and nothing else."""
    words = {"user": server.new_name("reader"), "name": site.name}
    admin = site.settings["DATABASES"]["default"]
    for statement in MAKE[server.vendor]:
        server._execute(statement.format(**words))
    try:
        site.settings["DATABASES"]["default"] = {**admin, "USER": words["user"], "PASSWORD": ""}
        yield
    finally:
        site.settings["DATABASES"]["default"] = admin
        server._execute(DROP[server.vendor].format(**words))


@pytest.mark.parametrize("server", ["postgresql_18", "mysql"], indirect=True)
def test_who_may_only_read_backs_up_and_is_told_what_a_restore_needs(on_server: Site, server: Server) -> None:
    with reader(on_server, server):
        done = on_server.manage("backup_db", "--json").fine()
        assert done.json["rows"] == ROWS
        assert "The catalogue in database 'default' could not be written" in done.err
        stored = on_server.tree("storage/default/events")
        proof = on_server.manage("verify_backup", "--json").found("could not be completed", *MISSING[server.vendor])
        assert [line["name"] for line in proof.json["checks"] if line["status"] == "error"] == ["restore"]
        refused = on_server.manage("restore_db", "--to", server.new_name("restored"))
        refused.refused(*MISSING[server.vendor], "Nothing was changed")
        on_server.manage("drill_db").refused(*MISSING[server.vendor])
    assert set(stored) < set(on_server.tree("storage/default/events"))
    on_server.manage("verify_backup").fine()


@pytest.mark.parametrize("server", ["postgresql_18", "mysql"], indirect=True)
def test_a_name_that_the_server_cannot_give_is_refused(on_server: Site, server: Server) -> None:
    on_server.manage("backup_db").fine()
    reserved = {"postgresql": ("template1", "postgres"), "mysql": ("mysql", "information_schema")}[server.vendor]
    before = on_server.tree()
    for name in (*reserved, "x" * 100):
        on_server.manage("restore_db", f"--to={name}").refused()
    on_server.manage("restore_db", f"--to={on_server.name}").refused("is the live database of alias 'default'")
    assert on_server.tree() == before
