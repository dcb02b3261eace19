"""Two hosts and one repository on S3: a writer or a restore held at its steps, or for two days, while the other prunes."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.commands.hosts import Host, NoHosts
from tests.commands.site import Site
from tests.s3 import s3, s3_url, storage  # noqa: F401 (fixtures)

pytestmark = pytest.mark.slow
STEP = int(os.environ.get("LIFEBOAT_HOLD_EVERY", "3"))
"""A restore is held at one in four times so many of its steps; a writer at each of its puts."""
Hosts = tuple[Host, Host, Site]


@pytest.fixture
def hosts(site: Site, s3: dict[str, Any], tmp_path: Path) -> Iterator[Hosts]:  # noqa: F811
    """Two hosts, of which each has the database's file and a catalogue of its own; yields the first one's site as well.

    Of the repository the newest backup is kept, without grace.
    """
    options = {key: value for key, value in s3.items() if key != "client_config"}
    site.settings["STORAGES"]["backups"] = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    other = site.copy(tmp_path / "other")
    try:
        with Host("lifeboat-a", site) as a, Host("lifeboat-b", other) as b:
            a.manage("backup_db").fine()
            yield a, b, site
    except NoHosts:
        pytest.skip("NOT TESTED, two hosts: no namespace may be made here (Linux, as root)")


def change(site: Site, number: int) -> None:
    with closing(sqlite3.connect(site.database)) as database, database:
        database.execute(f"UPDATE shop_customer SET name = 'changed {number}' WHERE id % 7 = 0")


def overtake(host: Host) -> None:
    """Take a backup, so that the one before it is old, and have it pruned and swept where it may be."""
    host.manage("sync_backups").fine()
    host.manage("backup_db", "--full").fine()
    for _ in range(2):
        host.manage("prune_backups").fine()


def all_is_well(host: Host) -> None:
    host.manage("sync_backups").fine()
    host.manage("verify_backup", "--all", "--level=stored").fine()


def runs(host: Host) -> dict[str, str]:
    """The runs that a host's catalogue lists, and what became of them."""
    listed = host.manage("list_backups", "--json").fine().json
    return {line["id"]: line["status"] for line in listed}


def test_a_writer_is_held_while_the_other_host_prunes(hosts: Hosts) -> None:
    a, b, site = hosts
    for number in count(1):
        change(site, number)
        ended = a.begin("backup_db", "--json", hold=number)
        if ended is not None:
            ended.fine()
            break
        overtake(b)
        done = a.go_on()
        assert done.status == 0, (number, done)
        all_is_well(b)
        all_is_well(a)
    assert number > 2


def test_a_restore_is_held_while_the_other_host_prunes(hosts: Hosts, tmp_path: Path) -> None:
    a, b, site = hosts
    ends = []
    for number in range(1, 40, 4 * STEP):
        change(site, 200 + number)
        a.manage("sync_backups").fine()
        run = a.manage("backup_db", "--json").fine().json["id"]
        copy = tmp_path / f"restored-{number}.sqlite3"
        ended = a.begin("restore_db", run, f"--to={copy}", hold=number, at="get")
        if ended is not None:
            ended.fine()
            break
        overtake(b)
        done = a.go_on()
        ends.append(done.status)
        assert copy.exists() == (done.status == 0), (number, done)
        if done.status:
            # It had not begun yet, so nobody could see it.
            assert "removed in this moment" in done.err or "missing" in done.err or "no backup" in done.err, done
        else:
            assert customers(copy) == customers(site.database), number
        all_is_well(b)
    assert 0 in ends


def customers(database: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(database)) as opened:
        return opened.execute("SELECT * FROM shop_customer ORDER BY id").fetchall()


def test_a_writer_that_wakes_up_two_days_later_is_not_committed(hosts: Hosts) -> None:
    a, b, site = hosts
    with Host("lifeboat-c", site) as beside:
        for number in count(1):
            change(site, 100 + number)
            before = runs(beside)
            ended = a.begin("backup_db", hold=number, behind=2)
            if ended is not None:
                break
            # Seen from another host that looks into the same catalogue, its run is dead.
            assert [status for run, status in runs(beside).items() if run not in before] == ["interrupted"], number
            overtake(b)
            woken = a.go_on(days=2)
            assert woken.status == 1, (number, woken)
            assert "without a sign of life" in woken.err or "taken for dead" in woken.err, woken.err
            all_is_well(b)
            all_is_well(a)
            assert list(runs(b).values()) == ["complete"]
    assert number > 2
