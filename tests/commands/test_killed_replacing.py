"""SIGKILL at any moment of a replacement: the live database is wholly the old one or wholly the new one, and is there.

LIFEBOAT_KILLS says how often each engine's is killed; every second time right at the step, which is short.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups.engines.base import Engine
from backups.exceptions import BackupsError
from backups.services.leftovers import sweep
from tests.commands.site import PATIENCE, Running, Site
from tests.commands.test_killed import contents, engine_of
from tests.yard import execute

pytestmark = pytest.mark.slow
KILLS = int(os.environ.get("LIFEBOAT_KILLS", "6"))
AT_MOST = 3  # times as many tries: some processes end before they are killed
SPOIL = "UPDATE shop_order SET quantity = 77"
NEAR = {"sqlite": 0.5, "postgresql": 0.3, "mysql": 1.5}  # seconds that the step and what belongs to it may take


@pytest.fixture
def spoilt(on_server: Site) -> Iterator[Engine]:
    """A database that was spoilt after it was backed up; what is kept of it is dropped."""
    on_server.manage("backup_db").fine()
    with engine_of(on_server) as engine:
        yield engine
        drop_kept(engine)


def drop_kept(engine: Engine) -> None:
    for name in engine.kept():
        engine.at(name).drop()


def confirmed(site: Site) -> tuple[str, ...]:
    """The command, with the name that it asks for."""
    return "restore_db", "--replace", "--confirm", str(site.settings["DATABASES"]["default"]["NAME"]).rpartition("/")[2]


def looked_at(engine: Engine, *expected: dict[str, str]) -> dict[str, str]:
    """What is in the live database, which is one of these.

    A server may still be at what the killed process asked for last: MariaDB moves tables one after the other, and lets
    nobody query them meanwhile, but its list of tables shows it. Nobody else does anything to the database here.
    """
    deadline, found = time.monotonic() + PATIENCE / 4, "missing"
    while time.monotonic() < deadline:
        try:
            seen = contents(engine)
        except BackupsError:
            found = "missing"
        else:
            if seen in expected:
                return seen
            found = "mixed"
        time.sleep(0.1)
    raise AssertionError(f"the live database is {found}")


def promotions(site: Site) -> list[Path]:
    """What runs have written down of the step that they are about to do."""
    return list(site.storage.glob("default/runs/*/promotion"))


def wait(site: Site, process: Running, moment: float, *, at_the_step: bool) -> None:
    """Wait for so many seconds of the process's work, or from when it is about to do its step."""
    if at_the_step:
        while not process.ended and not promotions(site):
            time.sleep(0.001)
    deadline = time.monotonic() + moment
    while not process.ended and time.monotonic() < deadline:
        time.sleep(0.001)


def test_killed_at_any_moment_the_live_database_is_wholly_old_or_wholly_new(on_server: Site, spoilt: Engine) -> None:
    new = contents(spoilt)
    execute(spoilt, SPOIL)
    old, command = contents(spoilt), confirmed(on_server)
    began = time.monotonic()
    on_server.manage(*command).fine()
    length = time.monotonic() - began
    assert looked_at(spoilt, new) != old
    moments, killed, found, said = random.Random(KILLS), 0, {"old": 0, "new": 0}, {"old": 0, "new": 0}
    for number in range(KILLS * AT_MOST):
        drop_kept(spoilt)
        execute(spoilt, SPOIL)
        assert contents(spoilt) == old
        assert promotions(on_server) == [], "what was about to be done is still there, so the step would not be seen"
        process, at_the_step = on_server.begin(*command), bool(number % 2)
        moment = moments.uniform(0, NEAR[spoilt.vendor] if at_the_step else length)
        wait(on_server, process, moment, at_the_step=at_the_step)
        killed += process.kill() == -9
        after = looked_at(spoilt, old, new)
        notes = "\n".join(sweep(spoilt, on_server.repository()))
        which = "new" if after == new else "old"
        assert contents(spoilt) == after, "putting it in order changed the rows"
        found[which] += 1
        for word, sentence in (("old", "before its one step"), ("new", "after its one step")):
            said[word] += sentence in notes
            assert sentence not in notes or word == which, notes
        if killed == KILLS:
            break
    print(
        f"{spoilt.title}: killed {killed} times within {length:.2f} s; found {found}, told {said}; mixed or missing 0."
    )
    assert killed == KILLS
    drop_kept(spoilt)
    execute(spoilt, SPOIL)
    on_server.manage(*command).fine()
    assert contents(spoilt) == new and contents(spoilt.at(spoilt.kept()[0])) == old
    on_server.manage("restore_db", "--undo", *command[2:]).fine()
    assert contents(spoilt) == old
