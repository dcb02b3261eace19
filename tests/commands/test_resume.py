"""A backup's process that is killed with SIGKILL is gone on from, and one that was stopped for too long stops by itself."""

import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from backups.repository.runs import beats
from tests.commands.site import PATIENCE, Running, Site

pytestmark = pytest.mark.slow

SLOWLY = """
import time
from datetime import timedelta
from backups.chunks import Limits
from backups.repository import Repository, pulse
from backups.services.backup import create_backup

put = Repository.put

def slowly(*arguments, **more):
    time.sleep(0.03)
    return put(*arguments, **more)

Repository.put = slowly
pulse.ITEMS, pulse.EVERY, pulse.GIVE_UP = 4, timedelta(seconds=0.2), timedelta(seconds=2)
done = create_backup("default", limits=Limits(target=4096, largest=32768, small_table=2048, page=4))
print('NEW', done.committed.manifest.totals.new_chunks, *done.notes)
"""


def chunks(site: Site) -> Counter[str]:
    """How often the rows of each chunk were stored."""
    return Counter(path.name.partition(".")[0] for path in Path(site.storage, "default", "chunks").glob("*/*"))


def at_work(site: Site, process: Running, objects: int) -> None:
    """Wait until so many chunks are stored."""
    deadline = time.monotonic() + PATIENCE
    while len(chunks(site)) < objects:
        assert time.monotonic() < deadline and not process.ended
        time.sleep(0.005)


def test_a_killed_backup_does_not_store_again_what_it_had(site: Site) -> None:
    for objects in (12, 30):
        process = site.begin("shell", "--command", SLOWLY)
        at_work(site, process, objects)
        assert process.kill() == -9
    before = chunks(site)
    done = site.manage("shell", "--command", SLOWLY).fine()
    after = chunks(site)
    twice = sum(after.values()) - len(after)
    # What four workers were at, and the few that no beat had told of, each time.
    assert twice <= 2 * (4 + 4), twice
    new = int(done.out.partition("NEW ")[2].split()[0])
    assert new == sum(after.values()) - sum(before.values()) and len(after) - len(before) <= new < len(after) - 20
    assert "were not stored again" in done.out
    assert len(site.backups()) == 1 and beats(site.repository()) == []
    site.manage("verify_backup").fine()


def test_a_backup_that_was_stopped_for_too_long_commits_nothing(site: Site) -> None:
    process = site.begin("shell", "--command", SLOWLY)
    at_work(site, process, 12)
    process.signal(signal.SIGSTOP)
    time.sleep(3)
    process.signal(signal.SIGCONT)
    done = process.end()
    assert done.status == 1 and "HeartbeatLost" in done.err and "without a sign of life" in done.err
    assert site.backups() == [] and site.repository().objects.folders("runs") == []
    site.manage("shell", "--command", SLOWLY).fine()
    site.manage("verify_backup").fine()
