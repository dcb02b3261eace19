"""Whatever is wrong with a repository makes the check that looks at it fail, alone, and names the object and its tables."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from django.test import override_settings

from backups.chain import Head
from backups.contents import Contents
from backups.exceptions import WrongSigningKey
from backups.repository import damage
from backups.repository.events import VERIFIED, Event, record
from backups.repository.names import new_run
from backups.verification import Level, Status, Subject, stored, verify
from tests.yard import (
    all_objects,
    back_up,
    details,
    entry_of,
    execute,
    flip,
    named,
    new_repository,
    path_of,
    prove,
    recommit,
)

PARTS = ("schema", "witness", "migrations", "sources")


def record_event(yard) -> str:
    """Record that the backup was verified, and return the event's name."""
    manifest = yard.committed.manifest
    event = Event(VERIFIED, manifest.run, new_run(), yard.committed.digest, datetime.now(UTC), {"status": "passed"})
    return record(yard.repository, event)


def object_of(yard, kind: str) -> str:
    """Return the name of one object of a kind."""
    contents, manifest = Contents(yard.repository, yard.committed.manifest), yard.committed.manifest
    orders = entry_of(yard.committed, "shop_order")
    found = {
        "chunk": lambda: list(contents.entries(orders))[4].name,
        "shared chunk": lambda: manifest.shared[0].name,
        "page": lambda: orders.pages[0].name,
        **{f"part {name}": lambda name=name: manifest.parts[name].name for name in PARTS},
        "manifest": lambda: manifest.name,
        "event": lambda: record_event(yard),
    }
    return found[kind]()


CHECKS = {
    "chunk": ("stored", "It costs: shop_order."),
    "shared chunk": ("stored", "It costs: django_migrations, readings."),
    "page": ("stored", "It costs: shop_order."),
    **{f"part {name}": ("stored", f"It costs: ({name}).") for name in PARTS},
    "manifest": ("signature", "tampered"),
    "event": ("events", "delete that object"),
}


def only(yard, expected: str, *said: str, level: Level = Level.STORED) -> None:
    """See that exactly one check fails, and what it says."""
    result = prove(yard.engine, yard.repository, yard.committed, level)
    assert named(result.findings) == {expected}, details(result.findings)
    assert result.status == Status.FAILED
    for text in said:
        assert text in details(result.findings)


@pytest.mark.parametrize("kind", ["chunk", "shared chunk", "page", "part schema", "part migrations"])
def test_at_level_restore_damage_costs_the_restore_and_nothing_is_left_of_it(file_yard, kind: str) -> None:
    flip(path_of(file_yard.repository, object_of(file_yard, kind)))
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed, Level.RESTORE)
    assert named(result.findings) == {"stored"}, details(result.findings)
    assert CHECKS[kind][1] in details(result.findings)
    assert {f.status for f in result.findings if f.name in ("restore", "content")} == {Status.SKIPPED}
    assert (result.restore_seconds, result.target) == (None, "")


def test_level_restore_accounts_for_every_object_though_it_opens_none_twice(file_yard, monkeypatch) -> None:
    said, opened = [], []
    plain = stored.StoredCheck._fetched

    def fetched(check, objects):
        for named_object, future in plain(check, objects):
            opened.append(named_object[0])
            yield named_object, future

    monkeypatch.setattr(stored.StoredCheck, "_fetched", fetched)
    for level in (Level.STORED, Level.RESTORE):
        opened.clear()
        result = prove(file_yard.engine, file_yard.repository, file_yard.committed, level)
        said += [(f.status, f.expected, f.actual) for f in result.findings if f.name == "stored"]
    assert len(said) == 2
    assert said[0] == said[1]
    assert "chunk" not in opened


@pytest.mark.parametrize("kind", CHECKS)
@pytest.mark.parametrize("place", [0, -1], ids=["first byte", "last byte"])
def test_a_flipped_byte_is_found(file_yard, kind, place):
    name = object_of(file_yard, kind)
    assert prove(file_yard.engine, file_yard.repository, file_yard.committed, Level.STORED).status == Status.PASSED
    flip(path_of(file_yard.repository, name), place)
    check, cost = CHECKS[kind]
    # A first byte that is wrong is no forged signature, but none.
    only(file_yard, check, name, *([cost] if (kind, place) != ("manifest", 0) else []))


@pytest.mark.parametrize("kind", [kind for kind, (check, _) in CHECKS.items() if check == "stored"])
@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    ],
    ids=["missing", "empty", "cut short", "longer"],
)
def test_an_object_that_is_missing_or_of_another_length_is_found(file_yard, kind, harm: Callable):
    name = object_of(file_yard, kind)
    harm(path_of(file_yard.repository, name))
    only(file_yard, "stored", name, CHECKS[kind][1])


def test_an_object_in_the_place_of_another_is_found(file_yard):
    chunk, page = object_of(file_yard, "chunk"), object_of(file_yard, "page")
    shutil.copyfile(path_of(file_yard.repository, page), path_of(file_yard.repository, chunk))
    only(file_yard, "stored", chunk)


def test_a_damaged_page_hides_no_damage_of_other_pages_and_tables(file_yard):
    orders = entry_of(file_yard.committed, "shop_order")
    other = list(Contents(file_yard.repository, file_yard.committed.manifest).entries(orders))[-1].name
    damaged = [object_of(file_yard, "page"), object_of(file_yard, "shared chunk"), other]
    for name in damaged:
        flip(path_of(file_yard.repository, name))
    only(file_yard, "stored", *damaged)


def test_of_very_many_damaged_objects_only_the_first_are_told_one_by_one(file_yard, monkeypatch):
    monkeypatch.setattr(stored, "SHOWN", 3)
    names = [name for name in all_objects(file_yard.repository) if name.partition("/")[0] in ("chunks", "parts")]
    for name in names:
        path_of(file_yard.repository, name).unlink()
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed, Level.STORED)
    assert len([f for f in result.findings if f.status == Status.FAILED]) == 4
    assert f"{len(names) - 3} more objects are missing or damaged." in details(result.findings)
    assert len(damage.noted(file_yard.repository)) == len(names)


def test_nothing_is_restored_from_a_backup_that_is_damaged_in_storage(file_yard):
    flip(path_of(file_yard.repository, object_of(file_yard, "chunk")))
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed)
    assert named(result.findings) == {"stored"}
    assert {"restore", "rows", "content"} <= named(result.findings, Status.SKIPPED)
    assert (result.status, result.target, result.restore_seconds) == (Status.FAILED, "", None)


def test_a_record_that_is_damaged_does_not_keep_a_backup_from_being_restored(file_yard):
    name = object_of(file_yard, "event")
    flip(path_of(file_yard.repository, name))
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed)
    assert named(result.findings) == {"events"} and named(result.findings, Status.SKIPPED) == set()
    path_of(file_yard.repository, name).unlink()
    assert prove(file_yard.engine, file_yard.repository, file_yard.committed).status == Status.PASSED


def test_a_record_of_another_manifest_is_found(file_yard):
    manifest = file_yard.committed.manifest
    event = Event(VERIFIED, manifest.run, new_run(), "0" * 64, datetime.now(UTC), {"status": "passed"})
    only(file_yard, "events", record(file_yard.repository, event), "another manifest")


def test_files_that_are_none_of_ours_are_no_damage(file_yard):
    run = file_yard.committed.manifest.run
    for folder in ("backups", "chunks", "parts", f"events/{run}", "tmp"):
        path = path_of(file_yard.repository, f"{folder}/.DS_Store")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\0")
    assert prove(file_yard.engine, file_yard.repository, file_yard.committed).status == Status.PASSED


# Manifests that are not what was signed


def test_a_manifest_that_was_edited_is_found(file_yard):
    path = path_of(file_yard.repository, file_yard.committed.manifest.name)
    header, _, _ = path.read_bytes().partition(b"\n")
    other = recommit(file_yard.repository, file_yard.committed, sequence=7, requested_by="mallory")
    body = path_of(file_yard.repository, other.manifest.name).read_bytes().partition(b"\n")[2]
    path_of(file_yard.repository, other.manifest.name).unlink()
    path.write_bytes(header + b"\n" + body)
    only(file_yard, "signature", "tampered")


def test_a_manifest_that_was_moved_to_another_number_is_found(file_yard):
    second = back_up(file_yard.engine, file_yard.repository)
    path = path_of(file_yard.repository, second.manifest.name)
    moved = path.with_name(path.name.replace("00000002", "00000003"))
    path.rename(moved)
    subject = Subject(file_yard.repository, f"backups/{moved.name}", second.manifest.run)
    result = verify(subject, Level.STORED, new_run())
    # That number 2 is gone is no less true.
    assert named(result.findings) == {"signature", "chain"}
    assert "Backup number 2 was removed" in details(result.findings, "chain")


def test_a_manifest_of_another_repository_is_found(file_yard, tmp_path_factory):
    other = new_repository(tmp_path_factory.mktemp("other"))
    taken = recommit(other, file_yard.committed, repository=other.id, run=file_yard.committed.manifest.run, sequence=1)
    assert taken.manifest.name == file_yard.committed.manifest.name
    shutil.copyfile(path_of(other, taken.manifest.name), path_of(file_yard.repository, taken.manifest.name))
    only(file_yard, "signature", "tampered")


def forge(yard) -> None:
    """Put in the place of the backup's manifest one that is signed with a key of one's own."""
    path_of(yard.repository, yard.committed.manifest.name).unlink()
    with override_settings(BACKUPS={"SIGNING_KEY": "the forger's own"}):
        repository = new_repository(path_of(yard.repository, ".").parent)
        assert repository.id == yard.repository.id
        repository.commit(yard.committed.manifest)


def test_a_manifest_signed_with_a_key_of_the_forgers_own_is_found(file_yard):
    second = back_up(file_yard.engine, file_yard.repository)
    forge(file_yard)
    only(file_yard, "signature", "signed with another key", "SIGNING_KEY")
    result = prove(file_yard.engine, file_yard.repository, second, Level.STORED)
    assert named(result.findings) == {"chain"}
    assert file_yard.committed.manifest.name in details(result.findings)


def test_where_our_key_opens_nothing_it_is_not_the_backup_that_is_blamed(file_yard):
    forge(file_yard)
    with pytest.raises(WrongSigningKey) as raised:
        prove(file_yard.engine, file_yard.repository, file_yard.committed)
    assert "SIGNING_KEY_FALLBACKS" in raised.value.hint


# The chain


def three(yard) -> list:
    """Take two more backups, each after a change, and return all three."""
    made = [yard.committed]
    for number in (1, 2):
        execute(yard.engine, f"UPDATE shop_order SET quantity = quantity + 1 WHERE id = {number}")
        made.append(back_up(yard.engine, yard.repository))
    return made


def chain_only(yard, backups, *said: str, known: tuple[Head, ...] = ()) -> None:
    """See that the chain, and nothing else, fails for each of these backups."""
    for committed in backups:
        manifest = committed.manifest
        subject = Subject(yard.repository, manifest.name, manifest.run, yard.engine, known)
        result = verify(subject, Level.STORED, new_run())
        assert named(result.findings) == {"chain"}, details(result.findings)
        for text in said:
            assert text in details(result.findings)


def test_a_removed_backup_is_missed(file_yard):
    first, second, third = three(file_yard)
    path_of(file_yard.repository, second.manifest.name).unlink()
    chain_only(file_yard, [first, third], "Backup number 2 was removed")


def test_the_first_backup_is_missed_too(file_yard):
    first, second, third = three(file_yard)
    path_of(file_yard.repository, first.manifest.name).unlink()
    chain_only(file_yard, [second, third], "Backup number 1 was removed")


def test_a_replaced_backup_is_found(file_yard):
    first, second, third = three(file_yard)
    path_of(file_yard.repository, second.manifest.name).unlink()
    recommit(file_yard.repository, second, sequence=2, heads=(first.head,), warnings=("rewritten",))
    chain_only(file_yard, [first, third], f"Backup number 2 is not the one that {third.manifest.name} followed")


def test_a_damaged_manifest_beside_it_is_named_for_every_backup(file_yard):
    first, second, third = three(file_yard)
    flip(path_of(file_yard.repository, second.manifest.name))
    chain_only(file_yard, [first, third], second.manifest.name)


def test_a_rolled_back_repository_is_found_by_who_has_seen_more(file_yard):
    first, second, third = three(file_yard)
    known = (first.head, second.head, third.head)
    path_of(file_yard.repository, third.manifest.name).unlink()
    said = "Backup number 3 was seen before and is gone: the repository was rolled back"
    chain_only(file_yard, [first, second], said, known=known)
    assert prove(file_yard.engine, file_yard.repository, first, Level.STORED).status == Status.PASSED


def test_another_history_than_the_one_that_was_seen_is_found(file_yard):
    first, second, third = three(file_yard)
    path_of(file_yard.repository, third.manifest.name).unlink()
    other = recommit(file_yard.repository, second, heads=(second.head,))
    said = "Backup number 3 has another content than when it was last seen"
    chain_only(file_yard, [first, second, other], said, known=(third.head,))


def test_two_writers_at_once_are_no_break_of_the_chain(file_yard):
    first = file_yard.committed
    recommit(file_yard.repository, first)
    recommit(file_yard.repository, first)
    result = prove(file_yard.engine, file_yard.repository, first, Level.STORED)
    assert result.status == Status.PASSED
    assert len([name for name in all_objects(file_yard.repository) if name.startswith("backups/00000002")]) == 2
