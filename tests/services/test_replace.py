"""The verb *replace*: the live database is wholly old or wholly new, what was there is kept, and nothing is forgotten."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, LockHeld, RestoreError, TargetError, UnknownBackup
from backups.models import Restore
from backups.progress import Step
from backups.repository import Repository
from backups.repository.events import PROMOTED, UNDONE, events_of
from backups.repository.names import new_run
from backups.repository.processes import mark_of
from backups.services.catalog import Asked
from backups.services.failure import typed_name
from backups.services.kept import drop_replaced, kept_databases
from backups.services.leftovers import sweep
from backups.services.listing import find
from backups.services.promotions import REPLACE
from backups.services.prune import prune_backups
from backups.services.replace import Replaced, plan_replacement, plan_undoing, replace_database, undo_replacement
from backups.services.restores import list_restores
from backups.services.sync import sync_backups
from tests.crashing import killed_at
from tests.identities import age_identity
from tests.services.conftest import LedgerRouter
from tests.services.helpers import back_up, contents, invariant, leave_beat
from tests.yard import ORDERS, execute, query

SPOIL = "UPDATE shop_order SET number = 'spoilt' WHERE id = 1"


@pytest.fixture
def spoilt(any_yard: Engine) -> Iterator[Engine]:
    """A database that was spoilt after its backup; everything that its tests keep goes with it."""
    back_up(any_yard)
    execute(any_yard, SPOIL)
    yield any_yard
    for name in any_yard.kept():
        any_yard.at(name).drop()


def replace(engine: Engine, **how: object) -> Replaced:
    return replace_database(engine.alias, confirm=typed_name(engine), **how)  # type: ignore[arg-type]


def first(engine: Engine) -> str:
    return str(query(engine, "SELECT number FROM shop_order WHERE id = 1")[0][0])


def test_a_backup_takes_the_place_and_what_was_there_is_kept_and_backed_up(spoilt: Engine) -> None:
    before = contents(spoilt)
    done = replace(spoilt, asked=Asked("ada", "command"))
    assert first(spoilt) == "N00001" and contents(spoilt.at(done.kept)) == before
    assert done.notes == ()
    assert [kept.name for kept in kept_databases(spoilt.alias)] == [done.kept]
    repository = Repository.open(spoilt.alias)
    safety = repository.read_manifest(repository.find(done.safety).name).manifest
    assert (safety.requested_by, safety.requested_via, safety.sequence) == ("ada", "safety", 2)
    (event,) = [
        event
        for event in events_of(repository, done.copy.committed.manifest.run, done.copy.committed.digest)
        if event.kind == PROMOTED
    ]
    assert (event.run, event.data["kept"], event.data["target"]) == (done.run, done.kept, spoilt.name)
    assert event.data["restore"] == done.copy.run and event.data["requested_by"] == "ada"
    copied, row = Restore.objects.get(pk=done.copy.run), Restore.objects.get(pk=done.run)
    assert (copied.kind, copied.target) == ("copy", spoilt.name)
    assert (row.kind, row.status, row.target, row.kept) == ("replacement", "complete", spoilt.name, done.kept)
    assert (row.backup_id, row.rows, row.requested_by) == (copied.backup_id, copied.rows, "ada")
    assert repository.objects.folders("runs") == []


def test_a_copy_that_does_not_pass_its_proof_takes_nobodys_place(spoilt: Engine) -> None:
    was = contents(spoilt)
    with (
        invariant(spoilt, lambda using: ["An order is one too many."]),
        pytest.raises(RestoreError, match="one too many"),
    ):
        replace(spoilt)
    assert contents(spoilt) == was and first(spoilt) == "spoilt"
    assert spoilt.kept() == [] and Restore.objects.get().status == "failed"
    assert Restore.objects.get().target not in spoilt.leftovers()
    assert replace(spoilt).notes == () and first(spoilt) == "N00001"


def test_what_is_odd_about_the_harmed_database_is_said_of_its_own_backup(yard: Engine) -> None:
    back_up(yard)
    execute(yard, "DELETE FROM shop_order WHERE id > 3")
    done = replace(yard)
    assert len(done.notes) == 2 and "shop_order has 3 rows" in done.notes[0] and "suspicious" in done.notes[1]
    assert all(note.startswith(f"Of {done.safety}, the backup of what was there before: ") for note in done.notes)
    for name in yard.kept():
        yard.at(name).drop()


def test_what_was_backed_up_for_safety_is_not_the_latest_that_anybody_wants(spoilt: Engine) -> None:
    done = replace(spoilt)
    execute(spoilt, SPOIL)
    again = replace(spoilt)
    assert again.copy.committed.manifest.run == done.copy.committed.manifest.run and first(spoilt) == "N00001"
    repository = Repository.open(spoilt.alias)
    assert find(repository, "latest").run == find(repository, "latest-verified").run == done.copy.committed.manifest.run
    # By its id it can be had.
    assert replace(spoilt, backup=done.safety).copy.committed.manifest.run == done.safety
    assert first(spoilt) == "spoilt"


@pytest.mark.parametrize("confirm", ["", "other", "latest"])
def test_without_the_name_nothing_happens(spoilt: Engine, confirm: str) -> None:
    before = contents(spoilt)
    for verb in (replace_database, undo_replacement):
        with pytest.raises(ConfigurationError, match="is not the name of the database"):
            verb(spoilt.alias, confirm=confirm)
    assert contents(spoilt) == before and len(Repository.open(spoilt.alias).listing()) == 1


def test_what_cannot_be_done_is_known_before_anything_is_done(spoilt: Engine) -> None:
    before = contents(spoilt)
    for how in ({"backup": "nowhere"}, {"expect": 2}):
        with pytest.raises(UnknownBackup):
            replace(spoilt, **how)
    now, repository = datetime.now(UTC).isoformat(), Repository.open(spoilt.alias)
    leave_beat(repository, new_run(), REPLACE, pid=os.getpid(), target=spoilt.name, started=now, beat=now)
    with pytest.raises(LockHeld, match="being replaced by another run"):
        replace(spoilt)
    with pytest.raises(TargetError, match="no database that was kept"):
        plan_undoing(spoilt.alias)
    assert contents(spoilt) == before and spoilt.kept() == [] and len(Repository.open(spoilt.alias).listing()) == 1


def test_a_process_that_took_over_the_id_of_a_killed_one_is_not_in_the_way(yard: Engine) -> None:
    back_up(yard)
    execute(yard, SPOIL)
    now, repository = datetime.now(UTC), Repository.open(yard.alias)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as young:
        taken_over = mark_of(young.pid) + "0"
        leave_beat(repository, new_run(), REPLACE, pid=young.pid, process=taken_over, beat=now.isoformat())
        replace(yard)
        young.kill()
    assert first(yard) == "N00001"


def test_a_lost_database_is_put_back_and_there_is_nothing_to_keep(spoilt: Engine) -> None:
    spoilt.drop()
    assert "where nothing is now" in plan_replacement(spoilt.alias)[-1]
    done = replace(spoilt)
    assert (done.kept, done.safety) == ("", "") and first(spoilt) == "N00001"
    assert any("nothing to back up first" in note for note in done.notes)
    assert kept_databases(spoilt.alias) == []


def test_a_ruined_file_is_kept_as_it_is_and_comes_back_as_it_was(yard: Engine) -> None:
    back_up(yard)
    path = Path(yard.name)
    path.write_bytes(b"ruined" + path.read_bytes()[6:])
    ruins = path.read_bytes()
    path.with_name(f"{path.name}-wal").write_bytes(b"of the ruins")
    done = replace(yard)
    kept = Path(done.kept)
    assert done.safety == "" and any("could not be backed up first" in note for note in done.notes)
    assert first(yard) == "N00001" and kept.read_bytes() == ruins
    assert kept.with_name(f"{kept.name}-wal").read_bytes() == b"of the ruins"
    assert not path.with_name(f"{path.name}-wal").exists()
    kept.with_name(f"{kept.name}-wal").unlink()
    undo_replacement(yard.alias, confirm=path.name)
    assert path.read_bytes() == ruins
    undo_replacement(yard.alias, confirm=path.name)
    assert first(yard) == "N00001"


def test_undoing_goes_back_and_forth_in_no_time(spoilt: Engine) -> None:
    done, name = replace(spoilt), typed_name(spoilt)
    execute(spoilt, "UPDATE shop_order SET number = 'later' WHERE id = 1")
    undone = undo_replacement(spoilt.alias, confirm=name, asked=Asked("bob", "command"))
    assert first(spoilt) == "spoilt" and undone.restored == done.kept and undone.exchange_seconds < 5
    repository, manifest = Repository.open(spoilt.alias), done.copy.committed
    event = events_of(repository, manifest.manifest.run, manifest.digest)[-1]
    assert (event.kind, event.data["kept"], event.data["requested_by"]) == (UNDONE, undone.kept, "bob")
    assert Restore.objects.get(pk=done.copy.run).target == undone.kept
    row = Restore.objects.get(pk=undone.run)
    assert (row.kind, row.kept, row.requested_by) == ("undoing", undone.kept, "bob")
    again = undo_replacement(spoilt.alias, confirm=name)
    assert first(spoilt) == "later" and again.restored == undone.kept and spoilt.kept() == [again.kept]
    told = Restore.objects.order_by("pk").values_list("pk", "kind", "target", "kept")
    before = list(told)
    assert (done.copy.run, "copy", spoilt.name, "") in before
    Restore.objects.all().delete()
    sync_backups(spoilt.alias)
    assert list(told) == before


def test_undoing_needs_no_storage(spoilt: Engine, catalogue: Path) -> None:
    replace(spoilt)
    catalogue.rename(catalogue.with_name("elsewhere"))
    undone = undo_replacement(spoilt.alias, confirm=typed_name(spoilt))
    assert first(spoilt) == "spoilt" and "cannot be recorded" in undone.notes[0]
    catalogue.with_name("elsewhere").rename(catalogue)


def test_what_is_kept_goes_when_its_grace_is_over_and_the_repository_knows_of_it(spoilt: Engine) -> None:
    done, now = replace(spoilt), datetime.now(UTC)
    unknown = spoilt.at(spoilt.kept_name("20200101T000000Z-3f9a2c"))
    with spoilt.snapshot() as snapshot:
        unknown.create(snapshot.facts())
    assert drop_replaced(spoilt.alias, now + timedelta(hours=23)) == []
    assert drop_replaced(spoilt.alias, now + timedelta(hours=25)) == [done.kept]
    assert spoilt.kept() == [unknown.name] and spoilt.exists()


def test_pruning_lists_what_is_kept_and_drops_it_when_its_grace_is_over(yard: Engine, settings: Any) -> None:
    back_up(yard)
    kept = replace(yard).kept
    for dry_run in (True, False):
        seen = prune_backups(yard.alias, dry_run=dry_run)
        assert ([one.name for one in seen.kept], seen.dropped) == ([kept], []) and yard.kept() == [kept]
    settings.BACKUPS = {**settings.BACKUPS, "GRACE": timedelta(0)}
    seen = prune_backups(yard.alias)
    assert (seen.kept, seen.dropped) == ([], [kept]) and yard.kept() == [] and yard.exists()


def test_killed_before_any_operation_the_next_command_says_how_things_stand(spoilt: Engine) -> None:
    repository, said, killed = Repository.open(spoilt.alias), [], 0
    # The engines' contract meets every operation; here on servers every second one.
    for number in range(1, 40) if spoilt.vendor == "sqlite" else range(2, 40, 2):
        execute(spoilt, SPOIL)
        was = contents(spoilt)
        came = killed_at(number, lambda tell: replace(spoilt, progress=tell))
        now = first(spoilt)
        assert now in ("spoilt", "N00001")
        notes = sweep(spoilt, repository)
        if not came:
            break
        killed += 1
        kept = spoilt.kept()
        if "before its one step" in notes[0]:
            assert contents(spoilt) == was and now == "spoilt" and kept == [] and "restore_db --replace" in notes[0]
            row = Restore.objects.get(target=spoilt.at(spoilt.scratch_name(notes[0].split()[2])).name)
            assert (row.status, row.error) == (
                "interrupted",
                f"Dropped, since its replacement {notes[0].split()[2]} was killed.",
            )
        else:
            assert "after its one step" in notes[0] and now == "N00001" and kept[0] in notes[0]
            assert contents(spoilt.at(kept[0])) == was
            spoilt.at(kept[0]).drop()
        said.append(notes[0].split("killed ")[1].split(" its one")[0])
        copy = spoilt.at(spoilt.scratch_name(notes[0].split()[2]))
        assert sweep(spoilt, repository) == [] and not copy.exists()
    assert killed > 2 and {"before", "after"} == set(said) and said == sorted(said, reverse=True)
    assert len(query(spoilt, "SELECT id FROM shop_order")) == ORDERS - 1


def in_the_way(step: Step) -> None:
    """Let nothing be exchanged."""
    if step.stage == "promote":
        raise TargetError("Somebody is in the way.")


def test_a_copy_that_was_dropped_with_its_replacement_says_so_and_why(spoilt: Engine) -> None:
    was = contents(spoilt)
    with pytest.raises(TargetError, match="in the way"):
        replace(spoilt, progress=in_the_way)
    row = Restore.objects.get()
    # Others may be at work on the server.
    assert contents(spoilt) == was and row.target not in spoilt.leftovers()
    assert (row.kind, row.status) == ("copy", "failed") and "replacement failed: Somebody is in the way." in row.error
    assert row.verification is not None and row.verification.status == "passed"
    (line,) = list_restores(spoilt.alias)[0]
    assert (line.id, line.status, line.error) == (row.pk, "failed", row.error)
    Restore.objects.all().delete()
    sync_backups(spoilt.alias)
    again = Restore.objects.get()
    assert (again.pk, again.status, again.error, again.rows) == (row.pk, "failed", row.error, row.rows)


def test_storage_alone_tells_of_it_too(yard: Engine, ledger: str) -> None:
    back_up(yard)
    with pytest.raises(TargetError):
        replace(yard, progress=in_the_way)
    before = list_restores(yard.alias)[0]
    LedgerRouter.alias = yard.alias  # where no catalogue is
    (line,), note = list_restores(yard.alias)
    assert "There is no catalogue" in note
    assert [(line.id, line.status, line.error)] == [(one.id, one.status, one.error) for one in before]


def test_of_an_encrypted_backup_the_reason_stands_in_the_catalogue_alone(
    yard: Engine, settings: Any, tmp_path: Path
) -> None:
    identity = age_identity(tmp_path)
    keys = {"SIGNING_KEY": "one", "RECIPIENTS": [identity.public], "IDENTITY_FILE": identity.path}
    settings.BACKUPS = {**settings.BACKUPS, **keys}
    back_up(yard)
    with pytest.raises(TargetError):
        replace(yard, progress=in_the_way)
    assert "Somebody is in the way." in Restore.objects.get().error
    Restore.objects.all().delete()
    sync_backups(yard.alias)
    assert (Restore.objects.get().status, Restore.objects.get().error) == ("failed", "")
