"""The check ``content``: every row of the restored copy, read back by another path than wrote it, against its chunk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from itertools import islice

from backups.contents import Chunk
from backups.manifest import TableEntry
from backups.rows import Encoder
from backups.verification.findings import Finding, Status
from backups.verification.registry import Copy, restored_check

NAME = "content"
SHOWN = 5


@restored_check(NAME)
def content(copy: Copy) -> Iterable[Finding]:
    """Compare table by table, chunk by chunk."""
    for entry in copy.contents.manifest.tables:
        yield _table(copy, entry)


def _table(copy: Copy, entry: TableEntry) -> Finding:
    table = entry.table
    found = map(Encoder(table).encode, copy.snapshot.rows(table))
    digest, rows = hashlib.sha256(), 0
    for chunk in copy.contents.chunks(entry):
        wanted = list(chunk.lines())
        lines = list(islice(found, len(wanted)))
        if lines != wanted:
            return _difference(table.qualified, chunk, wanted, lines, found)
        rows += len(lines)
        digest.update(chunk.plaintext)
    extra = next(found, None)
    if extra is not None:
        return _failed(table.qualified, f"{rows} rows", "more rows", f"Row {_pk(extra)} is not in the backup.")
    summary = f"{rows} rows, sha256 {digest.hexdigest()[:16]}"
    return Finding(NAME, Status.PASSED, table.qualified, summary, summary)


def _difference(table: str, chunk: Chunk, wanted: list[bytes], lines: list[bytes], rest: Iterator[bytes]) -> Finding:
    """Name the first rows that differ. The next few lines are read too, so that a row that moved is not called lost."""
    ahead = [*lines, *islice(rest, len(wanted))]
    expected, actual = {_pk(line): line for line in wanted}, {_pk(line): line for line in ahead}
    changed = [pk for pk in expected if pk in actual and actual[pk] != expected[pk]]
    missing = [pk for pk in expected if pk not in actual]
    added = [pk for pk in (_pk(line) for line in lines) if pk not in expected]
    said = [f"Row {pk} differs in {_columns(expected[pk], actual[pk])}." for pk in changed[:SHOWN]]
    said += [f"Row {pk} is missing." for pk in missing[:SHOWN]]
    # Rows beyond the chunk's own count as added only where nothing else explains the difference.
    said += [f"Row {pk} is not in the backup." for pk in added[:SHOWN] if not missing]
    detail = " ".join(said) or "The rows are not in the recorded order, or not as many."
    return _failed(table, f"sha256 {_digest(wanted)}", f"sha256 {_digest(lines)}", f"In {chunk.source}: {detail}")


def _failed(table: str, expected: str, actual: str, detail: str) -> Finding:
    return Finding(NAME, Status.FAILED, table, expected, actual, detail)


def _digest(lines: list[bytes]) -> str:
    return hashlib.sha256(b"".join(lines)).hexdigest()[:16]


def _pk(line: bytes) -> str:
    pk = json.loads(line)["pk"]
    return json.dumps(pk) if pk is not None else f"with sha256 {_digest([line])}"


def _columns(expected: bytes, actual: bytes) -> str:
    """Name the columns that differ; never their values."""
    left, right = json.loads(expected), json.loads(actual)
    names = [name for name in left["fields"] if left["fields"][name] != right["fields"].get(name)]
    beside = left.get("exact", {}).keys() | right.get("exact", {}).keys()
    names += [n for n in sorted(beside) if left.get("exact", {}).get(n) != right.get("exact", {}).get(n)]
    return ", ".join(dict.fromkeys(names)) or "the spelling of a value"
