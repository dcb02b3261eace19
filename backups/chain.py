"""The chain of manifests: is one missing, replaced, reordered or rolled back? Pure decisions over what was read.

Each manifest carries its sequence number and the digest of every head it saw. Numbers that were pruned are gaps,
carried whole from manifest to manifest. A number in no manifest, tombstone or gap is a backup that somebody removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The newest manifest that somebody has seen: its number, and the SHA-256 of its stored bytes."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A run of pruned numbers: the digest before the first one, and of the last one."""

    first: int
    last: int
    before: str
    digest: str


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain knows of one manifest."""

    sequence: int
    name: str
    digest: str
    heads: tuple[Head, ...]
    gaps: tuple[Gap, ...] = ()


def heads_of(links: Iterable[Link]) -> tuple[Head, ...]:
    """Return the manifests that no other one follows: one as a rule, two after two writers."""
    links = list(links)
    followed = {head for link in links for head in link.heads}
    return tuple(sorted(head for link in links if (head := Head(link.sequence, link.digest)) not in followed))


def problems(links: Sequence[Link], tombstones: Collection[int], known: Iterable[Head]) -> list[str]:
    """Return a sentence for each break of the chain; none means that it is whole as far as can be seen.

    ``tombstones`` are numbers that need no explanation: pruned, or there and not to be read. ``known`` are heads that
    the catalogue or a copy has seen: only they can show that the newest backups were removed.
    """
    at: dict[int, dict[str, Link]] = defaultdict(dict)
    for link in links:
        at[link.sequence][link.digest] = link
    gaps = {gap for link in links for gap in link.gaps}
    excused = set(tombstones) | {number for gap in gaps for number in range(gap.first, gap.last + 1)}
    return [*_removed(at, excused), *_replaced(links, at, gaps), *_rolled_back(at, excused, known)]


def _removed(at: dict[int, dict[str, Link]], excused: set[int]) -> list[str]:
    """Look for numbers below one that is accounted for. Runs are told in one sentence: a forged number may be any."""
    found, expected = [], 1
    for number in sorted({*at, *excused}):
        if number > expected:
            found.append(_sentence(expected, number - 1))
        expected = number + 1
    return found


def _sentence(first: int, last: int) -> str:
    said = f"Backup number {first} was" if first == last else f"Backups number {first} to {last} were"
    return f"{said} removed: no manifest, tombstone or gap accounts for {'it' if first == last else 'them'}."


def _replaced(links: Sequence[Link], at: dict[int, dict[str, Link]], gaps: set[Gap]) -> list[str]:
    pruned = {(gap.last, gap.digest) for gap in gaps}
    found = []
    for link in links:
        for head in link.heads:
            if head.sequence >= link.sequence:
                found.append(f"{link.name} says that it follows number {head.sequence}, which is not before it.")
            elif _is_another(head, at) and (head.sequence, head.digest) not in pruned:
                found.append(f"Backup number {head.sequence} is not the one that {link.name} followed.")
    return found


def _rolled_back(at: dict[int, dict[str, Link]], excused: set[int], known: Iterable[Head]) -> list[str]:
    newest = max(at, default=0)
    found = []
    for head in sorted(set(known)):
        if head.sequence > newest and head.sequence not in excused:
            found.append(f"Backup number {head.sequence} was seen before and is gone: the repository was rolled back.")
        elif _is_another(head, at):
            found.append(f"Backup number {head.sequence} has another content than when it was last seen.")
    return found


def _is_another(head: Head, at: dict[int, dict[str, Link]]) -> bool:
    """Say whether there is a manifest of that number, and it is not that one."""
    return head.sequence in at and head.digest not in at[head.sequence]
