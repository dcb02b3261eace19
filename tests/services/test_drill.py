"""The verbs *drill* and *simulate failure*: the copy breaks and is recovered, the live database is the same byte for byte."""

from pathlib import Path
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.exceptions import BackupsError, ConfigurationError, TargetError
from backups.models import Restore, Verification
from backups.progress import Step
from backups.repository import Repository
from backups.repository.events import event_names
from backups.repository.names import new_run
from backups.repository.runs import beats
from backups.services.drill import Drill, fail_and_recover
from backups.services.failure import MODES, simulate_failure, typed_name
from tests.services.helpers import back_up, contents

OF_A_SERVER = [mode for mode in MODES if mode != "corrupt-file"]


NOTICED = {
    "drop-database": "not there any more",
    "drop-tables": "schema",
    "truncate": "rows",
    "delete-rows": "content",
    "half-migration": "schema",
}


def assert_recorded(backup: str, drill: Drill) -> None:
    """See that the recovery and its proof are in the catalogue, and in the repository they can be had from again."""
    verification = Verification.objects.get(pk=drill.proof)
    assert (verification.backup_id, verification.level, verification.status) == (backup, "restore", "passed")
    assert verification.checks.count() == len(drill.result.findings) > 5
    restore = Restore.objects.get(verification=verification)
    assert (restore.status, restore.backup_id) == ("complete", backup) and restore.rows > 0
    assert restore.seconds is not None and restore.seconds <= drill.recovery_seconds
    repository = Repository.open(restore.database)
    kinds = [name.rpartition("-")[2] for name in event_names(repository, backup)]
    assert len(kinds) == 2, kinds


def left(engine: Engine, run: str) -> bool:
    """Say whether a run has left its copy; others on the same server may have theirs."""
    return engine.scratch_name(run) in engine.leftovers()


@pytest.mark.parametrize("mode", OF_A_SERVER)
def test_a_copy_is_recovered_and_the_live_database_only_read(any_yard: Engine, mode: str) -> None:
    done = back_up(any_yard)
    before, run = contents(any_yard), new_run()
    drill = fail_and_recover(any_yard.alias, "latest", failure=mode, run=run)
    assert (drill.backup, drill.failure) == (done.committed.manifest.run, mode)
    assert [step.name for step in drill.steps] == ["copy", "failure", "noticed", "recovery"]
    assert drill.recovery_seconds > 0
    assert f"{done.committed.manifest.totals.rows} rows restored" in drill.steps[3].detail
    assert NOTICED[mode] in drill.steps[2].detail
    assert_recorded(done.committed.manifest.run, drill)
    assert contents(any_yard) == before and not left(any_yard, run)
    assert beats(Repository.open(any_yard.alias)) == []


def test_the_file_of_the_live_database_is_not_touched(yard: Engine) -> None:
    back_up(yard)
    before = Path(yard.name).read_bytes()
    for mode in MODES:
        fail_and_recover(yard.alias, "latest", failure=mode)
    assert Path(yard.name).read_bytes() == before


@pytest.mark.parametrize("server", ["postgresql_18", "mysql"], indirect=True)
def test_a_failure_that_the_engine_has_not_leaves_nothing(any_yard: Engine) -> None:
    back_up(any_yard)
    before, run = contents(any_yard), new_run()
    with pytest.raises(TargetError):
        fail_and_recover(any_yard.alias, "latest", failure="corrupt-file", run=run)
    assert contents(any_yard) == before and not left(any_yard, run)


def test_a_failure_that_the_proof_does_not_notice_is_said(yard: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    back_up(yard)
    run = new_run()
    monkeypatch.setattr(type(yard), "damage", lambda engine, mode: "Nothing was done at all.")
    with pytest.raises(BackupsError, match="the proof found nothing wrong with it"):
        fail_and_recover(yard.alias, "latest", failure="truncate", run=run)
    assert not left(yard, run) and not Restore.objects.exists()


def test_a_failure_that_is_none_is_refused_before_anything_is_made(yard: Engine) -> None:
    back_up(yard)
    with pytest.raises(ConfigurationError, match="no failure 'flood'"):
        fail_and_recover(yard.alias, "latest", failure="flood")


@pytest.mark.parametrize("times", [1, 2])
def test_a_drill_that_is_interrupted_drops_its_copy(any_yard: Engine, times: int) -> None:
    back_up(any_yard)
    before, run = contents(any_yard), new_run()
    seen = []

    def interrupt(step: Step) -> None:
        if (step.stage, step.table.rpartition(".")[2]) == ("load", "shop_order"):
            seen.append(step)
            if len(seen) == times:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_and_recover(any_yard.alias, "latest", progress=interrupt, run=run)
    assert contents(any_yard) == before and not left(any_yard, run)
    assert beats(Repository.open(any_yard.alias)) == []


class TestSimulatedFailure:
    """It refuses without the setting and without the typed name, in every mode."""

    @pytest.mark.parametrize("mode", MODES)
    def test_without_the_setting(self, any_yard: Engine, settings: Any, mode: str) -> None:
        settings.BACKUPS = {}
        before = contents(any_yard)
        with pytest.raises(ConfigurationError, match="not allowed here") as raised:
            simulate_failure(any_yard.alias, mode, confirm=typed_name(any_yard))
        assert "ALLOW_SIMULATED_FAILURE" in raised.value.hint and contents(any_yard) == before

    @pytest.mark.parametrize("mode", MODES)
    def test_without_the_name(self, any_yard: Engine, mode: str) -> None:
        before = contents(any_yard)
        for wrong in ("", any_yard.alias, f" {typed_name(any_yard)}", typed_name(any_yard).upper()):
            with pytest.raises(ConfigurationError, match=r"is not the name of the database|has to be typed"):
                simulate_failure(any_yard.alias, mode, confirm=wrong)
        assert contents(any_yard) == before

    def test_a_mode_or_share_that_is_none(self, yard: Engine) -> None:
        before = contents(yard)
        with pytest.raises(ConfigurationError, match="no failure 'flood'"):
            simulate_failure(yard.alias, "flood", confirm=typed_name(yard))
        for share in (-0.1, 1.1, float("nan")):
            with pytest.raises(ConfigurationError, match="between 0 and 1"):
                simulate_failure(yard.alias, "delete-rows", confirm=typed_name(yard), share=share)
        assert contents(yard) == before

    def test_of_an_alias_that_is_none(self) -> None:
        with pytest.raises(ConfigurationError, match="no database 'nothing'"):
            simulate_failure("nothing", "truncate", confirm="nothing")

    def test_what_is_broken_is_told(self, any_yard: Engine) -> None:
        before = contents(any_yard)
        said = simulate_failure(any_yard.alias, "delete-rows", confirm=typed_name(any_yard), share=1.0)
        assert typed_name(any_yard) in said and said.endswith(".")
        after = contents(any_yard)
        assert {name for name in before if after[name] != before[name]} > {"shop_order", "shop_customer"}

    def test_what_is_gone_cannot_be_broken(self, any_yard: Engine) -> None:
        any_yard.drop()
        for mode in OF_A_SERVER:
            with pytest.raises(BackupsError, match="nothing to break"):
                simulate_failure(any_yard.alias, mode, confirm=typed_name(any_yard))
        assert not any_yard.exists()
