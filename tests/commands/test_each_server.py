"""The whole worst day by its commands, on each server: back up, prove, lose the database, restore it, go on."""

import pytest

from backups.engines import engine_for
from tests.commands.site import ROWS, Site
from tests.databases import Server, registered

pytestmark = pytest.mark.slow


def test_a_database_is_lost_and_brought_back(on_server: Site, server: Server) -> None:
    settings = on_server.settings["DATABASES"]["default"]
    on_server.manage("backup_db", "--verify=restore").fine()
    (run,) = on_server.backups()
    listed = on_server.manage("list_backups", "--json").fine().json

    server.drop(on_server.name)
    gone = on_server.manage("list_backups", "--json").fine()
    assert gone.json == listed and "There is no catalogue" in gone.err
    proof = on_server.manage("verify_backup", "--json").fine().json
    assert (proof["backup"], proof["status"]) == (run, "passed")
    on_server.manage("backup_db").refused()
    on_server.manage("drill_db").refused()
    on_server.manage("sync_backups").refused("There is no catalogue")
    assert on_server.backups() == [run]

    restored = on_server.manage("restore_db", "--to", settings["NAME"], "--json").fine().json
    assert (restored["rows"], restored["verification"]["status"]) == (ROWS, "passed")
    again = on_server.manage("list_backups", "--json").fine()
    assert again.err == "" and [line["id"] for line in again.json] == [run]
    assert on_server.manage("drill_db", "--json").fine().json["verification"]["status"] == "passed"
    assert len(on_server.backups()) == 2
    with registered(settings) as alias:
        engine = engine_for(alias)
        assert engine.scratch_name(restored["id"]) not in engine.leftovers()
