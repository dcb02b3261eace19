"""The repository: content by id, manifests by number, and every way in which a byte can be wrong."""

import hashlib
import json
import os
import re
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from backups.chain import Head
from backups.exceptions import (
    FormatUnknown,
    ObjectDamaged,
    ObjectMissing,
    SignatureInvalid,
    UnknownBackup,
    WrongSigningKey,
)
from backups.facts import EngineFacts, Origin
from backups.manifest import Manifest, Stored
from backups.repository import Repository
from backups.repository.events import VERIFIED, Event, events_of, record
from backups.repository.names import new_run
from backups.repository.pulse import beating
from backups.repository.runs import UNREADABLE, Beat, beats, living, put_beat

RUN = "20261122T164315Z-3f9a2c"


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository.open("default", storage=FileSystemStorage(location=tmp_path), create=True)


def manifest(repository: Repository, sequence: int = 1, run: str = RUN, heads: tuple[Head, ...] = ()) -> Manifest:
    return Manifest(
        repository.id, run, sequence, datetime(2026, 11, 22, 16, 43, 15, tzinfo=UTC), "default",
        Origin("sqlite", "db"), EngineFacts("sqlite", "3.40"), (), heads,
    )  # fmt: skip


def path_of(repository: Repository, name: str) -> Path:
    return Path(repository.objects.place()) / name


def change(repository: Repository, name: str, place: int = -1) -> None:
    data = bytearray(path_of(repository, name).read_bytes())
    data[place] ^= 1
    path_of(repository, name).write_bytes(data)


def test_a_repository_keeps_its_id(repository):
    again = Repository.open("default", storage=repository.objects.storage)
    assert again.id == repository.id and re.fullmatch("[0-9a-f]{32}", again.id)


def test_where_there_is_no_repository_the_sentence_says_how_to_make_one(tmp_path):
    with pytest.raises(UnknownBackup, match="'other'") as raised:
        Repository.open("other", storage=FileSystemStorage(location=tmp_path))
    assert "backup_db --database other" in raised.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_newer_repository_is_refused(repository):
    path_of(repository, "repository.json").write_text(json.dumps({"format": 2, "id": "x", "kind": "repository"}))
    with pytest.raises(FormatUnknown, match="version 2"):
        Repository.open("default", storage=repository.objects.storage)


@pytest.mark.parametrize("ident", ["x", "", "\ud800", "a" * 31 + "\n", "A" * 32])
def test_a_repository_whose_id_is_none_is_damaged(repository, ident):
    path_of(repository, "repository.json").write_text(json.dumps({"format": 1, "id": ident, "kind": "repository"}))
    with pytest.raises(ObjectDamaged, match="its id is not one of a repository"):
        Repository.open("default", storage=repository.objects.storage)


def test_content_is_named_by_its_digest_and_run(repository):
    stored = repository.put("chunk", b"a line\n", RUN)
    assert stored.id == hashlib.sha256(b"a line\n").hexdigest()
    assert stored.name == f"chunks/{stored.id[:2]}/{stored.id}.{RUN}"
    assert repository.get("chunk", stored) == b"a line\n"


def test_every_flipped_byte_of_an_object_is_found(repository):
    stored = repository.put("chunk", b"a line\n" * 10, RUN)
    whole = path_of(repository, stored.name).read_bytes()
    for place in range(len(whole)):
        change(repository, stored.name, place)
        with pytest.raises(ObjectDamaged, match=stored.id):
            repository.get("chunk", stored)
        path_of(repository, stored.name).write_bytes(whole)
    assert repository.get("chunk", stored) == b"a line\n" * 10


def test_a_missing_object_is_found(repository):
    stored = repository.put("part", b"{}", RUN)
    path_of(repository, stored.name).unlink()
    with pytest.raises(ObjectMissing, match=stored.id):
        repository.get("part", stored)


def test_another_whole_object_under_the_name_is_found(repository):
    one, two = repository.put("chunk", b"one\n", RUN), repository.put("chunk", b"two\n", RUN)
    path_of(repository, one.name).write_bytes(path_of(repository, two.name).read_bytes())
    with pytest.raises(ObjectDamaged):
        repository.get("chunk", one)
    swapped = replace(two, id=one.id, name=one.name)
    with pytest.raises(ObjectDamaged, match="does not have the id"):
        repository.get("chunk", swapped)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "backups/00000001-x", "chunks/ab/abc", "parts/../x"]
)
def test_only_names_of_the_right_form_are_opened(repository, name):
    with pytest.raises(ObjectDamaged, match="no name for a chunk"):
        repository.get("chunk", Stored("ab" * 32, name, 1, 1, "0" * 64))


def test_a_page_is_not_taken_for_a_chunk(repository):
    page = repository.put("page", b"[]", RUN)
    with pytest.raises(ObjectDamaged, match="no name for a chunk"):
        repository.get("chunk", page)


def test_a_committed_manifest_is_listed_and_read_back(repository):
    assert repository.listing() == []
    committed = repository.commit(manifest(repository))
    assert [listed.run for listed in repository.listing()] == [RUN]
    assert repository.read_manifest(f"backups/00000001-{RUN}") == committed
    stored = path_of(repository, committed.manifest.name).read_bytes()
    assert committed.digest == hashlib.sha256(stored).hexdigest()


def test_every_flipped_byte_of_a_manifest_is_found(repository):
    name = repository.commit(manifest(repository)).manifest.name
    whole = path_of(repository, name).read_bytes()
    for place in range(len(whole)):
        change(repository, name, place)
        with pytest.raises((ObjectDamaged, FormatUnknown)):
            repository.read_manifest(name)
        path_of(repository, name).write_bytes(whole)


def test_a_manifest_under_another_number_is_refused(repository):
    name = repository.commit(manifest(repository)).manifest.name
    path_of(repository, f"backups/00000002-{RUN}").write_bytes(path_of(repository, name).read_bytes())
    with pytest.raises(SignatureInvalid):
        repository.read_manifest(f"backups/00000002-{RUN}")


def test_a_manifest_of_another_repository_is_refused(repository, tmp_path):
    other = Repository.open("other", storage=repository.objects.storage, create=True)
    name = other.commit(manifest(other)).manifest.name
    path = path_of(repository, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(path_of(other, name).read_bytes())
    with pytest.raises(SignatureInvalid):
        repository.read_manifest(name)


def test_another_signing_key_is_told_from_tampering(repository, settings):
    name = repository.commit(manifest(repository)).manifest.name
    settings.BACKUPS = {"SIGNING_KEY": "another"}
    again = Repository.open("default", storage=repository.objects.storage)
    with pytest.raises(WrongSigningKey) as raised:
        again.read_manifest(name)
    assert "SIGNING_KEY_FALLBACKS" in raised.value.hint


def test_a_rotated_secret_key_still_opens_what_was_signed_before(repository, settings):
    name = repository.commit(manifest(repository)).manifest.name
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "rotated"
    assert Repository.open("default", storage=repository.objects.storage).read_manifest(name).fallback


def test_backups_are_found_by_id_beginning_and_latest(repository):
    runs = ["20261122T164315Z-aaaaaa", "20261122T164315Z-bbbbbb", "20261123T000000Z-cccccc"]
    for sequence, run in enumerate(runs, 1):
        repository.commit(manifest(repository, sequence, run))
    assert repository.find("latest").run == runs[2]
    assert repository.find("20261123").run == runs[2]
    assert repository.find(runs[0]).run == runs[0]
    with pytest.raises(UnknownBackup, match=r"not unique.*aaaaaa.*bbbbbb"):
        repository.find("20261122")
    with pytest.raises(UnknownBackup, match="no backup 'nothing'"):
        repository.find("nothing")


def test_names_that_are_none_of_ours_are_passed_over(repository):
    repository.commit(manifest(repository))
    for name in ("backups/.DS_Store", "backups/00000002-nonsense", "backups/latest"):
        path_of(repository, name).write_bytes(b"")
    assert [listed.sequence for listed in repository.listing()] == [1]


RESULT = {
    "level": "stored", "status": "passed", "seconds": 0.5, "restore_seconds": None, "target": "", "backup": RUN, "checks": [],
}  # fmt: skip


def test_a_record_of_another_shape_is_refused(repository):
    committed = repository.commit(manifest(repository))
    record(repository, Event(VERIFIED, RUN, new_run(), committed.digest, datetime.now(UTC), {"status": "passed"}))
    with pytest.raises(ObjectDamaged, match="not a record of a verification"):
        events_of(repository, RUN, committed.digest)


def test_events_are_bound_to_the_manifest_that_they_speak_of(repository):
    committed = repository.commit(manifest(repository))
    event = Event(VERIFIED, RUN, new_run(), committed.digest, datetime.now(UTC), RESULT)
    name = record(repository, event)
    assert events_of(repository, RUN, committed.digest) == [event]
    with pytest.raises(ObjectDamaged, match="another manifest"):
        events_of(repository, RUN, "0" * 64)
    change(repository, name)
    with pytest.raises(SignatureInvalid):
        events_of(repository, RUN, committed.digest)


def test_a_run_beats_while_it_works_and_leaves_nothing(repository):
    with beating(repository, RUN, "backup", "default", "ada"):
        (beat,) = living(repository)
        assert (beat.run, beat.pid, beat.host) == (RUN, os.getpid(), socket.gethostname())
        assert f"process {os.getpid()}" in beat.sentence() and "for ada" in beat.sentence()
    assert beats(repository) == []


def test_a_run_whose_process_is_gone_is_dead(repository):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    now = datetime.now(UTC)
    put_beat(
        repository, Beat(RUN, "backup", "default", socket.gethostname(), gone.pid, now.isoformat(), now.isoformat()), 0
    )
    assert len(beats(repository)) == 1 and living(repository) == []


def test_a_run_on_another_host_is_dead_after_half_an_hour_without_a_beat(repository):
    now = datetime.now(UTC)
    put_beat(repository, Beat(RUN, "backup", "default", "elsewhere", 1, now.isoformat(), now.isoformat()), 0)
    assert len(living(repository, now + timedelta(minutes=29))) == 1
    assert living(repository, now + timedelta(minutes=31)) == []


def test_nothing_that_a_forged_beat_says_is_believed(repository):
    with beating(repository, RUN, "backup", "default"):
        change(repository, f"runs/{RUN}/0")
        (beat,) = beats(repository)
        assert (beat.run, beat.verb, beat.database, beat.pid) == (RUN, UNREADABLE, "", 0)
