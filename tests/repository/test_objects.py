"""The contract of object storage, for every storage that is supported, and what local files promise beyond it."""

import errno
import os
import resource
import stat
import threading
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage, InMemoryStorage, Storage

from backups.exceptions import NameTaken, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository.storage import Objects, PlainObjects, objects_for
from tests.s3 import s3, s3_url  # noqa: F401 (fixtures)


def s3_storage(request) -> Storage:
    pytest.importorskip("storages")
    from tests.s3 import storage

    return storage(request.getfixturevalue("s3"))


STORAGES = {
    "local": lambda request: FileSystemStorage(location=request.getfixturevalue("tmp_path") / "store"),
    "memory": lambda request: InMemoryStorage(),
    "s3": s3_storage,
}
"""Every kind of storage that is supported; each test of the contract runs on all."""


@pytest.fixture(params=STORAGES)
def objects(request) -> Objects:
    return objects_for(STORAGES[request.param](request), "default")


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


def test_a_name_may_be_deleted_twice(objects):
    objects.put("a/b", b"1")
    objects.delete("a/b")
    objects.delete("a/b")
    objects.put("a/b", b"2")
    assert objects.get("a/b") == b"2"


@pytest.mark.parametrize("size", [0, 1, 9_000_001])
def test_an_object_may_be_empty_and_may_be_large(objects, size):
    data = bytes(range(251)) * (size // 251 + 1)
    objects.put("a/b", data[:size])
    assert objects.get("a/b") == data[:size]


def test_no_more_is_read_than_is_asked_for(objects):
    objects.put("a/b", b"x" * 1000)
    assert objects.get("a/b", 1000) == b"x" * 1000
    with pytest.raises(ObjectDamaged, match="more than 999 bytes"):
        objects.get("a/b", 999)


def test_what_was_damaged_is_replaced(objects):
    objects.put("a/b", b"1")
    objects.replace("a/b", b"2")
    objects.replace("a/c", b"3")
    assert (objects.get("a/b"), objects.get("a/c")) == (b"2", b"3") and objects.list("a") == ["a/b", "a/c"]


def test_a_put_that_breaks_off_leaves_nothing_or_less_than_was_meant(objects):
    objects.break_off("a/b", b"12" * 50_000)
    if type(objects) is PlainObjects:
        # More is not to be had through Django's interface: so nothing of ours believes what it has not read back.
        assert not objects.exists("a/b") or len(objects.get("a/b")) < 100_000
    else:
        assert not objects.exists("a/b") and objects.list("a") == []
        objects.put("a/b", b"1")


def test_a_suffix_that_means_something_to_others_changes_nothing(objects):
    for suffix in ("gz", "json", "css", "zst", "age", "bz2"):
        objects.put(f"a/name.{suffix}", b"body { }" * 100)
        assert objects.get(f"a/name.{suffix}") == b"body { }" * 100


def test_of_many_puts_of_the_same_bytes_each_is_right(objects):
    assert at_once(objects, [b"same"] * 8) == ["put"] * 8
    assert objects.get("a/b") == b"same" and objects.list("a") == ["a/b"]


def test_a_path_out_of_the_storage_is_refused(objects, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    for name in ("../../secret", "/etc/hostname", "a/../b", "a//b", "a/./b", "a\nb", "a b", ""):
        with pytest.raises(StorageUnavailable, match="no object has such a name"):
            objects.get(name)
        with pytest.raises(StorageUnavailable, match="no object has such a name"):
            objects.put(name, b"x")
    assert (tmp_path / "secret").read_bytes() == b"secret" and not (tmp_path / "made").exists()


def test_where_there_are_no_links_a_name_is_taken_by_renaming(local, monkeypatch):
    def link(*args):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", link)
    local.put("a/b", b"1")
    local.put("a/b", b"1")
    with pytest.raises(NameTaken):
        local.put("a/b", b"2")
    assert local.get("a/b") == b"1" and list(Path(local.place(), "tmp").iterdir()) == []


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


def at_once(objects: Objects, writings: list[bytes]) -> list[str]:
    """Put these under one name at once; return what came of each."""
    outcomes: list[str] = []
    ready = threading.Barrier(len(writings))

    def write(data: bytes) -> None:
        ready.wait()
        try:
            objects.put("a/b", data)
            outcomes.append("put")
        except NameTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=write, args=(data,)) for data in writings]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(outcomes)


@pytest.mark.parametrize("kind", ["local", "s3"])
def test_of_many_writers_of_one_name_one_wins(request, kind):
    objects = objects_for(STORAGES[kind](request), "default")
    assert at_once(objects, [bytes([number]) for number in range(16)]) == ["put"] + ["taken"] * 15
    assert len(objects.get("a/b")) == 1


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
