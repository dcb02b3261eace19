"""What the writer of today makes of the golden database: every id, every name and every manifest, as they were written down.

Rows, definition and facts are told by their ids: the SHA-256 of the plaintext, or its HMAC under the id key. Digests and
sizes of what is stored are left out, since zstd and nonces differ; so is what only tells of the machine. Where a change of
the format is meant, ``LIFEBOAT_WRITE_DOWN=1`` writes it down anew; earlier repositories are read all the same (test_golden).
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.core.files.storage import FileSystemStorage

from backups.chain import Gap
from backups.engines.base import Engine
from backups.manifest import decode_entries
from backups.repository import Committed, Repository
from tests.databases import SQLiteServer, database
from tests.golden import CHANGES, DATA, ENCRYPTED, OLD_KEY, PLAIN, PREFIX, TABLES, Golden, fill, take

WRITTEN = DATA / "v1-written.json"
STORED = {"id", "sha256", "stored_bytes", "data_stored", "new_bytes", "digest", "before"}
MACHINE = {"engine", "versions", "seconds", "phases"}
DJANGO = {"migrations", "sources"}
"""The parts that are of Django's version."""
RUNS = [f"20261122T16431{number}Z-00000{number}" for number in range(6)]


class Clock(datetime):
    """It stands still."""

    @classmethod
    def now(cls, tz: Any = None) -> datetime:  # type: ignore[override]
        return datetime(2026, 11, 22, 16, 43, 15, 123456, tzinfo=UTC)


@pytest.fixture
def engine(sqlite: SQLiteServer) -> Iterator[Engine]:
    with database(sqlite) as made:
        yield made


def history(engine: Engine, golden: Golden, storage: FileSystemStorage, settings: Any) -> Iterator[Committed]:
    """Write the golden history, one backup after another, up to two writers at once and the one that follows both."""

    def opened() -> Repository:
        return Repository.open(PREFIX, storage=storage, create=True)

    def changed(change: str, number: int, parents: list[Committed], gaps: tuple[Gap, ...] = ()) -> Committed:
        fill(engine, CHANGES[change])
        made: Committed = take(engine, opened(), int(change[0]), parents, gaps, RUNS[number])
        return made

    settings.BACKUPS = golden.settings(OLD_KEY)
    fill(engine, TABLES)
    yield (first := take(engine, opened(), 1, [], (), RUNS[0]))
    yield (second := changed("2", 1, [first]))
    settings.BACKUPS = golden.later
    yield (third := changed("3", 2, [second]))
    gap = Gap(2, 2, first.digest, second.digest)
    yield (left := changed("4a", 3, [third], (gap,)))
    yield (right := changed("4b", 4, [third], (gap,)))
    yield changed("5", 5, [left, right], (gap,))


def told(repository: Repository, committed: Committed) -> dict[str, Any]:
    """Return a manifest without what differs, and the entries in its pages in their place."""
    said: dict[str, Any] = json.loads(committed.manifest.to_bytes())
    said["parts"] = {name: part["name"] for name, part in said["parts"].items() if name not in DJANGO}
    for entry, written in zip(committed.manifest.tables, said["tables"], strict=True):
        pages = [decode_entries(page.name, repository.get("page", page)) for page in entry.pages]
        written["pages"] = [[part.name for part in page] for page in pages]
        written["chunks"] = [_plain(part) for page in pages for part in page] or written["chunks"]
    return {key: _without(value) for key, value in said.items() if key not in MACHINE}


def _plain(entry: Any) -> dict[str, Any]:
    return {
        "name": entry.name, "bytes": entry.bytes, "rows": entry.rows, "first": [*entry.first], "last": [*entry.last]
    }  # fmt: skip


def _without(value: Any) -> Any:
    if isinstance(value, list):
        return [_without(item) for item in value]
    if not isinstance(value, dict):
        return value
    # The digest of a slice is one of plaintext.
    left_out = set() if "offset" in value else STORED
    return {key: _without(item) for key, item in value.items() if key not in left_out}


@pytest.mark.parametrize("golden", [PLAIN, ENCRYPTED], ids=lambda golden: golden.name)
def test_it_writes_what_was_written_down(engine: Engine, golden: Golden, settings: Any, tmp_path: Path) -> None:
    storage = FileSystemStorage(location=tmp_path / "storage")
    (tmp_path / "storage" / PREFIX).mkdir(parents=True)
    root = {"format": 1, "id": "0123456789abcdef" * 2, "kind": "repository"}
    (tmp_path / "storage" / PREFIX / "repository.json").write_text(json.dumps(root))
    keys = (bytes([number]) * 32 for number in count(1))
    with (
        patch("backups.archiver.archive.datetime", Clock),
        patch("backups.repository.keys.secrets.token_bytes", lambda size: next(keys)),
    ):
        committed = list(history(engine, golden, storage, settings))
    repository = Repository.open(PREFIX, storage=storage)
    found = [told(repository, one) for one in committed]
    written = json.loads(WRITTEN.read_text()) if WRITTEN.exists() else {}
    if os.environ.get("LIFEBOAT_WRITE_DOWN") == "1":
        written[golden.name] = found
        text = json.dumps(written, ensure_ascii=False, sort_keys=True)
        WRITTEN.write_text(text.replace(', {"alarms"', ',\n{"alarms"') + "\n")
    assert found == written[golden.name]
