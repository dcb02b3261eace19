"""``python -m benchmarks.history N``: give the newest backup of the default database N hourly successors, each signed.

Their manifests differ in run, number, moment and parent alone and name the objects of the first: what a long history of a
database that hardly changes looks like. They are not synced to disk, which is all that makes them quicker to write.
"""

from __future__ import annotations

import hashlib
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from backups.repository import Repository


def lengthen(repository: Repository, count: int) -> list[str]:
    """Write the successors into a repository that lies in a folder, and return their runs, oldest first."""
    from backups.chain import Head

    newest = repository.read_manifest(repository.listing()[-1].name)
    head, first = newest.head, newest.manifest
    runs = []
    for number in range(1, count + 1):
        created = first.created + timedelta(hours=number)
        run = f"{created:%Y%m%dT%H%M%SZ}-{number:06x}"
        manifest = replace(first, run=run, sequence=first.sequence + number, created=created, heads=(head,))
        packed = manifest.to_bytes()
        body = b"%d\n" % len(packed) + repository.sealer.seal("manifest", manifest.name, run, packed)
        stored = repository.sign("manifest", manifest.name, body)
        Path(repository.objects.storage.path(repository.objects.full(manifest.name))).write_bytes(stored)
        head = Head(manifest.sequence, hashlib.sha256(stored).hexdigest())
        runs.append(run)
    return runs


def main() -> None:
    """Lengthen the repository of the default database."""
    import django

    django.setup()
    from backups.repository import Repository

    lengthen(Repository.open("default"), int(sys.argv[1]))


if __name__ == "__main__":
    main()
