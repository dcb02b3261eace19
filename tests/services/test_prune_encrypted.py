"""Prune on a server that cannot read what it prunes: rows that are kept stay readable, and keys go with their last object."""

from pathlib import Path
from typing import Any

from backups.services.prune import prune_backups
from tests.faults import World
from tests.identities import age_identity
from tests.services.pruning import age, all_is_well, back_up, live, needed, objects
from tests.yard import execute


def test_a_server_without_an_identity_prunes(site: World, settings: Any, tmp_path: Path) -> None:
    identity = age_identity(tmp_path)
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [identity.public]}
    back_up(site, 4)
    # Nothing that the first four read is needed by the last two.
    execute(site.engine, "UPDATE items SET word = 'all of it is new'")
    runs = [committed.manifest.run for committed in back_up(site, 2)]
    prune_backups(site.alias)
    age(site)
    prune_backups(site.alias)
    assert live(site) == [5, 6]
    repository = site.repository
    kept = needed(repository)
    assert objects(site).keys() == kept
    under = {name.rpartition(".")[2] for name in kept} | {*runs}
    assert set(repository.keys.runs()) == under and len(under) < 6 and repository.keys.exists()
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    all_is_well(site)
    back_up(site)
    all_is_well(site)
