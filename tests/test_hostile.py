"""A repository that somebody else can write to, and the key in the wrong hands: sentences, bounded memory, nothing written."""

import hashlib
import json
import os
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from backups.contents import Contents
from backups.exceptions import BackupsError, ObjectDamaged
from backups.manifest import Entry, Stored
from backups.repository import damage, frames
from backups.repository.events import events_of
from backups.repository.names import new_run
from backups.repository.runs import Beat, beats, put_beat
from backups.rows import Decoder
from backups.services.backup import create_backup
from backups.services.listing import list_backups
from backups.services.restore import restore_backup
from backups.services.sync import sync_backups
from backups.services.verify import verify_backup
from backups.verification import Level
from tests.faults import World, world  # noqa: F401 (a fixture)
from tests.hostile import KINDS
from tests.test_crashes import ITEMS, back_up, change, filled  # noqa: F401 (a fixture)
from tests.yard import SMALL, query

CASES = int(os.environ.get("LIFEBOAT_TEST_CASES", "16"))
"""Of each kind."""


@pytest.fixture
def full(filled: World) -> World:  # noqa: F811
    """A world whose repository holds something of every kind."""
    back_up(filled)
    verify_backup(filled.alias, level=Level.STORED)
    change(filled)
    last = back_up(filled).committed
    verify_backup(filled.alias, level=Level.STORED)
    repository = filled.repository
    stored = last.manifest.shared[0]
    damage.note(repository, stored.name, "for the test", "chunk", stored)
    then = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    put_beat(repository, Beat(new_run(), "verification", filled.alias, "elsewhere", 1, then, then), 0)
    filled.remember()
    return filled


def read_all(world: World) -> None:  # noqa: F811
    """Read everything there is by the inner ways: beats, notes, manifests, records, each row."""
    repository = world.repository
    for beat in beats(repository):
        assert beat.sentence()
        beat.alive(datetime.now(UTC))
    list(damage.read(repository))
    for listed in repository.listing():
        committed = repository.read_manifest(listed.name)
        contents = Contents(repository, committed.manifest)
        for entry in committed.manifest.tables:
            for line in contents.lines(entry):
                Decoder(entry.table).decode(line)
        contents.schema()
        contents.applied()
        events_of(repository, listed.run, committed.digest)


VERBS = {
    "read": read_all,
    "list": lambda at: list_backups(at.alias),
    "list without a catalogue": lambda at: (forget(at), list_backups(at.alias)),
    "verify": lambda at: verify_backup(at.alias),
    "restore": lambda at: restore_backup(at.alias, to="restored"),
    "restore what is verified": lambda at: restore_backup(at.alias, "latest-verified", to="restored"),
    "sync": lambda at: (forget(at), sync_backups(at.alias)),
    "back up": lambda at: create_backup(at.alias, limits=SMALL),
}


def forget(world: World) -> None:  # noqa: F811
    """Empty the catalogue."""
    from backups.models import Backup

    Backup.objects.filter(database=world.alias).delete()


def outcome(world: World, verb: str) -> str:  # noqa: F811
    """Do a verb and return how it ended: whatever is raised must be a sentence of ours."""
    try:
        done = VERBS[verb](world)
    except BackupsError as error:
        assert str(error).strip() and "\n" not in str(error)[:200]
        return "refused"
    return getattr(getattr(done, "result", None), "status", "done")


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_forged_is_refused_in_a_sentence(full: World, kind: str) -> None:
    rows, folder = query(full.engine, ITEMS), sorted(path.name for path in full._paths())
    chance, ends = Random(f"{kind} 20261122"), Counter[str]()
    for case in range(CASES):
        name = KINDS[kind](full, chance)
        verb = list(VERBS)[case % len(VERBS)]
        try:
            ends[outcome(full, verb)] += 1
        except BaseException as error:
            error.add_note(f"{kind}, case {case}: {verb} after {name} was forged: {_shown(full, name)}")
            raise
        assert query(full.engine, ITEMS) == rows
        made = {path.name for path in full._paths()} - set(folder)
        assert made <= {"restored.sqlite3", "world.sqlite3.lock"} or verb.startswith("restore"), made
        assert set(full.storage.objects) and all(key.startswith(full.alias) for key in full.storage.objects)
        full.reset()
    print(dict(ends))
    assert sum(ends.values()) == CASES


def _shown(world: World, name: str) -> str:  # noqa: F811
    data = world.storage.objects.get(f"{world.alias}/{name}", world.storage.objects.get(name, b""))
    if name.startswith("backups/"):
        _, _, body = data.partition(b"\n")
        size, _, frame = body.partition(b"\n")
        data = frames.decompress(frame, int(size)) if size.isdigit() else data
    return repr(data[:3000])


# What exactly is refused, and what it takes


def planted(world: World, forged: bytes, size: int, **more: int) -> tuple[Stored, int]:  # noqa: F811
    """Plant bytes as a chunk that says of itself whatever it likes, open it, and return it and the most memory it took."""
    repository = world.repository
    digest = hashlib.sha256(forged).hexdigest()
    stored = Stored("ab" * 32, f"chunks/ab/{'ab' * 32}.{new_run()}", size, more.get("stored", len(forged)), digest)
    world.storage.objects[f"{world.alias}/{stored.name}"] = forged
    tracemalloc.start()
    try:
        with pytest.raises(ObjectDamaged):
            repository.get("chunk", stored)
        return stored, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_bomb_takes_no_more_than_it_says(full: World) -> None:
    bomb = frames.compress(b"\0" * 100_000_000)
    assert len(bomb) < 20_000
    _, peak = planted(full, bomb, 1000)
    assert peak < 2_000_000


def test_of_an_object_that_is_larger_than_it_says_no_more_is_read(full: World) -> None:
    data = b"x" * 30_000_000
    _, peak = planted(full, data, 1000, stored=500)
    # The storage of these tests holds and hands out its own bytes; ours are the few that are read of them.
    assert peak < 2_000_000


@pytest.mark.parametrize("rows", [0, 2])
def test_a_chunk_that_says_that_it_is_larger_than_chunks_are(full: World, rows: int) -> None:
    data = frames.compress(b"\0" * 100_000_000)
    digest = hashlib.sha256(data).hexdigest()
    entry = Entry("ab" * 32, f"chunks/ab/{'ab' * 32}.{new_run()}", 100_000_000, len(data), digest, rows)
    full.storage.objects[f"{full.alias}/{entry.name}"] = data
    with pytest.raises(ObjectDamaged, match="which no such object has"):
        full.repository.get("chunk", entry)


def forged(world: World, change: Callable[[dict[str, Any]], None]) -> None:  # noqa: F811
    """Change what the newest manifest says, with the signing key."""
    repository = world.repository
    name = repository.find("latest").name
    said = json.loads(repository.read_manifest(name).manifest.to_bytes())
    change(said)
    packed = json.dumps(said).encode()
    body = b"%d\n" % len(packed) + frames.compress(packed)
    world.storage.objects[f"{world.alias}/{name}"] = repository.sign("manifest", name, body)


def content_of(world: World, said: dict[str, Any], replace: Callable[[bytes], bytes], rows: int) -> None:  # noqa: F811
    """Put other lines into the shared chunk, which the manifest then names and counts as it should."""
    repository = world.repository
    shared = said["shared"][0]
    plaintext = repository.get("chunk", Entry(**{**shared, "first": (), "last": ()}))
    table = next(entry for entry in said["tables"] if entry["slice"] and entry["table"]["name"] == "tags")
    where = table["slice"]
    lines = replace(plaintext[where["offset"] : where["offset"] + where["bytes"]])
    stored = repository.put("chunk", lines, new_run())
    said["shared"].append({**asdict(stored), "rows": rows, "first": [], "last": []})
    table["slice"] = {"chunk": len(said["shared"]) - 1, "offset": 0, "bytes": len(lines), "sha256": stored.id}
    table["rows"] = rows


REFUSED: dict[str, tuple[Callable[[World, dict[str, Any]], None], str]] = {
    "a row twice": (lambda at, said: content_of(at, said, lambda lines: lines * 2, 2), "UNIQUE constraint failed"),
    "rows of another table": (
        lambda at, said: content_of(at, said, lambda lines: lines.replace(b"tables.tags", b"tables.items"), 1),
        "belongs to 'tables.items'",
    ),
    "more rows than it counts": (lambda at, said: content_of(at, said, lambda lines: lines * 2, 1), "2 rows instead of 1"),
    "a table twice": (lambda at, said: said["tables"].append(said["tables"][0]), "names a table twice"),
    "a size below zero": (lambda at, said: said["parts"]["schema"].update(bytes=-2), "not a manifest"),
    "a name that leads out": (lambda at, said: said["parts"]["schema"].update(name="../../etc/passwd"), "no name for a part"),
    "a name of another id": (lambda at, said: said["parts"]["schema"].update(id="0" * 64), "no name for a part"),
    "another repository": (lambda at, said: said.update(repository="0" * 32), "another backup than its name says"),
    "a newer format": (lambda at, said: said.update(format=2), "format version 2"),
    "what is not known": (lambda at, said: said.update(requires=["magic"]), "needs magic"),
    "a pruned backup to come": (
        lambda at, said: said.update(gaps=[{"first": 1, "last": 10**9, "before": "", "digest": ""}]), "cannot have been before"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_backup_that_says_something_impossible_does_not_restore(full: World, what: str) -> None:
    change_it, said = REFUSED[what]
    forged(full, lambda manifest: change_it(full, manifest))
    before = dict(full.storage.objects)
    with pytest.raises(BackupsError) as raised:
        restore_backup(full.alias, to="restored")
    assert said in str(raised.value)
    assert not full.engine.at(full.engine.resolve("restored")).exists() and full.engine.leftovers() == []
    changed = {name for name, data in full.storage.objects.items() if before.get(name) != data}
    assert all("/damaged/" in name for name in changed), changed
