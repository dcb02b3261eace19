"""Bits that flip anywhere in a repository are found by a verification, or shown to change nothing that anybody reads."""

import os
import random
from collections import Counter

import pytest

from backups.contents import Contents
from backups.exceptions import BackupsError
from backups.repository import Repository
from backups.repository.pulse import beating
from backups.verification import Level, Status, Subject, verify
from tests.faults import World, world  # noqa: F401 (a fixture)
from tests.test_crashes import filled  # noqa: F401 (a fixture)
from tests.test_hostile import full  # noqa: F401 (a fixture)
from tests.verification.test_storage_damage import record_event
from tests.yard import all_objects, back_up, details, execute, flip, path_of, prove

FLIPS = 400
BYTES = int(os.environ.get("LIFEBOAT_TEST_FLIPS", "200"))
SEED = int(os.environ.get("LIFEBOAT_TEST_SEED", "20261122"))
HARMLESS = {"repository.json", "runs", "damaged"}


def read_everything(repository: Repository) -> list:
    """Return all that can be read of a repository: the description, the parts and the rows of every backup."""
    read: list = [repository.id]
    for listed in repository.listing():
        manifest = repository.read_manifest(listed.name).manifest
        contents = Contents(repository, manifest)
        read += [manifest, [contents.part(name) for name in sorted(manifest.parts)]]
        read += [list(contents.lines(entry)) for entry in manifest.tables]
    return read


def outcome(yard, name: str) -> str:
    """Open the repository afresh and verify every backup: found, refused, or nothing."""
    try:
        repository = Repository.open("yard", storage=yard.repository.objects.storage)
        listing = [repository.read_manifest(listed.name) for listed in yard.repository.listing() if listed.name != name]
        results = [prove(yard.engine, repository, committed, Level.STORED) for committed in listing]
        if name.startswith("backups/"):
            results.append(prove(yard.engine, repository, yard.committed, Level.STORED))
    except BackupsError as error:
        assert str(error)
        return "refused"
    return "found" if any(result.status != Status.PASSED for result in results) else "nothing"


@pytest.mark.slow
def test_flipped_bits_are_found_or_harmless(file_yard):
    repository = file_yard.repository
    record_event(file_yard)
    execute(file_yard.engine, "UPDATE shop_order SET quantity = 31 WHERE id = 30")
    back_up(file_yard.engine, repository)
    chance, outcomes = random.Random(20261122), Counter()
    with beating(repository, "20261122T000000Z-abcdef", "backup", "yard"):
        whole, names = read_everything(repository), all_objects(repository)
        for number in range(FLIPS):
            name = names[number % len(names)]
            path = path_of(repository, name)
            place, bit = chance.randrange(path.stat().st_size), 1 << chance.randrange(8)
            flip(path, place, bit)
            found = outcome(file_yard, name)
            if found == "nothing":
                assert name.partition("/")[0] in HARMLESS, f"bit {bit} of byte {place} of {name} is not found"
                afresh = Repository.open("yard", storage=repository.objects.storage)
                assert read_everything(afresh) == whole
            outcomes[found, name.partition("/")[0]] += 1
            flip(path, place, bit)
    kinds = {kind for found, kind in outcomes if found != "nothing"}
    assert kinds == {"backups", "chunks", "events", "pages", "parts", "repository.json"}
    assert read_everything(repository) == whole


def looked_at(at: World) -> tuple[str, Repository | None]:
    """Open a repository afresh and verify every backup: refused, found, healed, or nothing."""
    try:
        repository = at.repository
        results = [
            verify(Subject(repository, listed.name, listed.run), Level.STORED, "20261122T000000Z-abcdef")
            for listed in repository.listing()
        ]
    except BackupsError as error:
        assert str(error)
        return "refused", None
    if any(result.status != Status.PASSED for result in results):
        return "found", None
    return ("healed" if repository.healed else "nothing"), repository


def test_any_byte_of_any_object(full: World) -> None:  # noqa: F811
    """LIFEBOAT_TEST_FLIPS of them; each is found by a verification at level stored, or nobody reads anything else."""
    storage, whole = full.storage, read_everything(full.repository)
    kept, listing = dict(storage.objects), len(full.repository.listing())
    names, chance, outcomes = sorted(kept), random.Random(SEED), Counter[tuple[str, str]]()
    for number in range(BYTES):
        name = names[number % len(names)]
        data = bytearray(kept[name])
        place, change = chance.randrange(len(data)), chance.randrange(1, 256)
        data[place] ^= change
        storage.objects[name] = bytes(data)
        found, repository = looked_at(full)
        kind = name.split("/")[1]
        if repository is not None and found == "nothing":
            assert kind in HARMLESS, f"byte {place} of {name} with {change} changed is not found"
            assert len(repository.listing()) == listing and read_everything(repository) == whole
        outcomes[kind, found] += 1
        storage.objects = dict(kept)
    print(f"{sum(outcomes.values())} flips:", dict(sorted(outcomes.items())))
    assert sum(outcomes.values()) == BYTES
    assert {kind for kind, found in outcomes if found == "nothing"} <= HARMLESS


def test_after_all_damage_was_noted_one_backup_makes_everything_whole(file_yard):
    repository = file_yard.repository
    for folder in ("chunks", "pages", "parts"):
        for path in sorted(path_of(repository, folder).rglob("*.*")):
            flip(path)
    assert prove(file_yard.engine, repository, file_yard.committed, Level.STORED).status == Status.FAILED
    healed = back_up(file_yard.engine, repository)
    result = prove(file_yard.engine, repository, healed)
    assert result.status == Status.PASSED, details(result.findings)
