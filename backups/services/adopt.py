"""What ``--adopt`` accepts: breaks of the chain that somebody has looked at, and backups that the catalogue has not seen."""

from __future__ import annotations

from collections.abc import Collection

from backups.chain import Gap, Head
from backups.repository import Repository
from backups.repository.history import read_history
from backups.services import catalog
from backups.services.catalog import Recording


def adopt(repository: Repository, recording: Recording, known: Collection[Head]) -> list[Gap]:
    """Return the gaps that acknowledge each break of the chain, and take unknown backups into the catalogue.

    The next manifest carries the gaps, so that later verifications do not find the same again; anything new they do find.
    """
    history = read_history(repository)
    for record in history.live:
        if record.link.head not in known:
            catalog.take_in(recording, repository.read_manifest(record.link.name))
    return [gap for found in history.breaks(known) for gap in found.gaps]
