"""Makes the golden repositories of format version 1: ``python -m tests.golden``. Each is made once; it is read, never made again.

The plain and the encrypted one hold five backups, of which two were taken at once and one was pruned (a gap), under two
signing keys, with a table in pages, small tables that share a chunk, a table without a key, records, and a damaged object
with its note. The encrypted one goes on with what lies in the trash: a backup in its grace and one that was swept; of that
there is a plain one as well. ``expected.json`` beside each says what is to be read.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

DATA = Path(__file__).parent / "data"
PREFIX = "golden"
OLD_KEY, KEY = "the golden key before", "the golden key"


@dataclass(frozen=True)
class Golden:
    """One golden repository: what it holds, and where it lies."""

    name: str
    history: bool = True
    trash: bool = True
    encrypted: bool = False

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return DATA / self.name

    @property
    def expected(self) -> dict[str, Any]:
        """What is to be read in it."""
        read: dict[str, Any] = json.loads((self.folder / "expected.json").read_text())
        return read

    def settings(self, key: str = KEY, *fallbacks: str) -> dict[str, Any]:
        """The settings that it is written and read with."""
        signing = {"SIGNING_KEY": key, "SIGNING_KEY_FALLBACKS": list(fallbacks)}
        if not self.encrypted:
            return signing
        identity = DATA / "identity-of-the-golden-repositories.txt"
        (public,) = (line.split()[-1] for line in identity.read_text().splitlines() if "public key" in line)
        return {**signing, "RECIPIENTS": [public], "IDENTITY_FILE": identity}

    @property
    def later(self) -> dict[str, Any]:
        """The settings after the signing key was changed."""
        return self.settings(KEY, OLD_KEY)


PLAIN = Golden("v1-plain", trash=False)
ENCRYPTED = Golden("v1-encrypted", encrypted=True)
TRASH = Golden("v1-trash", history=False)
GOLDENS = (PLAIN, ENCRYPTED, TRASH)

TABLES = (
    "CREATE TABLE items (id integer NOT NULL PRIMARY KEY, word varchar(900), weight double precision, picture blob)",
    "CREATE TABLE tags (id integer NOT NULL PRIMARY KEY, item integer REFERENCES items (id), name text)",
    "CREATE TABLE readings (sensor integer, reading double precision, noted varchar(40))",
    "CREATE TABLE empty (id integer NOT NULL PRIMARY KEY)",
    "CREATE INDEX tags_by_name ON tags (name)",
    "CREATE VIEW heavy AS SELECT id FROM items WHERE weight > 5",
    *(
        f"INSERT INTO items VALUES ({n}, '{'ab' * (n % 7)}-{n}-{'x' * 120}', {n}.5, X'{n:02x}ff00')"
        for n in range(1, 61)
    ),
    "INSERT INTO items VALUES (100, NULL, 9e999, NULL), (101, 'ü €  \"quoted\" \\ end', -0.0, X''), (102, '', 1e-300, 'text')",
    "INSERT INTO tags VALUES (1, 2, 'one'), (2, 3, 'two'), (7, NULL, NULL)",
    *("INSERT INTO readings VALUES (1, 0.5, 'twice')" for _ in range(3)),
    "INSERT INTO readings VALUES (NULL, NULL, NULL)",
)
CHANGES: dict[str, tuple[str, ...]] = {
    "2": ("UPDATE items SET word = 'pruned with its backup' WHERE id = 30",),
    "3": ("UPDATE items SET word = 'kept' WHERE id = 30", "DELETE FROM tags WHERE id = 2"),
    "4a": ("INSERT INTO items VALUES (200, 'of the first writer', 1, NULL)",),
    "4b": ("INSERT INTO items VALUES (201, 'of the second writer', 2, NULL)",),
    "5": ("INSERT INTO readings VALUES (2, 7.25, 'last')",),
    "waiting": ("UPDATE items SET word = 'in the trash, in its grace' WHERE id = 31",),
    "swept": ("UPDATE items SET word = 'swept with its backup' WHERE id = 31",),
    "newest": ("UPDATE items SET word = 'after what was pruned' WHERE id = 31",),
}


def make(golden: Golden) -> None:
    """Make the folder anew."""
    from django.core.files.storage import FileSystemStorage
    from django.test import override_settings

    from backups.repository import Repository
    from tests.databases import SQLiteServer, database

    with TemporaryDirectory() as folder, database(SQLiteServer(Path(folder))) as engine:
        storage = FileSystemStorage(location=Path(folder) / "storage")

        def opened() -> Repository:
            return Repository.open(PREFIX, storage=storage, create=True)

        with override_settings(BACKUPS=golden.settings(OLD_KEY)):
            fill(engine, TABLES)
            live = [take(engine, opened(), 1, [])]
            if golden.history:
                fill(engine, CHANGES["2"])
                pruned = take(engine, opened(), 2, live)
        with override_settings(BACKUPS=golden.later):
            repository, expected = opened(), {}
            if golden.history:
                live = _later(engine, repository, live[0], pruned)
            if golden.trash:
                live, expected["trash"] = _put_in_trash(engine, repository, live)
            damaged = _damage(repository, live) if golden.history else {}
            expected |= {
                "repository": repository.id,
                "damaged": damaged,
                "backups": [_expected(repository, one, damaged, last=one is live[-1]) for one in live],
            }
        shutil.rmtree(golden.folder, ignore_errors=True)
        DATA.mkdir(exist_ok=True)
        shutil.copytree(Path(folder) / "storage" / PREFIX, golden.folder / PREFIX)
        shutil.rmtree(golden.folder / PREFIX / "tmp")
        text = json.dumps(expected, indent=1, ensure_ascii=False, sort_keys=True)
        (golden.folder / "expected.json").write_text(text + "\n")


def _later(engine: Any, repository: Any, first: Any, pruned: Any) -> list[Any]:
    """Go on under the later key: a gap, two writers at once, one that follows both; returns what is live."""
    from backups.chain import Gap

    fill(engine, CHANGES["3"])
    third = take(engine, repository, 3, [pruned])
    gap = Gap(2, 2, first.digest, pruned.digest)
    fill(engine, CHANGES["4a"])
    left = take(engine, repository, 4, [third], (gap,))
    fill(engine, CHANGES["4b"])
    right = take(engine, repository, 4, [third], (gap,))
    fill(engine, CHANGES["5"])
    last = take(engine, repository, 5, [left, right], (gap,))
    _record(repository, third)
    live = [first, third, left, right, last]
    _sweep(repository, pruned, live)
    repository.objects.delete(pruned.manifest.name)
    return live


def _put_in_trash(engine: Any, repository: Any, live: list[Any]) -> tuple[list[Any], dict[str, Any]]:
    """Take three more and prune two, of which one is swept; returns what is live, and what is to be read in the trash."""
    from backups.repository import trash

    newest = live[-1]
    made = []
    for change in ("waiting", "swept", "newest"):
        fill(engine, CHANGES[change])
        newest = take(engine, repository, newest.manifest.sequence + 1, [newest], newest.manifest.gaps)
        made.append(newest)
    waiting, swept, newest = made
    expected = {"waiting": _expected(repository, waiting, {}), "swept": swept.manifest.run}
    for one in (waiting, swept):
        trash.bury(repository, one.manifest.name)
    (entry,) = (entry for entry in trash.buried(repository) if entry.run == swept.manifest.run)
    trash.mark_sweeping(repository, entry)
    _sweep(repository, swept, [*live, waiting, newest])
    trash.mark_swept(repository, entry)
    return [*live, newest], expected


def _damage(repository: Any, live: list[Any]) -> dict[str, Any]:
    """Damage a chunk that only the first backup names, and note it."""
    from backups.repository import damage

    first, *others = live
    chunk = _only_of(repository, first, others)
    path = Path(repository.objects.place(), chunk.name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    damage.note(repository, chunk.name, "made so for the golden repository", "chunk", chunk)
    return {"backup": first.manifest.run, "object": chunk.name, "table": "items"}


def fill(engine: Any, statements: tuple[str, ...]) -> None:
    """Change the database."""
    from tests.yard import execute

    execute(engine, *statements)


def take(
    engine: Any, repository: Any, sequence: int, parents: list[Any], gaps: tuple[Any, ...] = (), run: str = ""
) -> Any:
    """Back up and commit."""
    from backups import archiver
    from backups.facts import Origin
    from backups.repository.age import configured_recipients
    from backups.repository.names import new_run
    from tests.yard import SMALL

    request = archiver.Request(run or new_run(), PREFIX, limits=SMALL)
    repository.begin(request.run, configured_recipients())
    manifest = archiver.archive(engine, repository, request, parents, sequence)
    return repository.commit(replace(manifest, gaps=gaps, origin=Origin("sqlite", PREFIX)))


def _record(repository: Any, committed: Any) -> None:
    from backups.repository.events import RESTORED, VERIFIED, Event, record
    from backups.repository.names import new_run
    from backups.services.records import kept_result
    from backups.verification import Finding, Level, Result, Status

    run, proof, now = new_run(), new_run(), datetime.now(UTC)
    findings = (Finding("stored", Status.PASSED, seconds=0.1, detail="as it was recorded"),)
    result = Result(committed.manifest.run, Level.RESTORE, findings, 1.5, 0.5, "copy")
    kept = kept_result(repository, committed.manifest, proof, result)
    verified = {**kept, "requested_by": "ada", "requested_via": "command"}
    restored = {"target": "copy", "seconds": 0.5, "rows": 70, "tables": 4, "verification": proof}
    record(repository, Event(VERIFIED, committed.manifest.run, proof, committed.digest, now, verified))
    record(repository, Event(RESTORED, committed.manifest.run, run, committed.digest, now, restored))


def _names(repository: Any, committed: Any) -> set[str]:
    from backups.contents import Contents
    from backups.manifest import decode_entries

    found = set()
    for kind, stored, _ in Contents(repository, committed.manifest).objects():
        found.add(stored.name)
        if kind == "page":
            found |= {entry.name for entry in decode_entries(stored.name, repository.get("page", stored))}
    return found


def _sweep(repository: Any, pruned: Any, live: list[Any]) -> None:
    """Remove what only a pruned backup names."""
    needed = set().union(*(_names(repository, one) for one in live))
    for name in sorted(_names(repository, pruned) - needed):
        repository.objects.delete(name)


def _only_of(repository: Any, first: Any, others: list[Any]) -> Any:
    """Return a chunk that only the first backup names."""
    from backups.contents import Contents

    named = set().union(*(_names(repository, one) for one in others))
    contents = Contents(repository, first.manifest)
    items = next(entry for entry in first.manifest.tables if entry.table.name == "items")
    return next(entry for entry in contents.entries(items) if entry.name not in named)


def digest_of(lines: Iterable[bytes]) -> str:
    """Return the number of lines, and the SHA-256 of all of them."""
    found = list(lines)
    return f"{len(found)} {hashlib.sha256(b''.join(found)).hexdigest()}"


def _expected(repository: Any, committed: Any, damaged: dict[str, Any], *, last: bool = False) -> dict[str, Any]:
    from backups.contents import Contents

    manifest = committed.manifest
    contents = Contents(repository, manifest)
    tables = {entry.table.name: entry for entry in manifest.tables}
    broken = any(entry.name == damaged.get("object") for entry in contents.entries(tables["items"]))
    return {
        "run": manifest.run,
        "sequence": manifest.sequence,
        "digest": committed.digest,
        "fallback": repository.read_manifest(manifest.name).fallback,
        "heads": [asdict(head) for head in manifest.heads],
        "gaps": [asdict(gap) for gap in manifest.gaps],
        "totals": asdict(manifest.totals),
        "rows": {
            name: None if broken and name == "items" else digest_of(contents.lines(entry))
            for name, entry in tables.items()
        },
        # Of the last one also as text, for who wants to see what a line looks like.
        "lines": {name: [line.decode() for line in contents.lines(entry)] for name, entry in tables.items() if last},
    }


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    import django

    django.setup()
    missing = [golden for golden in GOLDENS if not golden.folder.exists()]
    if not missing:
        sys.exit("They are there already: a golden repository is read by every later version, and not made again.")
    for one in missing:
        make(one)
