"""Bits that flip anywhere in an encrypted repository are found by a server that can open none of its rows."""

import os
import random
from collections import Counter
from typing import Any

from backups.engines.base import Engine
from backups.exceptions import BackupsError
from backups.repository import Repository
from backups.verification import Level, Status
from tests.identities import age_identity
from tests.services.helpers import back_up
from tests.yard import all_objects, execute, flip, path_of, prove

FLIPS = int(os.environ.get("LIFEBOAT_TEST_FLIPS", "150"))


def outcome(engine: Engine, flipped: str) -> str:
    """Open the repository afresh and check every stored byte of every backup: found, refused, or nothing."""
    try:
        repository = Repository.open(engine.alias)
        listing = [repository.read_manifest(listed.name) for listed in repository.listing() if listed.name != flipped]
        results = [prove(engine, repository, committed, Level.STORED) for committed in listing]
    except BackupsError as error:
        assert str(error)
        return "refused"
    return "found" if any(result.status != Status.PASSED for result in results) else "nothing"


def test_flipped_bits_are_found_without_an_identity(yard: Engine, settings: Any, tmp_path_factory: Any) -> None:
    made = age_identity(tmp_path_factory.mktemp("keys"))
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [made.public]}
    back_up(yard)
    execute(yard, "UPDATE shop_order SET quantity = 31 WHERE id = 30")
    back_up(yard)
    repository = Repository.open(yard.alias)
    # The id of a repository is bound into everything; what else that object says changes nothing.
    names = [name for name in all_objects(repository) if name != "repository.json"]
    chance, outcomes = random.Random(20261122), Counter[tuple[str, str]]()
    for number in range(max(FLIPS, len(names))):
        name = names[number % len(names)]
        path = path_of(repository, name)
        place, bit = chance.randrange(path.stat().st_size), 1 << chance.randrange(8)
        flip(path, place, bit)
        found = outcome(yard, name)
        assert found != "nothing", f"bit {bit} of byte {place} of {name} is not found"
        outcomes[found, name.partition("/")[0]] += 1
        flip(path, place, bit)
    assert {kind for _, kind in outcomes} == {"backups", "chunks", "keys", "pages", "parts"}
    assert outcome(yard, "") == "nothing"
