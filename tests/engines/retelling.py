"""What tests of digests ask, whatever the engine: of each line by itself, as it is recorded and as it is told again."""

import hashlib
from collections.abc import Sequence

from backups.engines.base import Snapshot
from backups.tables import Table
from tests.engines.contract_reading import key_of, spans_between


def recorded(snapshot: Snapshot, table: Table) -> list[bytes]:
    """Return the digest of each line."""
    return [hashlib.sha256(line).digest() for line in snapshot.lines(table)]


def retold(snapshot: Snapshot, table: Table) -> list[bytes | None]:
    """Return the digest of each row as it is told again."""
    spans = list(spans_between([key_of(table, line) for line in snapshot.lines(table)]))
    *found, beyond = snapshot.digests(table, [(span, 1) for span in spans])
    assert beyond is None
    return found


def assert_none_is_another(lines: Sequence[bytes], told: Sequence[bytes | None]) -> None:
    """Compare what is told of each of some different values, in the same row, with what is recorded of the others."""
    assert len({*lines}) == len(lines)
    number = {line: i for i, line in enumerate(lines)}
    assert [i for i, digest in enumerate(told) if number.get(digest, i) != i] == []
