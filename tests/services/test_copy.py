"""Copies in other storages: the same objects, put so that what a copy lists is whole, wherever it is killed or refused."""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, storages

from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, ObjectDamaged, StorageUnavailable
from backups.models import Backup
from backups.repository import Repository, damage
from backups.repository.copying import Copying
from backups.repository.names import new_run
from backups.repository.places import using
from backups.repository.repository import Repository as Opened
from backups.repository.runs import beats
from backups.repository.storage import LocalObjects
from backups.services.copy import copy_backups, lags
from backups.services.prune import prune_backups
from backups.services.restore import restore_backup
from backups.services.undelete import undelete_backup
from backups.services.verify import verify_backup
from backups.tasks import copy, prune
from backups.verification import Level, Status
from tests.faults import CRASHES, EVERYTHING, Crashed, Fault, FaultyStorage
from tests.identities import Identity, age_identity
from tests.s3 import BACKEND, s3, s3_url  # noqa: F401 (fixtures)
from tests.s3 import client as s3_client
from tests.services.conftest import FILES
from tests.services.helpers import back_up, contents, leave_beat
from tests.yard import all_objects, details, execute, flip, named, path_of


def primary(engine: Engine) -> Repository:
    return Repository.open(engine.alias)


def there(engine: Engine, offsite: Path) -> Repository:
    return Repository.open(engine.alias, storage=FileSystemStorage(location=offsite))


def tree(repository: Repository) -> dict[str, bytes]:
    """What lies in a repository."""
    return {
        name: path_of(repository, name).read_bytes() for name in all_objects(repository, ("tmp", "damaged", "runs"))
    }


def change(engine: Engine, number: int) -> None:
    execute(engine, f"UPDATE shop_order SET quantity = {number} WHERE id < 5")


def refuse(*_: object) -> None:
    raise StorageUnavailable("The storage failed: no route to it.")


def test_each_backup_gets_into_the_copy_and_only_what_is_missing_is_copied(yard: Engine, offsite: Path) -> None:
    done = back_up(yard)
    assert done.problems == () and tree(primary(yard)) == tree(there(yard, offsite))
    change(yard, 700)
    before = set(tree(there(yard, offsite)))
    second = back_up(yard).committed.manifest
    new = set(tree(there(yard, offsite))) - before
    assert tree(primary(yard)) == tree(there(yard, offsite)) and second.name in new
    assert 3 <= len(new) <= 6
    (copied,) = copy_backups(yard.alias)
    assert (copied.backups, copied.objects, copied.problems) == ([], 0, []) and lags(yard.alias) == []
    assert beats(there(yard, offsite)) == beats(primary(yard)) == []


def test_a_copy_that_fails_loses_no_backup_and_catches_up(yard: Engine, offsite: Path, monkeypatch: Any) -> None:
    back_up(yard)
    with monkeypatch.context() as away:
        away.setattr(Opened, "open_copy", refuse)
        done = back_up(yard)
        assert done.committed.manifest.sequence == 2 and "could not be brought up to date" in done.problems[0]
        assert "No backup was lost" in done.problems[0] and "Nothing was committed" not in done.problems[0]
    (said,) = lags(yard.alias)
    assert "lacks 1 of these backups" in said and done.committed.manifest.run in said
    (copied,) = copy_backups(yard.alias)
    assert copied.backups == [done.committed.manifest.run] and tree(primary(yard)) == tree(there(yard, offsite))


def test_the_newest_is_copied_first_and_its_manifest_last(
    yard: Engine, settings: Any, offsite: Path, monkeypatch: Any
) -> None:
    with monkeypatch.context() as before:
        before.setitem(settings.BACKUPS, "COPIES", {})
        settings.BACKUPS = {**settings.BACKUPS}
        runs = [back_up(yard).committed.manifest.run for _ in range(3)]
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {}}}
    source = primary(yard)
    for folder in (f"keys/{runs[0]}", "keys/id"):
        source.objects.put(f"{folder}/0", b"a wrapped key")
    assert "lacks 3" in lags(yard.alias)[0] and not offsite.exists()
    put: list[str] = []
    original = LocalObjects.put

    def watched(self: LocalObjects, name: str, data: bytes) -> None:
        if str(offsite) in self.place() and not name.startswith("runs/"):
            put.append(name)
        original(self, name, data)

    monkeypatch.setattr(LocalObjects, "put", watched)
    (copied,) = copy_backups(yard.alias)
    assert copied.backups == runs[::-1]
    kinds = [name.partition("/")[0] for name in put]
    first = kinds[: kinds.index("backups") + 1]
    assert list(dict.fromkeys(first)) == ["keys", "chunks", "pages", "parts", "backups"]


def test_what_happened_to_a_backup_is_copied_too(yard: Engine, offsite: Path) -> None:
    run = back_up(yard).committed.manifest.run
    verify_backup(yard.alias)
    assert there(yard, offsite).objects.list(f"events/{run}") == []
    copy_backups(yard.alias)
    assert tree(primary(yard)) == tree(there(yard, offsite))
    with using("offsite"):
        assert verify_backup(yard.alias, "latest-verified", level=Level.SIGNATURE).result.backup == run


def test_a_backup_that_the_copy_has_pruned_is_not_put_there_again(yard: Engine, offsite: Path) -> None:
    name = back_up(yard).committed.manifest.name
    target = there(yard, offsite)
    path = path_of(target, name.replace("backups/", "trash/"))
    path.parent.mkdir()
    path_of(target, name).rename(path)
    assert copy_backups(yard.alias)[0].backups == [] and target.listing() == [] and lags(yard.alias) == []
    # And it is whole in the first storage: nobody took it for removed.
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_either_side_heals_the_other(yard: Engine, offsite: Path, harm: Any) -> None:
    back_up(yard)
    whole = tree(primary(yard))
    names = [name for name in whole if name.startswith(("chunks/", "parts/", "pages/"))]
    harm(path_of(primary(yard), names[0]))
    proof = verify_backup(yard.alias, level=Level.STORED)
    assert proof.result.status == Status.PASSED
    assert any(names[0] in note and str(offsite) in note for note in proof.notes)
    assert {name: data for name, data in tree(primary(yard)).items() if name in whole} == whole
    # The copy: it is found by its own proof, and healed in the same way.
    harm(path_of(there(yard, offsite), names[1]))
    with using("offsite"):
        proof = verify_backup(yard.alias, level=Level.STORED)
    assert proof.result.status == Status.PASSED and names[1] in proof.notes[0]
    assert {name: data for name, data in tree(there(yard, offsite)).items() if name in whole} == whole


def test_what_was_noted_while_the_other_side_was_away_is_healed_by_the_next_copy(yard: Engine, offsite: Path) -> None:
    back_up(yard)
    whole = tree(primary(yard))
    names = [name for name in whole if name.startswith("chunks/")]
    for place, name in ((primary(yard), names[0]), (there(yard, offsite), names[1])):
        alone = Repository.open(yard.alias, storage=place.objects.storage)
        manifest = alone.read_manifest(alone.listing()[-1].name).manifest
        stored = next(s for s in _chunks(alone, manifest) if s.name == name)
        flip(path_of(alone, name))
        with pytest.raises(Exception, match="damaged"):
            alone.get("chunk", stored)
        assert len(damage.noted(alone)) == 1
    (copied,) = copy_backups(yard.alias)
    assert len(copied.notes) == 2 and all("is whole again" in note for note in copied.notes)
    assert tree(primary(yard)) == tree(there(yard, offsite)) == whole
    assert damage.noted(primary(yard)) == damage.noted(there(yard, offsite)) == frozenset()


def _chunks(repository: Repository, manifest: Any) -> Iterator[Any]:
    reading = Contents(repository, manifest)
    yield from manifest.shared
    for table in manifest.tables:
        yield from reading.entries(table)


def test_a_backup_that_is_nowhere_whole_is_told_and_the_others_are_copied(
    yard: Engine, offsite: Path, settings: Any
) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {}}
    first = back_up(yard).committed.manifest
    change(yard, 800)
    second = back_up(yard).committed.manifest
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {}}}
    source = primary(yard)
    theirs = {stored.name for stored in _chunks(source, second)}
    lost = next(stored.name for stored in _chunks(source, first) if stored.name not in theirs)
    path_of(source, lost).unlink()
    (copied,) = copy_backups(yard.alias)
    assert copied.backups == [second.run] and copied.behind == [first.run]
    assert lost in copied.problems[0] and first.run in copied.problems[0]
    assert [listed.run for listed in there(yard, offsite).listing()] == [second.run]


def test_with_the_first_storage_gone_a_copy_is_verified_and_restored(yard: Engine, offsite: Path) -> None:
    for number in (1, 2):
        change(yard, number)
        back_up(yard)
    then = contents(yard)
    Path(primary(yard).objects.place()).rename(offsite.with_name("lost"))
    with using("offsite"):
        assert verify_backup(yard.alias).result.status == Status.PASSED
        restored = restore_backup(yard.alias, to="from_copy")
    try:
        assert contents(restored.target) == then
    finally:
        restored.target.drop()


def test_what_a_copy_lacks_was_not_copied_and_what_all_lack_was_removed(
    yard: Engine, offsite: Path, monkeypatch: Any
) -> None:
    manifests = [back_up(yard).committed.manifest]
    with monkeypatch.context() as away:
        away.setattr(Opened, "open_copy", refuse)
        manifests.append(back_up(yard).committed.manifest)
    third = Copying(primary(yard), there(yard, offsite), _Calm(), lambda *_: None)  # type: ignore[arg-type]
    manifests.append(back_up(yard).committed.manifest)
    path_of(there(yard, offsite), manifests[1].name).unlink()
    assert [listed.sequence for listed in third.behind()] == [2]
    with using("offsite"):
        assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED
    path_of(primary(yard), manifests[1].name).unlink()
    for alias in ("offsite", "backups"):
        with using(alias):
            findings = verify_backup(yard.alias, level=Level.STORED).result.findings
            assert named(findings) == {"chain"} and "number 2 was removed" in details(findings)


class _Calm:
    """A pulse that is always in time."""

    def check(self) -> None:
        """Say nothing."""

    confirm = check


def test_a_copy_shows_that_the_newest_backups_were_removed_and_no_number_is_used_again(
    yard: Engine, offsite: Path
) -> None:
    for _ in range(3):
        newest = back_up(yard).committed.manifest
    path_of(primary(yard), newest.name).unlink()
    Backup.objects.all().delete()
    restored = restore_backup(yard.alias, to="older")
    restored.target.drop()
    assert any("lies backup number 3" in note for note in restored.notes)
    done = back_up(yard)
    assert done.committed.manifest.sequence == 4
    assert any("lies backup number 3" in problem and "removed" in problem for problem in done.problems)


def test_a_backup_is_never_taken_into_a_copy(yard: Engine, offsite: Path) -> None:
    with using("offsite"):
        run = back_up(yard).committed.manifest.run
    assert (
        [listed.run for listed in primary(yard).listing()] == [run] == [li.run for li in there(yard, offsite).listing()]
    )


def test_each_copy_has_a_retention_and_a_trash_of_its_own(yard: Engine, offsite: Path, settings: Any) -> None:
    own = {"offsite": {"RETENTION": {"last": 1}}}
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": own, "RETENTION": {"last": 2}, "GRACE": timedelta(0)}
    for number in range(1, 5):
        change(yard, number)
        back_up(yard)
    runs = [listed.run for listed in primary(yard).listing()]
    # Pruned in the first storage alone, then in the copy by its own policy; what one lacks the other accounts for.
    assert prune_backups(yard.alias).of("remove") == runs[1::-1]
    assert [listed.run for listed in there(yard, offsite).listing()] == runs
    rows = dict(Backup.objects.values_list("pk", "status"))
    assert prune(yard.alias, storage="offsite") == runs[2::-1]
    assert [listed.run for listed in there(yard, offsite).listing()] == runs[3:]
    assert dict(Backup.objects.values_list("pk", "status")) == rows
    # What the copy pruned is not put there again, even once its objects are gone; and nobody takes it for removed.
    for _ in range(2):
        (copied,) = copy_backups(yard.alias)
        assert (copied.backups, copied.problems) == ([], [])
        with using("offsite"):
            swept = prune_backups(yard.alias)
            assert swept.stops == [] and verify_backup(yard.alias).result.status == Status.PASSED
        assert verify_backup(yard.alias).result.status == Status.PASSED
    assert [listed.run for listed in there(yard, offsite).listing()] == runs[3:]
    assert [listed.run for listed in primary(yard).listing()] == runs[2:]
    assert len(tree(there(yard, offsite))) < len(tree(primary(yard)))
    assert lags(yard.alias) == []
    # And on: the next backup carries the gap, and is copied.
    change(yard, 9)
    assert back_up(yard).problems == ()
    with using("offsite"):
        assert verify_backup(yard.alias).result.status == Status.PASSED


def test_a_backup_that_a_copy_pruned_can_be_brought_back_there(yard: Engine, offsite: Path, settings: Any) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {"RETENTION": {"last": 1}}}}
    runs = [back_up(yard).committed.manifest.run for _ in range(2)]
    with using("offsite"):
        assert prune_backups(yard.alias).of("remove") == runs[:1]
        undelete_backup(yard.alias, runs[0])
        assert prune_backups(yard.alias).of("remove") == []
        assert verify_backup(yard.alias, runs[0]).result.status == Status.PASSED
    assert [listed.run for listed in there(yard, offsite).listing()] == runs


def test_another_repository_is_never_copied_into(yard: Engine, offsite: Path) -> None:
    back_up(yard)
    root = path_of(there(yard, offsite), "repository.json")
    said = json.loads(root.read_text())
    root.write_text(json.dumps({**said, "id": "0" * 32}))
    before = tree(there(yard, offsite))
    done = back_up(yard)
    assert "another repository" in done.problems[0] and tree(there(yard, offsite)) == before
    root.unlink()
    assert "repository.json is missing" in copy_backups(yard.alias)[0].problems[0]


def test_half_an_object_is_replaced(yard: Engine, offsite: Path, settings: Any) -> None:
    back_up(yard)
    target = there(yard, offsite)
    for name in tree(target):
        if not name.startswith("repository.json"):
            path = path_of(target, name)
            path.unlink() if name.startswith("backups/") else path.write_bytes(path.read_bytes()[:9])
    copy_backups(yard.alias)
    assert tree(primary(yard)) == tree(target)


def test_no_copy_is_made_while_the_copy_is_pruned(yard: Engine, offsite: Path) -> None:
    back_up(yard)
    run = new_run()
    leave_beat(there(yard, offsite), run, "prune", host="elsewhere", beat="2999-01-01T00:00:00+00:00")
    done = back_up(yard)
    assert "It may be being pruned" in done.problems[0]
    # Nobody knows that the one whose beat cannot be read is no prune.
    (offsite / yard.alias / "runs" / run / "0").write_bytes(b"half")
    (done,) = copy_backups(yard.alias)
    assert "It may be being pruned: the sign of life runs/" in done.problems[0]


def test_a_backup_that_is_pruned_while_it_is_copied_is_no_problem(
    yard: Engine, offsite: Path, monkeypatch: Any
) -> None:
    with monkeypatch.context() as away:
        away.setattr(Opened, "open_copy", refuse)
        name = back_up(yard).committed.manifest.name
    source, get = primary(yard), LocalObjects.get

    def pruned(self: LocalObjects, wanted: str, *most: int) -> bytes:
        if wanted.startswith("chunks/"):
            # Objects are read side by side: another reader may have come here first.
            for path in path_of(source, "chunks").glob("*/*"):
                path.unlink(missing_ok=True)
            path_of(source, name).unlink(missing_ok=True)
        return get(self, wanted, *most)

    monkeypatch.setattr(LocalObjects, "get", pruned)
    (copied,) = copy_backups(yard.alias)
    assert (copied.backups, copied.behind, copied.problems) == ([], [], []) and there(yard, offsite).listing() == []


def encrypt(settings: Any, tmp_path: Path) -> Identity:
    """Encrypt from here on, for an identity that is not on this host."""
    made = age_identity(tmp_path)
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": [made.public]}
    return made


def test_a_server_that_can_read_nothing_copies_heals_and_an_identity_restores_from_the_copy(
    yard: Engine, offsite: Path, settings: Any, tmp_path: Path
) -> None:
    identity = encrypt(settings, tmp_path)
    for number in (1, 2):
        change(yard, number)
        assert back_up(yard).problems == ()
    assert tree(primary(yard)) == tree(there(yard, offsite))
    keys = [name for name in tree(there(yard, offsite)) if name.startswith("keys/")]
    assert any(name.startswith("keys/id/") for name in keys) and len({name.split("/")[1] for name in keys}) == 3
    whole = tree(primary(yard))
    source = primary(yard)
    rotten = next(_chunks(source, source.read_manifest(source.find("latest").name).manifest)).name
    flip(path_of(source, rotten))
    proof = verify_backup(yard.alias, level=Level.STORED)
    assert proof.result.status == Status.PASSED and any(rotten in note for note in proof.notes)
    assert path_of(primary(yard), rotten).read_bytes() == whole[rotten]
    then = contents(yard)
    Path(primary(yard).objects.place()).rename(tmp_path / "lost")
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    with using("offsite"):
        restored = restore_backup(yard.alias, to="from_copy")
    try:
        assert contents(restored.target) == then
    finally:
        restored.target.drop()


def test_what_is_noted_while_it_is_encrypted_for_others_is_healed_before_it_is_copied(
    yard: Engine, offsite: Path, settings: Any, tmp_path: Path
) -> None:
    entry = {"BACKEND": FILES, "OPTIONS": {"location": str(tmp_path / "third")}}
    settings.STORAGES = {**settings.STORAGES, "third": entry}
    encrypt(settings, tmp_path)
    back_up(yard)
    source = primary(yard)
    flip(path_of(source, next(name for name in tree(source) if name.startswith("chunks/"))))
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"third": {}, "offsite": {}}}
    (copied,) = copy_backups(yard.alias, ["third"])
    assert copied.problems == [] and "is whole again" in copied.notes[0]
    assert tree(source) == tree(there(yard, offsite)) == tree(there(yard, tmp_path / "third"))


def test_a_copy_in_s3_is_brought_up_to_date_and_proven(yard: Engine, settings: Any, s3: dict[str, Any]) -> None:  # noqa: F811
    settings.STORAGES = {**settings.STORAGES, "cloud": {"BACKEND": BACKEND, "OPTIONS": s3}}
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"cloud": {}}}
    for number in (1, 2):
        change(yard, number)
        assert back_up(yard).problems == ()
    (copied,) = copy_backups(yard.alias)
    assert (copied.objects, copied.problems) == (0, [])
    with using("cloud"):
        assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED
    # What is damaged there is healed from here, and the other way about.
    whole, far = tree(primary(yard)), s3_client(s3)
    here, away = [name for name in whole if name.startswith("chunks/")][:2]
    far.put_object(Bucket=s3["bucket_name"], Key=f"{yard.alias}/{away}", Body=b"rotten")
    path_of(primary(yard), here).unlink()
    for alias in ("cloud", "backups"):
        with using(alias):
            proof = verify_backup(yard.alias, level=Level.STORED)
            assert proof.result.status == Status.PASSED and "is whole again" in proof.notes[-1]
    body = far.get_object(Bucket=s3["bucket_name"], Key=f"{yard.alias}/{away}")["Body"].read()
    assert body == whole[away] and path_of(primary(yard), here).read_bytes() == whole[here]


def test_only_copies_that_are_configured_are_made(yard: Engine, offsite: Path, settings: Any) -> None:
    back_up(yard)
    with pytest.raises(ConfigurationError, match="no copy 'elsewhere'; it names 'offsite'"):
        copy_backups(yard.alias, ["elsewhere"])
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {}}
    with pytest.raises(ConfigurationError, match="names no copy"):
        copy_backups(yard.alias)


def test_the_task_copies(yard: Engine, offsite: Path, monkeypatch: Any) -> None:
    with monkeypatch.context() as away:
        away.setattr(Opened, "open_copy", refuse)
        run = back_up(yard).committed.manifest.run
    assert copy(yard.alias) == [run] and copy(yard.alias) == []


def test_a_copy_that_dies_at_any_of_its_operations_lists_only_what_is_whole(
    yard: Engine, settings: Any, tmp_path: Path
) -> None:
    """Every third operation of the copy's storage, in one of the ways to die by turns; or each in all of them."""
    settings.STORAGES = {**settings.STORAGES, "faulty": {"BACKEND": "tests.faults.FaultyStorage"}}
    change(yard, 1)
    back_up(yard)
    change(yard, 2)
    back_up(yard)
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"faulty": {}}}
    faulty = storages["faulty"]
    assert isinstance(faulty, FaultyStorage)
    copy_backups(yard.alias)
    whole, points = (
        {name: data for name, data in faulty.objects.items() if "/runs/" not in name},
        len(faulty.operations),
    )
    died = [(number, CRASHES[number // 3 % 3]) for number in range(0, points, 3)]
    if EVERYTHING:
        died = [(number, effect) for number in range(points) for effect in CRASHES]
    for number, effect in died:
        faulty.objects.clear()
        faulty.arm(Fault(effect, at=number))
        with suppress(Crashed):
            copy_backups(yard.alias)
        faulty.heal()
        if any("/backups/" in name for name in faulty.objects):
            _lists_only_what_is_whole(yard, faulty, number)
        for name in faulty.objects:
            # Half of a beat might be a prune's for half an hour.
            faulty.age(name, timedelta(hours=1))
        (copied,) = copy_backups(yard.alias)
        assert copied.problems == [], number
        assert {name: data for name, data in faulty.objects.items() if "/runs/" not in name} == whole, number
    print(f"A copy of {points} operations was killed at {len(died)} points.")
    assert points > 100


def _lists_only_what_is_whole(yard: Engine, faulty: FaultyStorage, number: int) -> None:
    target = Repository.open(yard.alias, storage=faulty)
    for listed in target.listing():
        try:
            manifest = target.read_manifest(listed.name).manifest
        except ObjectDamaged:
            # Half of it, on a storage that does not store at once: it is no backup, and says so.
            continue
        for stored in _chunks(target, manifest):
            target.get("chunk", stored)
        for part in manifest.parts.values():
            target.get("part", part)
    assert target.healed == [], number
