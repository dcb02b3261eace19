"""Takes statistics of a whole database, on several connections at once, so that queries are planned well from the first on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from backups.engines.postgresql.session import Connection, fetch, run

# The parts of a partitioned table are looked at with it. Shared catalogues are the server's.
_RELATIONS = """
SELECT format('%I.%I', n.nspname, c.relname), pg_relation_size(c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND NOT c.relispartition AND NOT c.relisshared
ORDER BY 2 DESC, 1
"""
_AT_ONCE = 1000
# What looking at a small table costs, as bytes of a large one.
_AT_LEAST = 64 * 1024


def analyze(connections: Sequence[Connection]) -> None:
    """Look at every table and materialized view, and commit what is found with the server's log on disk."""
    relations = fetch(connections[0], _RELATIONS)
    with ThreadPoolExecutor(len(connections)) as pool:
        list(pool.map(_analyze, connections, shared_out(relations, len(connections))))


def _analyze(connection: Connection, names: Sequence[str]) -> None:
    """Look at these in few transactions: each waits for the disk, and holds its locks to the end."""
    for start in range(0, len(names), _AT_ONCE):
        run(connection, f"SET synchronous_commit = on; ANALYZE {', '.join(names[start : start + _AT_ONCE])}")


def shared_out(relations: Iterable[tuple[str, int]], parts: int) -> list[list[str]]:
    """Return lists of about as much work each; the largest come first, and each goes to whoever has the least so far."""
    names: list[list[str]] = [[] for _ in range(parts)]
    loads = [0] * parts
    for name, size in relations:
        least = loads.index(min(loads))
        names[least].append(name)
        loads[least] += max(size, _AT_LEAST)
    return names
