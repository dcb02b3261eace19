"""The chain of manifests: is one missing, replaced, reordered or rolled back? Pure decisions over what was read.

Each manifest carries its sequence number and the digest of every head it saw. Numbers that were pruned are gaps,
carried whole from manifest to manifest. A number in no manifest, tombstone or gap is a backup that somebody removed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """The newest manifest that somebody has seen: its number, and the SHA-256 of its stored bytes."""

    sequence: int
    digest: str


@dataclass(frozen=True, slots=True, order=True)
class Gap:
    """A run of numbers that are gone and are not to be missed: the digest before the first one, and of the last one.

    Pruned ones as a rule. Where ``--adopt`` acknowledged that somebody removed them, what is not known of them is empty.
    """

    first: int
    last: int
    before: str
    digest: str


@dataclass(frozen=True, slots=True)
class Link:
    """What the chain knows of one manifest; ``fallback``: it is an earlier key that signed it."""

    sequence: int
    name: str
    digest: str
    heads: tuple[Head, ...]
    gaps: tuple[Gap, ...] = ()
    fallback: bool = False

    @property
    def head(self) -> Head:
        """What the next manifest says of it."""
        return Head(self.sequence, self.digest)

    def as_gaps(self) -> tuple[Gap, ...]:
        """Return what is left of it when it is pruned: a gap for each manifest that it followed."""
        before = [head.digest for head in self.heads] or [""]
        return tuple(Gap(self.sequence, self.sequence, digest, self.digest) for digest in before)


@dataclass(frozen=True, slots=True)
class Break:
    """One break of the chain, as a sentence. ``gaps`` acknowledge it, once somebody has looked; none where nothing can."""

    sentence: str
    gaps: tuple[Gap, ...] = ()


def heads_of(links: Iterable[Link]) -> tuple[Head, ...]:
    """Return the manifests that no other one follows: one as a rule, two after two writers."""
    links = list(links)
    followed = {head for link in links for head in link.heads}
    # What a pruned manifest followed is known by its digest alone.
    before = {gap.before for link in links for gap in link.gaps}
    return tuple(sorted(link.head for link in links if link.head not in followed and link.digest not in before))


def merged(gaps: Iterable[Gap]) -> tuple[Gap, ...]:
    """Return the gaps with neighbours made one: where one ends with the manifest that the next one follows.

    Where a writer's fork lies inside, each way through it is followed; ways that begin and end alike are one.
    """
    ending: dict[tuple[int, str], set[Gap]] = defaultdict(set)
    continued: set[Gap] = set()
    for gap in sorted(set(gaps)):
        before = ending.get((gap.first - 1, gap.before), set()) if gap.before else set()
        joined = {Gap(one.first, gap.last, one.before, gap.digest) for one in before}
        continued |= before
        ending[gap.last, gap.digest] |= joined or {gap}
    found = {gap for ends in ending.values() for gap in ends} - continued
    return tuple(sorted(_outermost(found)))


def _outermost(gaps: Iterable[Gap]) -> Iterator[Gap]:
    """Leave out what lies inside another gap; what says of a fork which manifests were followed is kept."""
    longest: Gap | None = None
    for gap in sorted(gaps, key=lambda gap: (gap.first, -gap.last, gap.before, gap.digest)):
        if longest is None or gap.last > longest.last:
            longest = gap
            yield gap
        elif gap.last == longest.last or (gap.first == longest.first and gap.before != longest.before):
            yield gap


def tells_of(gaps: Iterable[Gap], link: Link) -> bool:
    """Say whether the gaps tell that a manifest was pruned."""
    number = link.sequence
    return any(
        gap.first <= number < gap.last or (number, link.digest) == (gap.last, gap.digest)
        for gap in gaps
        if gap.first <= number
    )


def breaks(links: Sequence[Link], excused: Collection[int], known: Iterable[Head]) -> list[Break]:
    """Return each break of the chain.

    ``links`` are all manifests, live and in the trash. ``excused`` are numbers that need no explanation: there, and not
    to be read. ``known`` are heads that the catalogue or a copy has seen: only they can show that the newest backups
    were removed.
    """
    chain = _Chain(links, excused)
    return [*chain.removed(), *chain.replaced(links), *chain.rolled_back(known)]


class _Chain:
    """Every number and digest that is accounted for, and how."""

    def __init__(self, links: Sequence[Link], excused: Collection[int]) -> None:
        self._at: dict[int, set[str]] = defaultdict(set)
        for link in links:
            self._at[link.sequence].add(link.digest)
        self._gaps = sorted({gap for link in links for gap in link.gaps})
        self._ends = {(gap.last, gap.digest) for gap in self._gaps}
        self._excused = set(excused)

    def removed(self) -> Iterator[Break]:
        """Look for numbers below one that is accounted for. Runs are told in one sentence: a forged number may be any."""
        single = sorted({*self._at, *self._excused})
        there = sorted([*((number, number) for number in single), *((gap.first, gap.last) for gap in self._gaps)])
        expected = 1
        for first, last in there:
            if first > expected:
                yield Break(_sentence(expected, first - 1), (Gap(expected, first - 1, "", ""),))
            expected = max(expected, last + 1)

    def replaced(self, links: Sequence[Link]) -> Iterator[Break]:
        """Look for manifests that follow another one than the one that is there."""
        for link in links:
            for head in link.heads:
                if head.sequence >= link.sequence:
                    yield Break(f"{link.name} says that it follows number {head.sequence}, which is not before it.")
                elif self._is_another(head):
                    said = f"Backup number {head.sequence} is not the one that {link.name} followed."
                    yield Break(said, _acknowledging(head))

    def rolled_back(self, known: Iterable[Head]) -> Iterator[Break]:
        """Look for what somebody has seen and is not there, or is another."""
        newest = max(self._at, default=0)
        for head in sorted(set(known)):
            if head.sequence > newest and not self._accounts_for(head.sequence):
                said = f"Backup number {head.sequence} was seen before and is gone: the repository was rolled back."
                yield Break(said, _acknowledging(head))
            elif self._is_another(head):
                said = f"Backup number {head.sequence} has another content than when it was last seen."
                yield Break(said, _acknowledging(head))

    def _accounts_for(self, number: int) -> bool:
        return number in self._excused or any(gap.first <= number <= gap.last for gap in self._gaps)

    def _is_another(self, head: Head) -> bool:
        """Say whether there is a manifest of that number, it is not that one, and that one was not pruned."""
        if head.sequence not in self._at or head.digest in self._at[head.sequence]:
            return False
        # Inside a gap only numbers are known: of two writers' manifests of one number, one may be pruned.
        inside = any(gap.first <= head.sequence < gap.last for gap in self._gaps)
        return not inside and (head.sequence, head.digest) not in self._ends


def unvouched(links: Sequence[Link], known: Collection[Head]) -> list[Link]:
    """Return the manifests that an earlier key signed and nothing vouches for.

    Vouched for is what the catalogue has seen (``known``), and what a manifest under today's key reaches through the chain,
    over gaps too. Before the first manifest under today's key there is nothing that could, and the earlier key is believed.
    """
    if all(link.fallback for link in links):
        return []
    by_digest = {link.digest: link for link in links}
    seen = {head.digest for head in known}
    waiting = [link for link in links if not link.fallback or link.digest in seen]
    reached = {link.digest for link in waiting}
    while waiting:
        link = waiting.pop()
        followed = {head.digest for head in link.heads} | {gap.before for gap in link.gaps}
        for digest in (followed & by_digest.keys()) - reached:
            reached.add(digest)
            waiting.append(by_digest[digest])
    return [link for link in links if link.digest not in reached]


def _acknowledging(head: Head) -> tuple[Gap, ...]:
    return (Gap(head.sequence, head.sequence, "", head.digest),)


def _sentence(first: int, last: int) -> str:
    said = f"Backup number {first} was" if first == last else f"Backups number {first} to {last} were"
    return f"{said} removed: no manifest, tombstone or gap accounts for {'it' if first == last else 'them'}."
