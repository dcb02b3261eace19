"""Objects in S3 and what is compatible with it, over django-storages: one PutObject, atomic, checked and conditional.

django-storages' own ``save()`` cannot ask for "only if nobody has that name", its ``open("wb")`` completes an upload that
failed half-way, and its names are normalised rather than refused. So requests are made by its client, with its settings.
"""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.httpchecksum import FlexibleChecksumError
from django.core.files.storage import Storage

from backups.exceptions import NameTaken, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository.storage import LARGEST, Breaking, BrokenOff, Objects, bounded, storage_errors

CONFLICTS = 5
"""How often a put is tried again that met another one of the same name."""

_MISSING = ("NoSuchKey", "404", "NotFound")
_UNKNOWN = ("NotImplemented", "501", "InvalidArgument", "InvalidRequest", "UnsupportedHeader", "XNotImplemented")
"""What compatible storages say of a header that they do not know."""

_MAY_NOT = "these credentials may not (needed: s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket)"
_SAID = {
    "NoSuchBucket": "there is no such bucket",
    "AccessDenied": _MAY_NOT,
    "403": _MAY_NOT,
    "InvalidAccessKeyId": "the access key is not known there",
    "SignatureDoesNotMatch": "the secret key does not belong to the access key",
    "SlowDown": "it asks for fewer requests, and went on asking when they were tried again",
    "InvalidObjectState": "the object lies in an archive and has to be restored from there first",
}


class S3Objects(Objects):
    """Objects in a bucket. A put is atomic, and durable when it returns."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        super().__init__(storage, prefix)
        self._s3: Any = storage
        self._lock = threading.Lock()
        self._made: Any = None
        self.conditional = True
        """Whether the storage takes ``If-None-Match``; known after the first put."""
        self.checked = True
        """Whether the storage takes a checksum; known after the first put."""

    def place(self) -> str:
        """Return the bucket and the prefix."""
        return f"s3://{self._s3.bucket_name}/{self._key('x')[:-2]}"

    def put(self, name: str, data: bytes) -> None:
        """Put once, only if nobody has that name; where that cannot be asked for, look first."""
        key = self._key(name)
        with self._errors(f"writing {name}", name):
            while not self._put(name, key, data):
                # The storage did not know a header: it is left out from here on.
                pass

    def replace(self, name: str, data: bytes) -> None:
        """Put over what is there: a reader sees the one or the other."""
        with self._errors(f"replacing {name}", name):
            self._client.put_object(**self._request(self._key(name), data))

    def get(self, name: str, most: int = LARGEST) -> bytes:
        """Return an object's bytes; never takes more memory than that."""
        with self._errors(f"reading {name}", name):
            answer = self._client.get_object(**self._where(name), ChecksumMode="ENABLED")
            with answer["Body"] as body:
                return bounded(name, bytes(body.read(most + 1)), most)

    def exists(self, name: str) -> bool:
        """Say whether there is an object of that name."""
        with self._errors(f"looking for {name}", name):
            try:
                self._client.head_object(**self._where(name))
            except ClientError as error:
                if _code(error) in _MISSING:
                    return False
                raise
            return True

    def delete(self, name: str) -> None:
        """Remove an object; in a bucket with versions it is hidden only, and its bytes stay."""
        with self._errors(f"deleting {name}", name):
            self._client.delete_object(**self._where(name))
        if self.exists(name):
            raise StorageUnavailable(f"The storage did not delete {name}.")

    def break_off(self, name: str, data: bytes) -> None:
        """Send half of it: S3 stores nothing of a request that is shorter than it said."""
        with self._errors(f"writing {name}", name), suppress(BrokenOff, BotoCoreError):
            self._client.put_object(**{**self._request(self._key(name), data), "Body": Breaking(data)})

    def settle(self) -> None:
        """Do nothing: what S3 has confirmed is durable."""

    def remove_folder(self, folder: str) -> None:
        """Do nothing: a storage of objects has folders in their names only."""

    def sweep(self, older_than: float) -> None:
        """Do nothing: a put is atomic, so there are no halves."""

    def versioned(self) -> bool:
        """Say whether the bucket keeps what is deleted; False where we may not ask."""
        try:
            return bool(self._client.get_bucket_versioning(Bucket=self._s3.bucket_name).get("Status") == "Enabled")
        except (ClientError, BotoCoreError):
            return False

    def _put(self, name: str, key: str, data: bytes) -> bool:
        """Return False where the request has to be made anew, without what the storage does not know."""
        condition = {"IfNoneMatch": "*"} if self.conditional else {}
        if not self.conditional and self.exists(name):
            self._compare(name, data)
            return True
        for attempt in range(CONFLICTS + 1):
            try:
                self._client.put_object(**self._request(key, data), **condition)
                return True
            except ClientError as error:
                code = _code(error)
                if code in ("PreconditionFailed", "412"):
                    self._compare(name, data)
                    return True
                if code in ("ConditionalRequestConflict", "OperationAborted", "409") and attempt < CONFLICTS:
                    time.sleep(0.05 * 2**attempt)
                    continue
                if code not in _UNKNOWN or not (self.conditional or self.checked):
                    raise
                self.conditional, self.checked = False, self.checked and self.conditional
                return False
        raise AssertionError("the last attempt raises")

    def _compare(self, name: str, data: bytes) -> None:
        if self.get(name) != data:
            raise NameTaken(f"{name} is there already with other bytes.")

    def _request(self, key: str, data: bytes) -> dict[str, Any]:
        """Return a PutObject with the storage's own parameters (storage class, encryption, lock), and never compressed."""
        given = {
            name: value for name, value in self._s3.get_object_parameters(key).items() if name != "ContentEncoding"
        }
        acl = {"ACL": self._s3.default_acl} if self._s3.default_acl else {}
        request = {**acl, **given, "Bucket": self._s3.bucket_name, "Key": key, "Body": data}
        request["ContentType"] = "application/octet-stream"
        if self.checked:
            request["ChecksumAlgorithm"] = "SHA256"
            request["ChecksumSHA256"] = base64.b64encode(hashlib.sha256(data).digest()).decode()
        return request

    def _where(self, name: str) -> dict[str, str]:
        return {"Bucket": self._s3.bucket_name, "Key": self._key(name)}

    def _key(self, name: str) -> str:
        return str(self._s3._normalize_name(self.full(name)))

    @property
    def _client(self) -> Any:
        """One client for all threads, which it is made for; the storage's own connection is each thread's."""
        with self._lock:
            if self._made is None:
                self._made = self._s3.connection.meta.client
            return self._made

    def _entries(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        folders: list[str] = []
        objects: list[str] = []
        with self._errors(f"listing {folder}", folder):
            path = f"{self._key(folder)}/"
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._s3.bucket_name, Prefix=path, Delimiter="/"
            )
            for page in pages:
                folders += [entry["Prefix"].removeprefix(path)[:-1] for entry in page.get("CommonPrefixes", ())]
                objects += [
                    entry["Key"].removeprefix(path) for entry in page.get("Contents", ()) if entry["Key"] != path
                ]
        return folders, objects

    @contextmanager
    def _errors(self, doing: str, name: str) -> Iterator[None]:
        """Turn what S3 says into our errors; a bucket that is not there is not a missing object."""
        with storage_errors(doing):
            try:
                yield
            except FlexibleChecksumError:
                raise ObjectDamaged(name, "its bytes do not have the checksum that the storage keeps of them") from None
            except ClientError as error:
                if _code(error) in _MISSING:
                    raise ObjectMissing(name) from None
                said = _SAID.get(_code(error))
                if said is None:
                    raise
                where = f"the bucket {self._s3.bucket_name!r} answered {_code(error)}"
                raise StorageUnavailable(f"The storage failed while {doing}: {where}, {said}.") from error


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
