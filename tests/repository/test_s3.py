"""S3 over HTTP: each trap of a storage of objects, and a sentence for each way in which it does not answer."""

import socket
from typing import Any

import pytest

from backups.exceptions import NameTaken, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository import Repository
from backups.repository.storage import objects_for
from tests.s3 import client, front, options_at, s3, s3_url, storage  # noqa: F401 (fixtures)


def objects_of(options: dict[str, Any]) -> Any:
    return objects_for(storage(options), "default")


def keys(options: dict[str, Any]) -> list[str]:
    """What lies in the bucket, as S3 tells it."""
    listed = client(options).list_objects_v2(Bucket=options["bucket_name"])
    return [entry["Key"] for entry in listed.get("Contents", [])]


def test_an_object_lies_under_exactly_its_name_and_says_what_it_is(s3):  # noqa: F811
    objects = objects_of({**s3, "location": "of/the/site"})
    objects.put("chunks/ab/abc.gz", b"text " * 100)
    assert keys(s3) == ["of/the/site/default/chunks/ab/abc.gz"]
    head = client(s3).head_object(Bucket=s3["bucket_name"], Key=keys(s3)[0], ChecksumMode="ENABLED")
    assert head["ContentType"] == "application/octet-stream" and head["ContentLength"] == 500
    assert "ContentEncoding" not in head and head["ChecksumSHA256"]
    assert objects.place() == f"s3://{s3['bucket_name']}/of/the/site/default"


@pytest.mark.parametrize(
    "more", [{"gzip": True, "gzip_content_types": ["application/octet-stream", "application/json"]}]
)
def test_nothing_is_compressed_on_the_way(s3, more):  # noqa: F811
    objects = objects_of({**s3, **more})
    objects.put("repository.json", b"{}" * 1000)
    assert client(s3).head_object(Bucket=s3["bucket_name"], Key="default/repository.json")["ContentLength"] == 2000
    assert objects.get("repository.json") == b"{}" * 1000


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_name_is_taken_whatever_the_storage_says_of_overwriting(s3, overwrite):  # noqa: F811
    objects = objects_of({**s3, "file_overwrite": overwrite})
    objects.put("a/b", b"1")
    objects.put("a/b", b"1")
    with pytest.raises(NameTaken):
        objects.put("a/b", b"2")
    assert keys(s3) == ["default/a/b"] and objects.get("a/b") == b"1"
    assert objects.conditional and objects.checked


def test_the_storage_s_own_parameters_are_kept(s3):  # noqa: F811
    given = {"StorageClass": "STANDARD_IA", "Metadata": {"of": "the site"}, "ContentEncoding": "gzip"}
    objects_of({**s3, "object_parameters": given}).put("a/b", b"1")
    head = client(s3).head_object(Bucket=s3["bucket_name"], Key="default/a/b")
    assert head["StorageClass"] == "STANDARD_IA" and head["Metadata"] == {"of": "the site"}
    assert "ContentEncoding" not in head


def test_a_listing_goes_on_beyond_a_thousand(s3):  # noqa: F811
    objects = objects_of(s3)
    behind = client(s3)
    for number in range(1005):
        behind.put_object(Bucket=s3["bucket_name"], Key=f"default/runs/{number:04}", Body=b"")
    for number in range(1005, 1010):
        behind.put_object(Bucket=s3["bucket_name"], Key=f"default/runs/{number:04}/0", Body=b"")
    assert objects.list("runs") == [f"runs/{number:04}" for number in range(1005)]
    assert objects.folders("runs") == [f"runs/{number:04}" for number in range(1005, 1010)]


def test_a_name_that_leads_elsewhere_is_not_asked_for(s3):  # noqa: F811
    client(s3).put_object(Bucket=s3["bucket_name"], Key="secret", Body=b"secret")
    objects = objects_of(s3)
    for name in ("../secret", "a/../../secret", "/secret", "a//b", "", "."):
        for ask in (objects.get, objects.exists, objects.delete, lambda name: objects.put(name, b"x")):
            with pytest.raises(StorageUnavailable, match="no object has such a name"):
                ask(name)
    assert keys(s3) == ["secret"]


def test_of_an_object_that_is_too_large_no_more_is_read(s3):  # noqa: F811
    client(s3).put_object(Bucket=s3["bucket_name"], Key="default/a/b", Body=b"x" * 5000)
    with pytest.raises(ObjectDamaged, match="more than 4000 bytes"):
        objects_of(s3).get("a/b", 4000)


def test_in_a_bucket_with_versions_what_is_deleted_is_hidden(s3):  # noqa: F811
    behind, bucket = client(s3), s3["bucket_name"]
    behind.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    objects = objects_of(s3)
    objects.put("a/b", b"1")
    objects.delete("a/b")
    assert not objects.exists("a/b") and objects.list("a") == []
    with pytest.raises(ObjectMissing):
        objects.get("a/b")
    assert len(behind.list_object_versions(Bucket=bucket)["Versions"]) == 1 and objects.versioned()


# What compatible storages lack


def test_where_conditions_are_not_known_it_is_looked_for_first(s3, s3_url):  # noqa: F811
    def refuse(request):
        return (501, "NotImplemented") if request.headers.get("If-None-Match") else None

    with front(s3_url, refuse) as url:
        objects = objects_of({**s3, "endpoint_url": url})
        objects.put("a/b", b"1")
        objects.put("a/b", b"1")
        with pytest.raises(NameTaken):
            objects.put("a/b", b"2")
        assert objects.get("a/b") == b"1"
        assert (objects.conditional, objects.checked) == (False, True)


def test_where_checksums_are_not_known_none_is_sent(s3, s3_url):  # noqa: F811
    def refuse(request):
        known = not (request.headers.get("x-amz-checksum-sha256") or request.headers.get("If-None-Match"))
        return None if known else (400, "InvalidArgument")

    with front(s3_url, refuse) as url:
        objects = objects_of({**s3, "endpoint_url": url})
        objects.put("a/b", b"1")
        assert objects.get("a/b") == b"1" and (objects.conditional, objects.checked) == (False, False)


def test_a_put_that_met_another_is_tried_again(s3, s3_url):  # noqa: F811
    answers = iter([(409, "ConditionalRequestConflict"), (409, "ConditionalRequestConflict")])

    def refuse(request):
        return next(answers, None) if request.command == "PUT" else None

    with front(s3_url, refuse) as url:
        objects_of({**s3, "endpoint_url": url}).put("a/b", b"1")
    assert keys(s3) == ["default/a/b"] and next(answers, None) is None


# What does not answer


def ask_everything(options: dict[str, Any], *words: str) -> None:
    objects = objects_of(options)
    asked = [
        lambda: objects.put("a/b", b"1"), lambda: objects.get("a/b"), lambda: objects.list("a"),
        lambda: objects.delete("a/b"), lambda: Repository.open("x", storage=storage(options), create=True),
    ]  # fmt: skip
    for ask in asked:
        with pytest.raises(StorageUnavailable) as raised:
            ask()
        assert all(word in str(raised.value) for word in ("The storage failed while", *words)), raised.value
        assert raised.value.hint and "\n" not in str(raised.value)


def test_an_endpoint_that_is_down():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        ask_everything(options_at(url), "Could not connect", url)


def test_a_bucket_that_is_not_there(s3_url):  # noqa: F811
    options = options_at(s3_url)
    ask_everything(options, options["bucket_name"], "NoSuchBucket", "there is no such bucket")


def test_no_credentials(s3, monkeypatch):  # noqa: F811
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    ask_everything({**s3, "access_key": None, "secret_key": None}, "Unable to locate credentials")


@pytest.mark.parametrize(
    ("status", "code", "said"),
    [(503, "SlowDown", "asks for fewer requests"), (403, "AccessDenied", "s3:ListBucket"),
     (403, "SignatureDoesNotMatch", "does not belong"), (500, "InternalError", "InternalError")],
)  # fmt: skip
def test_an_answer_that_is_a_refusal(s3, s3_url, status, code, said):  # noqa: F811
    with front(s3_url, lambda request: (status, code)) as url:
        objects = objects_of({**s3, "endpoint_url": url})
        for ask in (lambda: objects.put("a/b", b"1"), lambda: objects.get("a/b"), lambda: objects.list("a")):
            with pytest.raises(StorageUnavailable, match=said) as raised:
                ask()
            assert "a" in str(raised.value) and raised.value.hint
