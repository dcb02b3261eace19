"""Repositories that earlier versions wrote are read by this one: every row, every manifest, every check; and damage is found."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage

from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import BackupsError, CannotOpen
from backups.repository import Repository, damage, trash
from backups.repository.events import events_of
from backups.services.records import opened_result
from backups.verification import Level, Result, Status, Subject, verify
from tests.databases import SQLiteServer, database
from tests.golden import ENCRYPTED, GOLDENS, PLAIN, PREFIX, TRASH, Golden, digest_of
from tests.yard import all_objects, details, flip, named, path_of

EXPECTED: dict[Golden, dict[str, Any]] = {golden: golden.expected for golden in GOLDENS}
BACKUPS = [(golden, backup) for golden in GOLDENS for backup in EXPECTED[golden]["backups"]]
WHOLE = [(golden, backup) for golden, backup in BACKUPS if backup["run"] != EXPECTED[golden]["damaged"].get("backup")]
IDS = [f"{golden.name}-{backup['sequence']}-{backup['run'][-6:]}" for golden, backup in BACKUPS]
WHOLE_IDS = [f"{golden.name}-{backup['sequence']}-{backup['run'][-6:]}" for golden, backup in WHOLE]
RUN = "20261122T164315Z-3f9a2c"
Opener = Callable[[Golden], Repository]


@pytest.fixture
def opened(settings: Any, tmp_path: Path) -> Opener:
    """Opens a copy of a golden repository: reading heals and notes."""

    def open_copy(golden: Golden) -> Repository:
        settings.BACKUPS = golden.later
        shutil.copytree(golden.folder / PREFIX, tmp_path / "storage" / PREFIX)
        return Repository.open(PREFIX, storage=FileSystemStorage(location=tmp_path / "storage"))

    return open_copy


@pytest.fixture
def engine(sqlite: SQLiteServer) -> Iterator[Engine]:
    """A server to restore to."""
    with database(sqlite) as made:
        yield made


def name_of(backup: dict[str, Any]) -> str:
    return f"backups/{backup['sequence']:08}-{backup['run']}"


def proven(repository: Repository, backup: dict[str, Any], engine: Engine | None, level: Level) -> Result:
    return verify(Subject(repository, name_of(backup), backup["run"], engine), level, RUN)


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_it_is_what_it_was(opened: Opener, golden: Golden) -> None:
    repository = opened(golden)
    assert repository.id == EXPECTED[golden]["repository"]
    assert [listed.run for listed in repository.listing()] == [
        backup["run"]
        for backup in sorted(EXPECTED[golden]["backups"], key=lambda backup: (backup["sequence"], backup["run"]))
    ]
    assert sum(path.stat().st_size for path in golden.folder.rglob("*") if path.is_file()) < 100_000


def read_all(repository: Repository, backup: dict[str, Any]) -> None:
    """See that every row of a backup is what it was."""
    contents = Contents(repository, repository.read_manifest(name_of(backup)).manifest)
    assert {entry.table.name for entry in contents.manifest.tables} == set(backup["rows"])
    for entry in contents.manifest.tables:
        digest = backup["rows"][entry.table.name]
        if digest is not None:
            assert digest_of(contents.lines(entry)) == digest
        if backup["lines"]:
            assert [line.decode() for line in contents.lines(entry)] == backup["lines"][entry.table.name]
    assert {kind for kind, *_ in contents.objects()} == {"part", "chunk", "page"}
    assert contents.schema().before and contents.witness() and contents.applied() == []


@pytest.mark.parametrize(("golden", "backup"), BACKUPS, ids=IDS)
def test_every_manifest_and_every_row_is_read(opened: Opener, golden: Golden, backup: dict[str, Any]) -> None:
    repository = opened(golden)
    committed = repository.read_manifest(name_of(backup))
    manifest = committed.manifest
    assert (committed.digest, committed.fallback) == (backup["digest"], backup["fallback"])
    assert [asdict(head) for head in manifest.heads] == backup["heads"]
    assert [asdict(gap) for gap in manifest.gaps] == backup["gaps"]
    assert asdict(manifest.totals) == backup["totals"]
    assert bool(manifest.encryption) == golden.encrypted
    read_all(repository, backup)


@pytest.mark.parametrize(("golden", "backup"), WHOLE, ids=WHOLE_IDS)
def test_it_restores_and_every_check_passes(
    opened: Opener, engine: Engine, golden: Golden, backup: dict[str, Any]
) -> None:
    result = proven(opened(golden), backup, engine, Level.RESTORE)
    assert result.status == Status.PASSED, details(result.findings)
    assert {"signature", "chain", "events", "stored", "restore", "content", "witness"} <= {
        f.name for f in result.findings
    }


@pytest.mark.parametrize("golden", [PLAIN, ENCRYPTED], ids=lambda golden: golden.name)
def test_what_was_damaged_is_damaged(opened: Opener, golden: Golden) -> None:
    repository, expected = opened(golden), EXPECTED[golden]
    said, (first, *_) = expected["damaged"], expected["backups"]
    assert damage.place_of(said["object"]) in {damage.place_of(noted.stored.name) for noted in damage.read(repository)}
    result = proven(repository, first, None, Level.STORED)
    assert named(result.findings) == {"stored"} and first["run"] == said["backup"]
    assert said["object"] in details(result.findings) and f"It costs: {said['table']}." in details(result.findings)


@pytest.mark.parametrize("golden", [PLAIN, ENCRYPTED], ids=lambda golden: golden.name)
def test_its_records_are_read(opened: Opener, golden: Golden) -> None:
    repository, third = opened(golden), EXPECTED[golden]["backups"][1]
    events = {event.kind: event for event in events_of(repository, third["run"], third["digest"])}
    assert set(events) == {"verified", "restored"} and events["restored"].data["rows"] == 70
    (check,) = opened_result(repository, events["verified"])["checks"]
    assert (check["name"], check["detail"]) == ("stored", "" if golden is PLAIN else "as it was recorded")


@pytest.mark.parametrize("golden", GOLDENS, ids=lambda golden: golden.name)
def test_without_the_earlier_key_the_earlier_backups_are_not_believed(
    opened: Opener, golden: Golden, settings: Any
) -> None:
    storage, (first, *_, last) = opened(golden).objects.storage, EXPECTED[golden]["backups"]
    settings.BACKUPS = golden.settings()
    again = Repository.open(PREFIX, storage=storage)
    with pytest.raises(BackupsError, match="another key"):
        again.read_manifest(name_of(first))
    assert again.read_manifest(name_of(last)).digest == last["digest"]


def test_without_an_identity_everything_but_rows_is_read(opened: Opener, settings: Any) -> None:
    storage, last = opened(ENCRYPTED).objects.storage, EXPECTED[ENCRYPTED]["backups"][-1]
    settings.BACKUPS = {**ENCRYPTED.later, "IDENTITY_FILE": None}
    again = Repository.open(PREFIX, storage=storage)
    contents = Contents(again, again.read_manifest(name_of(last)).manifest)
    items = next(entry for entry in contents.manifest.tables if entry.table.name == "items")
    assert sum(entry.rows for entry in contents.entries(items)) == items.rows
    assert named(proven(again, last, None, Level.STORED).findings) == set()
    with pytest.raises(CannotOpen):
        list(contents.lines(items))


@pytest.mark.parametrize("golden", [ENCRYPTED, TRASH], ids=lambda golden: golden.name)
def test_what_lies_in_the_trash_is_read_and_brought_back(opened: Opener, golden: Golden) -> None:
    repository, expected = opened(golden), EXPECTED[golden]["trash"]
    waiting, swept = trash.buried(repository)
    assert (waiting.run, swept.run) == (expected["waiting"]["run"], expected["swept"])
    assert trash.is_swept(repository, swept) and not trash.is_swept(repository, waiting)
    assert trash.is_sweeping(repository, swept.manifest) and not trash.is_sweeping(repository, waiting.manifest)
    newest = EXPECTED[golden]["backups"][-1]
    assert named(proven(repository, newest, None, Level.SIGNATURE).findings) == set()
    assert trash.dig_up(repository, waiting).digest == expected["waiting"]["digest"]
    read_all(repository, expected["waiting"])
    assert named(proven(repository, expected["waiting"], None, Level.STORED).findings) == set()
    # Its objects are gone, but for those that another names.
    with pytest.raises(BackupsError, match="missing"):
        contents = Contents(repository, trash.read(repository, swept).manifest)
        for entry in contents.manifest.tables:
            list(contents.lines(entry))


@pytest.mark.parametrize("golden", [PLAIN, ENCRYPTED], ids=lambda golden: golden.name)
def test_a_pruned_backup_is_not_missed_and_a_removed_one_is(opened: Opener, golden: Golden) -> None:
    repository, backups = opened(golden), EXPECTED[golden]["backups"]
    assert named(proven(repository, backups[-1], None, Level.SIGNATURE).findings) == set()
    repository.objects.delete(name_of(backups[1]))
    result = proven(repository, backups[-1], None, Level.SIGNATURE)
    assert named(result.findings) == {"chain"} and "number 3 was removed" in details(result.findings)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def extend(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


HARMS: dict[str, Callable[[Path], None]] = {"flipped": flip, "cut": cut, "longer": extend, "gone": Path.unlink}
KINDS = ("backups", "chunks", "pages", "parts", "events", "repository.json")
HURT = [(golden, kind) for golden in (PLAIN, ENCRYPTED) for kind in KINDS]
HURT += [(ENCRYPTED, "keys"), (ENCRYPTED, "trash"), (TRASH, "trash")]


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize(("golden", "kind"), HURT, ids=[f"{golden.name}-{kind}" for golden, kind in HURT])
def test_each_kind_of_damage_is_found(opened: Opener, golden: Golden, kind: str, harm: str) -> None:
    repository, backups = opened(golden), EXPECTED[golden]["backups"]
    hurt = [name for name in all_objects(repository) if name.partition("/")[0] == kind]
    for name in hurt:
        HARMS[harm](path_of(repository, name))
    try:
        again = Repository.open(PREFIX, storage=repository.objects.storage)
        found = set().union(*(named(proven(again, backup, None, Level.STORED).findings) for backup in backups[1:]))
    except BackupsError as error:
        assert kind in ("repository.json", "backups"), error
        return
    if kind == "repository.json":
        assert harm in ("longer", "cut") and found == set()
    elif kind == "events":
        assert found == (set() if harm == "gone" else {"events"})
    elif kind == "trash":
        assert found == {"chain"}
    elif kind == "keys":
        # Without any key nobody reads what a manifest says.
        assert found == {"signature", "chain"}
    else:
        assert found >= ({"signature"} if kind == "backups" else {"stored"})
