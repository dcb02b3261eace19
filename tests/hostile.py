"""Objects as somebody would plant them who can write to the storage, with the signing key and without.

Each forger takes a world and a source of chance and changes one object; ``KINDS`` names them. Those with ``signed`` in
their name have the signing key: what they write passes every signature, and has to be refused for what it says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from random import Random
from typing import Any

from backups.manifest import Manifest
from backups.repository import Repository, frames
from backups.repository.names import object_name
from tests.faults import World

DEEP = b"[" * 100_000 + b"]" * 100_000
VALUES: list[Any] = [
    None, True, -1, 0, 2**63, -(2**70), 1e400, 0.5, "", "x" * 10_000, "../../etc/passwd", "/etc/passwd", "\x00", "\ud800",
    "9999-99-99", "2026-01-01T00:00:00", [], {}, [[]], {"a": []}, "chunks/../x", "20269999T999999Z-3f9a2c",
]  # fmt: skip
RUN = "20261122T164315Z-3f9a2c"


def raw(world: World, chance: Random) -> str:
    """Change the bytes of any object."""
    objects = world.storage.objects
    name = chance.choice(sorted(objects))
    data = objects[name]
    place = chance.randrange(len(data) + 1)
    other = objects[chance.choice(sorted(objects))]
    objects[name] = chance.choice(
        [data[:place], data + data, data[:place] + b"\x00" + data[place:], b"", other, DEEP, b"\xff" * 100, b"PK\x03\x04",
         data[:place] + bytes([chance.randrange(256)]) + data[place + 1 :], b"9" * 5000, b"\n" * 5]
    )  # fmt: skip
    return name


def root(world: World, chance: Random) -> str:
    """Say something else of the repository itself, which nobody signs."""
    name = f"{world.alias}/repository.json"
    said = json.loads(world.storage.objects[name])
    world.storage.objects[name] = _dumped(_mutated(said, chance))
    return name


def signed(folder: str, kind: str) -> Callable[[World, Random], str]:
    """Return a forger of signed JSON: an event, a beat, a note."""

    def forge(world: World, chance: Random) -> str:
        repository = world.repository
        name = chance.choice([*repository.objects.list(folder), *_below(repository, folder)])
        body = json.loads(repository.open_signed(kind, name))
        forged = DEEP if chance.random() < 0.05 else _dumped(_mutated(body, chance))
        return _put(world, name, repository.sign(kind, name, forged))

    return forge


def signed_manifest(world: World, chance: Random) -> str:
    """Say something else in a manifest."""
    repository = world.repository
    name = chance.choice(repository.listing()).name
    said = json.loads(repository.read_manifest(name).manifest.to_bytes())
    forged = DEEP if chance.random() < 0.05 else _dumped(_mutated(said, chance))
    return _put_manifest(world, repository, name, forged)


def signed_content(world: World, chance: Random) -> str:
    """Put another part, page or chunk, which the manifest names as it should be named."""
    repository = world.repository
    listed = chance.choice(repository.listing())
    said: Any = json.loads(repository.read_manifest(listed.name).manifest.to_bytes())
    kind, entry = chance.choice(
        [("part", part) for part in said["parts"].values()]
        + [("chunk", shared) for shared in said["shared"]]
        + [("page", page) for table in said["tables"] for page in table["pages"]]
    )
    stored = Manifest.from_bytes(listed.name, _dumped(said)).objects()
    found = next(one for one in stored if one.name == entry["name"])
    plaintext = repository.get(kind, found)
    forged = _content(plaintext, chance)
    ident, sealed = repository.sealer.identify(forged), frames.compress(forged)
    name = object_name(kind, ident, RUN)
    _put(world, name, sealed)
    entry.update(
        id=ident, name=name, bytes=len(forged), stored_bytes=len(sealed), sha256=hashlib.sha256(sealed).hexdigest()
    )
    _put_manifest(world, repository, listed.name, _dumped(said))
    return name


KINDS: dict[str, Callable[[World, Random], str]] = {
    "raw": raw,
    "root": root,
    "signed manifest": signed_manifest,
    "signed content": signed_content,
    "signed event": signed("events", "event"),
    "signed beat": signed("runs", "beat"),
    "signed note": signed("damaged", "damaged"),
}


def _below(repository: Repository, folder: str) -> list[str]:
    return [name for deeper in repository.objects.folders(folder) for name in repository.objects.list(deeper)]


def _put(world: World, name: str, data: bytes) -> str:
    world.storage.objects[f"{world.alias}/{name}"] = data
    return name


def _put_manifest(world: World, repository: Repository, name: str, packed: bytes) -> str:
    body = b"%d\n" % len(packed) + frames.compress(packed)
    return _put(world, name, repository.sign("manifest", name, body))


def _dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


def _content(plaintext: bytes, chance: Random) -> bytes:
    lines = plaintext.splitlines(keepends=True)
    chosen = chance.randrange(6)
    if chosen == 0:
        return b"".join([*lines, *lines])
    if chosen == 1:
        return b"".join(lines[:-1]) or b"\n"
    if chosen == 2:
        return plaintext.replace(b'"model":"tables.', b'"model":"tables.an')
    if chosen == 3:
        return DEEP + b"\n"
    try:
        first = json.loads(lines[0] if len(lines) > 1 else plaintext)
    except ValueError:
        return plaintext[: len(plaintext) // 2]
    return b"".join([_dumped(_mutated(first, chance)), b"\n", *lines[1:]])


def _mutated(value: Any, chance: Random) -> Any:
    """Change one place of a JSON value: another value, a key less, one entry twice, the whole."""
    places = list(_places(value))
    if not places or chance.random() < 0.03:
        return chance.choice(VALUES)
    parent, key = chance.choice(places)
    way = chance.random()
    if way < 0.15:
        del parent[key]
    elif way < 0.25 and isinstance(parent, list):
        parent.append(parent[key])
    elif way < 0.3 and isinstance(parent[key], int):
        parent[key] = -parent[key] - 2
    else:
        parent[key] = chance.choice(VALUES)
    return value


def _places(value: Any) -> Any:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(entries):
        yield value, key
        yield from _places(inner)
