"""A scratch database that cannot be dropped costs nothing of what was found in it, is told of, and goes with the next run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.db import connections

from backups.engines.base import Engine
from backups.models import Verification
from backups.repository import Repository
from backups.repository.events import VERIFIED, event_names, read_event
from backups.repository.names import new_run
from backups.services.verify import verify_backup
from backups.verification import Status
from tests.services.helpers import back_up, invariant
from tests.yard import execute

Done = Callable[[], None]


def stuck(engine: Engine, using: str) -> Done:
    """Make a database one that its server does not drop; return what makes it an ordinary one again."""
    name = str(connections[using].settings_dict["NAME"])
    if engine.vendor == "postgresql":
        execute(engine, f'ALTER DATABASE "{name}" IS_TEMPLATE true')
        return lambda: execute(engine, f'ALTER DATABASE "{name}" IS_TEMPLATE false')
    in_the_way = Path(f"{name}-shm")
    in_the_way.mkdir()
    return in_the_way.rmdir


@pytest.mark.parametrize("server", ["sqlite", "postgresql_18"], indirect=True)
@pytest.mark.parametrize("found", [[], ["2 orders are wrong."]], ids=["passed", "failed"])
def test_the_proof_counts_and_the_next_run_drops_it(any_yard: Engine, found: list[str]) -> None:
    committed = back_up(any_yard).committed
    freed: list[Done] = []

    def look(using: str) -> list[str]:
        freed.append(stuck(any_yard, using))
        return found

    run = new_run()
    with invariant(any_yard, look):
        proof = verify_backup(any_yard.alias, run=run)
    expected = Status.FAILED if found else Status.PASSED
    assert proof.result.status == expected and Verification.objects.get(pk=run).status == expected
    (note,) = proof.notes
    assert any_yard.scratch_name(run) in note and "could not be dropped" in note and "The next run tries again" in note
    repository = Repository.open(any_yard.alias)
    (name,) = event_names(repository, committed.manifest.run)
    event = read_event(repository, name, committed.digest)
    assert (event.kind, event.run, event.data["status"]) == (VERIFIED, run, expected)

    # While it cannot be dropped, each run says so and does its own work all the same.
    assert any_yard.scratch_name(run) in any_yard.leftovers()
    (note,) = verify_backup(any_yard.alias).notes
    assert f"verification {run}" in note
    freed[0]()
    assert verify_backup(any_yard.alias).notes == ()
    assert any_yard.leftovers() == []
