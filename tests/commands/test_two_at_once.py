"""Two runs at once: a second backup is told who is at work since when, and of two restores one gets the name."""

import signal
import time

import pytest

from backups.engines import engine_for
from backups.repository.runs import beats
from tests.commands.site import PATIENCE, Running, Site
from tests.databases import Server, registered

pytestmark = pytest.mark.slow


def restore_at_work(site: Site, server: Server) -> tuple[Running, str]:
    """Begin restores, each into a name of its own, until one is stopped while it is at work; return it and the name."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        name = server.new_name("restored")
        process = site.begin("restore_db", "--to", name)
        while not process.ended:
            if beats(site.repository()):
                process.signal(signal.SIGSTOP)
                return process, name
        process.end().fine()
        with registered(site.settings["DATABASES"]["default"]) as alias:
            engine_for(alias).at(name).drop()
    raise AssertionError("No restore was ever seen at work.")


def backup_at_work(site: Site) -> tuple[Running, str]:
    """Begin backups until one is stopped while it is at work, since a small one may be over before it is looked at."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        process = site.begin("backup_db", "--json")
        while not process.ended:
            if found := beats(site.repository()):
                process.signal(signal.SIGSTOP)
                if beats(site.repository()):
                    return process, found[0].run
                process.signal(signal.SIGCONT)
        process.end().fine()
    raise AssertionError("No backup was ever seen at work.")


def test_a_second_backup_is_told_who_is_at_work_and_since_when(on_server: Site) -> None:
    on_server.manage("backup_db").fine()
    first, run = backup_at_work(on_server)
    before = on_server.backups()
    second = on_server.manage("backup_db", "--json")
    assert second.status == 1 and set(second.json) == {"error", "hint"}
    assert run in second.err and "since" in second.err and f"process {first.pid} on" in second.err
    assert "Wait until it has finished" in second.json["hint"]
    assert on_server.backups() == before
    first.signal(signal.SIGCONT)
    assert first.end().fine().json["id"] == run
    assert run in on_server.backups()
    on_server.manage("backup_db").fine()


def test_a_killed_backup_holds_up_nobody(on_server: Site) -> None:
    on_server.manage("backup_db").fine()
    first, _ = backup_at_work(on_server)
    before = on_server.backups()
    first.kill()
    deadline = time.monotonic() + PATIENCE
    # A server may take a moment to see that the connection is gone.
    while (done := on_server.manage("backup_db")).status == 1:
        assert "at work" in done.err or "being worked on" in done.err
        assert time.monotonic() < deadline
    done.fine()
    assert on_server.backups()[:-1] == before


def test_of_two_restores_into_one_name_one_is_done_and_the_other_refused(on_server: Site, server: Server) -> None:
    on_server.manage("backup_db").fine()
    first, name = restore_at_work(on_server, server)
    second = on_server.manage("restore_db", "--to", name)
    first.signal(signal.SIGCONT)
    outcomes = [first.end(), second]
    with registered(on_server.settings["DATABASES"]["default"]) as alias:
        target = engine_for(alias).at(name)
        try:
            assert sorted(done.status for done in outcomes) == [0, 1], outcomes
            (refused,) = [done for done in outcomes if done.status]
            assert any(word in refused.err for word in ("already", "is being made by another run")), refused
            with target.snapshot() as snapshot:
                rows = {table.name: snapshot.count(table) for table in snapshot.tables()}
            assert (rows["shop_customer"], rows["shop_order"]) == (300, 1000)
            assert not target.is_unfinished()
        finally:
            target.drop()


def test_backups_that_race_are_all_whole_and_numbered_once(backed_up: Site) -> None:
    racing = [backed_up.begin("backup_db", "--json") for _ in range(4)]
    outcomes = [process.end() for process in racing]
    assert {done.status for done in outcomes} <= {0, 1} and any(done.status == 0 for done in outcomes), outcomes
    assert all("at work" in done.err or "worked on" in done.err for done in outcomes if done.status)
    listing = backed_up.repository().listing()
    assert [listed.sequence for listed in listing] == list(range(1, len(listing) + 1))
    assert len(listing) == 1 + sum(done.status == 0 for done in outcomes)
    backed_up.manage("verify_backup", "--all", "--level=stored").fine()
