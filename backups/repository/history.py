"""Every manifest of a repository, live and in the trash, read once: what the chain and retention know of each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from backups import chain
from backups.chain import Break, Head, Link
from backups.exceptions import FormatUnknown, ObjectDamaged, ObjectMissing, RepositoryError
from backups.repository import trash

if TYPE_CHECKING:
    from backups.repository.repository import Committed, Repository


@dataclass(frozen=True, slots=True)
class Record:
    """One manifest, without what it names. ``suspicious`` are sentences on tables that lost most of their rows.

    ``via`` is the way by which somebody asked for it.
    """

    link: Link
    run: str
    created: datetime
    suspicious: tuple[str, ...] = ()
    via: str = ""


@dataclass(frozen=True, slots=True)
class Unread:
    """A manifest or a tombstone that is there and cannot be read."""

    sequence: int
    run: str
    name: str
    error: RepositoryError


@dataclass(frozen=True, slots=True)
class History:
    """What there is: live backups and pruned ones, oldest first, and what cannot be read."""

    live: tuple[Record, ...]
    trashed: tuple[Record, ...]
    unread: tuple[Unread, ...]

    def links(self) -> list[Link]:
        """Return all that the chain is made of."""
        return [record.link for record in (*self.live, *self.trashed)]

    def breaks(self, known: Collection[Head], elsewhere: Collection[int] = ()) -> list[Break]:
        """Return each break of the chain, but for what cannot be read; ``known`` are heads that the catalogue has seen.

        ``elsewhere`` are numbers that other storages account for.

        What an earlier key signed and nothing vouches for is told, and not believed when it excuses others.
        """
        links = self.links()
        strangers = chain.unvouched(links, known)
        believed = [link for link in links if link not in strangers]
        excused = set(elsewhere) | {unread.sequence for unread in self.unread} | {link.sequence for link in strangers}
        found = [
            Break(
                f"{link.name} was signed with an earlier key, and no backup under today's key leads to it: whoever has "
                "that key may have made it."
            )
            for link in strangers
        ]
        return [*found, *chain.breaks(believed, excused, known)]


def read_history(repository: Repository) -> History:
    """Read every manifest, one at a time; raise only where the storage cannot be asked."""
    live, trashed, unread = [], [], []
    for listed in repository.listing():
        try:
            live.append(_record(repository.read_manifest(listed.name)))
        except (ObjectDamaged, ObjectMissing, FormatUnknown) as error:
            unread.append(Unread(listed.sequence, listed.run, listed.name, error))
    for entry in trash.buried(repository):
        try:
            trashed.append(_record(trash.read(repository, entry)))
        except (ObjectDamaged, ObjectMissing, FormatUnknown) as error:
            unread.append(Unread(entry.sequence, entry.run, entry.name, error))
    return History(tuple(live), tuple(trashed), tuple(unread))


def _record(committed: Committed) -> Record:
    manifest = committed.manifest
    return Record(committed.link(), manifest.run, manifest.created, manifest.suspicious, manifest.requested_via)
