"""Listing very many backups: only those that are shown are read, from the catalogue and from storage alone."""

import os

import pytest

from backups.engines.base import Engine
from backups.models import Backup
from backups.repository import Committed, Repository
from backups.services.backup import create_backup
from backups.services.listing import list_backups
from backups.services.sync import sync_backups
from benchmarks.history import lengthen

MANY = int(os.environ.get("LIFEBOAT_MANY_BACKUPS", "300"))


def test_no_more_manifests_are_read_than_are_shown(yard: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    create_backup(yard.alias)
    repository = Repository.open(yard.alias)
    runs = lengthen(repository, MANY - 1)
    assert len(repository.listing()) == MANY
    assert list_backups(yard.alias)[0][0].id != runs[-1], "the catalogue knows of the first alone"
    sync_backups(yard.alias)

    lines, note = list_backups(yard.alias, 5)
    assert [line.id for line in lines] == runs[-1:-6:-1]
    assert note == f"{MANY - 5:,} older ones are not shown: --limit 0 shows all."
    every, note = list_backups(yard.alias)
    assert (len(every), note) == (MANY, "") and every[:5] == lines

    Backup.objects.all().delete()
    read: list[str] = []
    whole = Repository.read_manifest

    def noted(self: Repository, name: str) -> Committed:
        read.append(name)
        return whole(self, name)

    monkeypatch.setattr(Repository, "read_manifest", noted)
    found, note = list_backups(yard.alias, 5)
    assert [(line.id, line.totals) for line in found] == [(line.id, line.totals) for line in lines]
    assert len(read) == 5 and note.endswith(f"{MANY - 5:,} older ones are not shown: --limit 0 shows all.")
    assert "The catalogue is empty" in note
