"""A copy that was built by migrations and filled from a backup, as ``restore_db --schema migrations`` makes it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backups import recast, restorer
from backups.contents import Contents
from backups.engines.base import Engine
from backups.recast import Recast
from backups.repository.names import new_run
from tests.yard import back_up, new_repository


def archive(source: Engine, folder: Path, **asked: Any) -> Contents:
    """Back a database up; ``asked`` as in ``archiver.Request``."""
    repository = new_repository(folder)
    return Contents(repository, back_up(source, repository, **asked).manifest)


@contextmanager
def built(archived: Contents, source: Engine, server: Engine) -> Iterator[tuple[Recast, Engine]]:
    """Have the copy of a backup built on a server by migrations; it is dropped at the end."""
    work = server.at(server.scratch_name(new_run()))
    facts = recast.plain_facts(server.vendor)
    work.create(facts)
    try:
        found, _ = recast.recast(archived, work, source.alias)
        work.drop()
        restorer.restore(found, restorer.Plan(source, work, work, found.manifest, facts=facts))
        yield found, work
    finally:
        work.drop()


@contextmanager
def rebuilt(source: Engine, server: Engine, folder: Path) -> Iterator[tuple[Recast, Engine]]:
    """Back a database up and have its copy built."""
    with built(archive(source, folder), source, server) as found:
        yield found
