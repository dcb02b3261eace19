"""Bits that flip anywhere in a repository are found by a verification, or shown to change nothing that anybody reads."""

import random
from collections import Counter

import pytest

from backups.contents import Contents
from backups.exceptions import BackupsError
from backups.repository import Repository
from backups.repository.runs import beating
from backups.verification import Level, Status
from tests.verification.test_storage_damage import record_event
from tests.yard import all_objects, back_up, details, execute, flip, path_of, prove

FLIPS = 400
HARMLESS = {"repository.json", "runs"}


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


def test_after_all_damage_was_noted_one_backup_makes_everything_whole(file_yard):
    repository = file_yard.repository
    for folder in ("chunks", "pages", "parts"):
        for path in sorted(path_of(repository, folder).rglob("*.*")):
            flip(path)
    assert prove(file_yard.engine, repository, file_yard.committed, Level.STORED).status == Status.FAILED
    healed = back_up(file_yard.engine, repository)
    result = prove(file_yard.engine, repository, healed)
    assert result.status == Status.PASSED, details(result.findings)
