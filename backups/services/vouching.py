"""Which backups may be brought back: what an earlier signing key signed counts only where one under today's key leads to it.

Whoever has an earlier key could otherwise put a backup of their own making at the end of the chain, and ``latest`` would be
theirs.
"""

from __future__ import annotations

from backups import chain
from backups.exceptions import NotVouchedFor
from backups.repository import Committed, Repository
from backups.repository.history import read_history
from backups.services import catalog
from backups.services.listing import find


def chosen(repository: Repository, selector: str, *, unvouched: bool = False) -> Committed:
    """Return the backup that is named; raise UnknownBackup, RepositoryError, NotVouchedFor.

    ``unvouched`` says that somebody knows it to be theirs, though nothing in the repository does.
    """
    committed = repository.read_manifest(find(repository, selector).name)
    if committed.fallback and not unvouched:
        _refuse_stranger(repository, committed)
    return committed


def _refuse_stranger(repository: Repository, committed: Committed) -> None:
    known = catalog.known_heads(catalog.open_catalogue(), repository)
    links = read_history(repository).links()
    strangers = {link.name for link in chain.unvouched(links, known)}
    name = committed.manifest.name
    if name not in strangers:
        return
    live = {listed.name: listed.run for listed in repository.listing()}
    vouched = [live[link.name] for link in links if link.name in live and link.name not in strangers]
    raise NotVouchedFor(
        f"{name} was signed with an earlier key, and no backup under today's key leads to it: whoever has that key may have "
        "made it. Nothing was made of it.",
        hint=f"{f'The newest that is vouched for: {vouched[-1]}. ' if vouched else ''}If you know this one to be yours, run "
        "sync_backups, or where there is no catalogue, restore_db --accept-unsigned.",
    )
