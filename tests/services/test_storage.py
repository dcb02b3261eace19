"""The trial of a storage: all that holds is said to hold, each broken promise is found by itself, nothing is left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import InMemoryStorage, storages

from backups.exceptions import ConfigurationError, StorageUnavailable
from backups.services.storage import Checked, check_storage
from tests.faults import Effect, Fault, FaultyStorage
from tests.s3 import BACKEND, client, front, options_at, s3, s3_url  # noqa: F401 (fixtures)

FILES = "django.core.files.storage.FileSystemStorage"
FAULTY = "tests.faults.FaultyStorage"
HERE = __name__


def put_storage(settings: Any, backend: str, **options: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "backups": {"BACKEND": backend, "OPTIONS": options}}


def outcome(checked: Checked) -> dict[str, bool | None]:
    return {promise.name: promise.holds for promise in checked.promises}


def test_local_files(settings: Any, tmp_path: Path) -> None:
    put_storage(settings, FILES, location=str(tmp_path))
    checked = check_storage()
    assert set(outcome(checked).values()) == {True} and len(checked.promises) == 15
    assert checked.place == str(tmp_path) and list(tmp_path.iterdir()) == []


def test_s3(settings: Any, s3: dict[str, Any]) -> None:  # noqa: F811
    put_storage(settings, BACKEND, **s3)
    checked = check_storage()
    assert (checked.broken, checked.minor, checked.left) == ([], [], [])
    assert {name for name, holds in outcome(checked).items() if not holds} == set()
    assert checked.place == f"s3://{s3['bucket_name']}"
    assert client(s3).list_objects_v2(Bucket=s3["bucket_name"])["KeyCount"] == 0


def test_s3_that_anybody_can_read(settings: Any, s3: dict[str, Any]) -> None:  # noqa: F811
    # The option is an error of its own, found before anything is put; what else opens it shows only when one tries.
    put_storage(settings, BACKEND, **s3, default_acl="public-read")
    with pytest.raises(ConfigurationError, match="public"):
        check_storage()
    put_storage(settings, f"{HERE}.PublicByDefault", **s3)
    (broken,) = check_storage().broken
    assert broken.name == "private" and "anybody can read it" in broken.detail


def test_s3_that_keeps_versions(settings: Any, s3: dict[str, Any]) -> None:  # noqa: F811
    client(s3).put_bucket_versioning(Bucket=s3["bucket_name"], VersioningConfiguration={"Status": "Enabled"})
    put_storage(settings, BACKEND, **s3)
    checked = check_storage()
    assert checked.broken == [] and [promise.name for promise in checked.minor] == ["freed when deleted"]


def test_s3_without_conditions_has_no_one_winner(settings: Any, s3: dict[str, Any], s3_url: str) -> None:  # noqa: F811
    def refuse(request: Any) -> tuple[int, str] | None:
        return (501, "NotImplemented") if request.headers.get("If-None-Match") else None

    with front(s3_url, refuse) as url:
        put_storage(settings, BACKEND, **{**s3, "endpoint_url": url})
        checked = check_storage()
    assert checked.left == [] and {promise.name for promise in (*checked.broken, *checked.minor)} <= {
        "one winner of many writers"
    }


def test_a_storage_in_memory(settings: Any) -> None:
    put_storage(settings, "django.core.files.storage.InMemoryStorage")
    checked = check_storage()
    assert checked.broken == [] and "whole or not at all" in {promise.name for promise in checked.minor}


def test_a_storage_of_no_kind_that_is_known(settings: Any) -> None:
    put_storage(settings, FAULTY)
    checked = check_storage()
    assert checked.broken == [] and checked.left == []
    storage = storages["backups"]
    assert isinstance(storage, FaultyStorage) and storage.objects == {}


FAULTS: dict[str, tuple[Fault, str]] = {
    "truncates": (Fault(Effect.TRUNCATE, verb="save", name="probe/put"), "put and read back"),
    "flips a bit": (Fault(Effect.FLIP, verb="open", name="probe/put"), "put and read back"),
    "is full": (Fault(Effect.FULL, verb="save", name="probe/large"), "large objects"),
    "lists what was": (Fault(Effect.STALE, verb="listdir", name="listing"), "listing"),
    "lies on delete": (Fault(Effect.LIE, verb="delete", name="deleted/object"), "delete"),
    "fails a while": (Fault(Effect.RAISE_BEFORE, verb="open", name="verbatim"), "bytes as they are"),
    "fails and has done it": (Fault(Effect.RAISE_AFTER, verb="save", name="probe/again"), "the same bytes again"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found_where_it_is(settings: Any, fault: str) -> None:
    put_storage(settings, FAULTY)
    storage = storages["backups"]
    assert isinstance(storage, FaultyStorage)
    armed, promise = FAULTS[fault]
    storage.arm(Fault(armed.effect, armed.at, armed.verb, armed.name, armed.times))
    checked = check_storage()
    assert [broken.name for broken in checked.broken] == [promise], checked
    assert storage.objects == {} and checked.left == []


def test_a_slow_storage_is_fit(settings: Any) -> None:
    put_storage(settings, FAULTY)
    storage = storages["backups"]
    assert isinstance(storage, FaultyStorage)
    storage.arm(Fault(Effect.SLOW, verb="save"))
    assert check_storage().broken == []


def test_what_cannot_be_removed_is_named(settings: Any) -> None:
    put_storage(settings, FAULTY)
    storage = storages["backups"]
    assert isinstance(storage, FaultyStorage)
    storage.arm(Fault(Effect.LIE, verb="delete", name="private", times=-1))
    checked = check_storage()
    assert len(checked.left) == 1 and checked.left[0].endswith("/private")
    assert not checked.as_json()["fit"]


class Renaming(InMemoryStorage):
    """Never gives the name that it is asked for."""

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return f"{name}_renamed"


class Gzipping(InMemoryStorage):
    """Gives other bytes for names that look like a compressed file's."""

    def _save(self, name: str, content: Any) -> str:
        data = content.read()
        return super()._save(name, ContentFile(data[:-1] if name.endswith(".gz") else data))


class Overwriting(InMemoryStorage):
    """Says that nothing is there, and overwrites."""

    def exists(self, name: str) -> bool:
        return False

    def get_available_name(self, name: str, max_length: int | None = None) -> str:
        return name


class WrongClock(InMemoryStorage):
    """Lives in another year."""

    def get_modified_time(self, name: str) -> Any:
        return super().get_modified_time(name).replace(year=2000)


TRAPS: dict[type, str] = {
    Gzipping: "bytes as they are",
    Overwriting: "never other bytes",
}


@pytest.mark.parametrize("kind", TRAPS)
def test_each_trap_is_found(settings: Any, kind: type) -> None:
    put_storage(settings, f"{HERE}.{kind.__name__}")
    assert TRAPS[kind] in [broken.name for broken in check_storage().broken]


def test_a_storage_that_renames_is_refused_at_once(settings: Any) -> None:
    put_storage(settings, f"{HERE}.Renaming")
    with pytest.raises(Exception, match="under another name"):
        check_storage()


def test_clocks_that_differ_are_minded(settings: Any) -> None:
    put_storage(settings, f"{HERE}.WrongClock")
    assert "clock" in [minor.name for minor in check_storage().minor]


def test_a_storage_that_does_not_answer_is_a_refusal(settings: Any, s3_url: str) -> None:  # noqa: F811
    put_storage(settings, BACKEND, **options_at(s3_url))
    with pytest.raises(StorageUnavailable, match="no such bucket"):
        check_storage()


def public() -> Callable[..., Any]:
    """Make the kind of storage whose objects are public by the request itself, not by its settings."""
    from storages.backends.s3 import S3Storage

    class PublicByDefault(S3Storage):  # type: ignore[misc]
        def get_object_parameters(self, name: str) -> dict[str, Any]:
            return {**super().get_object_parameters(name), "ACL": "public-read"}

    return PublicByDefault


PublicByDefault = public()
