"""The contract of object storage, for every storage that is supported, and what local files promise beyond it."""

import errno
import os
import resource
import stat
import threading

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage

from backups.exceptions import NameTaken, ObjectMissing, StorageUnavailable
from backups.repository.storage import Objects, objects_for


@pytest.fixture(params=["local", "memory"])
def objects(request, tmp_path) -> Objects:
    storage = FileSystemStorage(location=tmp_path / "store") if request.param == "local" else InMemoryStorage()
    return objects_for(storage, "default")


@pytest.fixture
def local(tmp_path) -> Objects:
    return objects_for(FileSystemStorage(location=tmp_path / "store"), "default")


def test_what_is_put_is_read_back(objects):
    objects.put("chunks/ab/abc", bytes(range(256)))
    assert objects.get("chunks/ab/abc") == bytes(range(256))
    assert objects.exists("chunks/ab/abc")


def test_the_same_bytes_may_be_put_again(objects):
    objects.put("a/b", b"1")
    objects.put("a/b", b"1")
    assert objects.list("a") == ["a/b"]


def test_a_name_is_never_given_other_bytes(objects):
    objects.put("a/b", b"1")
    with pytest.raises(NameTaken):
        objects.put("a/b", b"2")
    assert objects.get("a/b") == b"1" and objects.list("a") == ["a/b"]


def test_a_listing_shows_objects_and_folders_apart(objects):
    for name in ("a/2", "a/1", "a/deep/3", "b/4"):
        objects.put(name, b"")
    assert objects.list("a") == ["a/1", "a/2"]
    assert objects.folders("a") == ["a/deep"]
    assert objects.list("nowhere") == [] and objects.folders("nowhere") == []


def test_a_missing_object_is_named(objects):
    with pytest.raises(ObjectMissing, match="a/b"):
        objects.get("a/b")
    assert not objects.exists("a/b")


def test_a_deleted_object_is_gone(objects):
    objects.put("a/b", b"1")
    objects.delete("a/b")
    assert not objects.exists("a/b")


def test_a_path_out_of_the_storage_is_refused(local, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    with pytest.raises(StorageUnavailable):
        local.get("../../secret")
    with pytest.raises(StorageUnavailable):
        local.put("../../made", b"x")
    assert not (tmp_path / "made").exists()


def test_local_files_are_private(local, tmp_path):
    local.put("chunks/ab/abc", b"1")
    assert stat.S_IMODE((tmp_path / "store/default/chunks/ab/abc").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "store/default/chunks/ab").stat().st_mode) == 0o700


def test_nothing_is_left_beside(local, tmp_path):
    local.put("a/b", b"1")
    with pytest.raises(NameTaken):
        local.put("a/b", b"2")
    assert list((tmp_path / "store/default/tmp").iterdir()) == []


def test_a_write_that_fails_half_way_leaves_nothing_under_the_name(local, tmp_path):
    local.put("a/whole", b"1")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, usual[1]))
    try:
        with pytest.raises(StorageUnavailable, match="File too large"):
            local.put("a/half", b"1" * 100_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert local.list("a") == ["a/whole"] and list((tmp_path / "store/default/tmp").iterdir()) == []


def test_a_full_disk_is_a_sentence(tmp_path):
    """/dev/full is a file on a disk without room: a storage over it cannot be written to."""
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    store = tmp_path / "store"
    store.mkdir()
    (store / "default").symlink_to("/dev/full")
    with pytest.raises(StorageUnavailable, match="writing a/b"):
        objects_for(FileSystemStorage(location=store), "default").put("a/b", b"1")


def test_of_many_writers_of_one_name_one_wins(local):
    outcomes: list[str] = []

    def write(data: bytes) -> None:
        try:
            local.put("a/b", data)
            outcomes.append("put")
        except NameTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=write, args=(bytes([i]),)) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["put"] + ["taken"] * 15
    assert len(local.get("a/b")) == 1


def test_a_storage_that_renames_is_refused(tmp_path):
    class Renaming(InMemoryStorage):
        def get_available_name(self, name: str, max_length: int | None = None) -> str:
            return f"{name}_renamed"

    objects = objects_for(Renaming(), "default")
    with pytest.raises(NameTaken, match="another name"):
        objects.put("a/b", b"1")
    assert objects.list("a") == []


def test_whatever_a_storage_raises_is_a_sentence_of_ours():
    class Broken(InMemoryStorage):
        def exists(self, name: str) -> bool:
            raise ConnectionResetError(errno.ECONNRESET, "Connection reset by peer")

    with pytest.raises(StorageUnavailable, match="Connection reset by peer"):
        objects_for(Broken(), "default").put("a/b", b"1")
