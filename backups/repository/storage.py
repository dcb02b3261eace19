"""Objects over a Django storage: put once, read, list, delete; no name is ever given other bytes.

Django's ``save()`` may rename and may leave a partial file under the final name, so local files are written beside,
synced and linked into place, S3 is spoken to itself (see s3.py), and any other storage is asked first and held to the
name it was given.
"""

from __future__ import annotations

import errno
import io
import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, Storage
from django.utils import timezone

from backups.durable import sync_folder
from backups.exceptions import BackupsError, NameTaken, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository.names import is_object_name

LARGEST = 512 * 1024 * 1024
"""Bytes of the largest object that is ever read: what lies in storage may have been put there by somebody else."""

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)


class Objects(ABC):
    """The objects under one prefix. Names are relative to it, with ``/`` between parts."""

    reads_ahead: ClassVar[int] = 3
    writes_at_once: ClassVar[int] = 4
    """How many objects of a megabyte are worth reading while one is worked on, and putting side by side: more where each
    waits for a network. All of them are in memory."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        self.storage = storage
        self.prefix = prefix

    def full(self, name: str) -> str:
        """Return the name as the storage knows it; raise StorageUnavailable for one that leads out of the prefix."""
        if not is_object_name(name):
            raise StorageUnavailable(f"The storage is not asked for {name[:120]!r}: no object has such a name.")
        return f"{self.prefix}/{name}"

    @abstractmethod
    def place(self) -> str:
        """Return where the objects lie, for people."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Store an object, whole under its name or not at all; durable once ``settle`` has returned.

        The same bytes again are no error; others raise NameTaken.
        """

    def replace(self, name: str, data: bytes) -> None:
        """Give a name the bytes that it was first given, where it was found without them or with others.

        The caller has compared them with a recorded digest: nothing else may ever change what a name stands for.
        """
        with storage_errors(f"replacing {name}"):
            if self.exists(name):
                self.delete(name)
        self.put(name, data)

    @abstractmethod
    def settle(self) -> None:
        """Make every name that was put so far outlast a loss of power."""

    def get(self, name: str, most: int = LARGEST) -> bytes:
        """Return an object's bytes; raise ObjectMissing where there is none, ObjectDamaged where it has more than that."""
        with storage_errors(f"reading {name}"):
            try:
                with self.storage.open(self.full(name), "rb") as stream:
                    return bounded(name, bytes(stream.read(most + 1)), most)
            except FileNotFoundError:
                raise ObjectMissing(name) from None

    def exists(self, name: str) -> bool:
        """Say whether there is an object of that name. It proves nothing about its bytes."""
        with storage_errors(f"looking for {name}"):
            return self.storage.exists(self.full(name))

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object, or None where there is none."""
        if not self.exists(name):
            return None
        with storage_errors(f"measuring {name}"):
            return int(self.storage.size(self.full(name)))

    def modified(self, name: str) -> datetime:
        """Return when the storage got an object, by the storage's clock; raise StorageUnavailable where it does not say."""
        with storage_errors(f"asking when {name} was stored"):
            moment = self.storage.get_modified_time(self.full(name))
            return moment if timezone.is_aware(moment) else timezone.make_aware(moment)

    def list(self, folder: str) -> Sequence[str]:
        """Return the names of the objects in a folder (not below it), sorted; empty where there is no folder."""
        return sorted(f"{folder}/{name}" for name in self._entries(folder)[1])

    def folders(self, folder: str) -> Sequence[str]:
        """Return the names of the folders in a folder, sorted."""
        return sorted(f"{folder}/{name}" for name in self._entries(folder)[0])

    def delete(self, name: str) -> None:
        """Remove an object; raise where it is still there afterwards."""
        with storage_errors(f"deleting {name}"):
            self.storage.delete(self.full(name))
        if self.exists(name):
            raise StorageUnavailable(f"The storage did not delete {name}.")

    @abstractmethod
    def break_off(self, name: str, data: bytes) -> None:
        """Put an object as a process does that dies half-way; for who wants to know what is there then."""

    @abstractmethod
    def remove_folder(self, folder: str) -> None:
        """Remove an empty folder that nothing is put into any more; with no name, that of the prefix."""

    @abstractmethod
    def sweep(self, older_than: float) -> None:
        """Remove what killed processes left of objects that never got their name; seconds since 1970."""

    def _entries(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        with storage_errors(f"listing {folder}"):
            try:
                return self.storage.listdir(self.full(folder))
            except FileNotFoundError:
                return [], []


class LocalObjects(Objects):
    """Objects in a folder: written beside, synced, linked into place; 0600 in 0700.

    Bytes are synced with each object; folders, which hold the names, all together when a run settles.
    """

    reads_ahead, writes_at_once = 1, 2

    def __init__(self, storage: Storage, prefix: str) -> None:
        super().__init__(storage, prefix)
        self._unsynced: set[Path] = set()
        self._lock = threading.Lock()

    def place(self) -> str:
        """Return the folder."""
        return self.storage.path(self.prefix)

    def put(self, name: str, data: bytes) -> None:
        """Write to a temporary name in the repository, sync, link."""
        with storage_errors(f"writing {name}"), self._written_beside(name, data) as (beside, path):
            self._link(beside, path, name, data)

    def replace(self, name: str, data: bytes) -> None:
        """Write to a temporary name, sync, and rename it over what is there: a reader sees the one or the other."""
        with storage_errors(f"replacing {name}"), self._written_beside(name, data) as (beside, path):
            beside.replace(path)

    @contextmanager
    def _written_beside(self, name: str, data: bytes) -> Iterator[tuple[Path, Path]]:
        """Write and sync a temporary file; yield its path and the object's, which the block gives it in one step."""
        path = Path(self.storage.path(self.full(name)))
        beside = Path(self.storage.path(self.full("tmp"))) / secrets.token_hex(16)
        for folder in (beside.parent, path.parent):
            _make_folder(folder)
        try:
            _write(beside, data)
            yield beside, path
        finally:
            beside.unlink(missing_ok=True)
        with self._lock:
            self._unsynced.add(path.parent)

    def delete(self, name: str) -> None:
        """Remove a file; its folder is synced with the others."""
        super().delete(name)
        with self._lock:
            self._unsynced.add(Path(self.storage.path(self.full(name))).parent)

    def settle(self) -> None:
        """Sync the folders that names were put into or taken from."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        with storage_errors("syncing its folders"):
            for folder in sorted(folders):
                # Whoever removed the last object of a folder, such as a heartbeat, removed the folder too.
                with suppress(FileNotFoundError):
                    sync_folder(folder)

    def _link(self, beside: Path, path: Path, name: str, data: bytes) -> None:
        try:
            os.link(beside, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise NameTaken(f"{name} is there already with other bytes.") from None
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            self._rename(beside, path, name, data)

    def _rename(self, beside: Path, path: Path, name: str, data: bytes) -> None:
        """Take the name where the file system has no links: of two writers at once, the later one has it."""
        if not path.exists():
            beside.rename(path)
        elif path.read_bytes() != data:
            raise NameTaken(f"{name} is there already with other bytes.")

    def break_off(self, name: str, data: bytes) -> None:
        """Write half of it beside: no name is linked to it."""
        with storage_errors(f"writing {name}"):
            beside = Path(self.storage.path(self.full("tmp"))) / secrets.token_hex(16)
            _make_folder(beside.parent)
            _write(beside, data[: len(data) // 2])

    def remove_folder(self, folder: str) -> None:
        """Remove the folder, unless something lies in it."""
        with suppress(OSError):
            Path(self.storage.path(self.full(folder) if folder else self.prefix)).rmdir()

    def sweep(self, older_than: float) -> None:
        """Remove temporary files and empty folders of runs, last changed before that time."""
        with storage_errors("clearing up"):
            for path in _old(Path(self.storage.path(self.full("tmp"))), older_than):
                path.unlink(missing_ok=True)
            for folder in _old(Path(self.storage.path(self.full("runs"))), older_than):
                with suppress(OSError):
                    folder.rmdir()


class PlainObjects(Objects):
    """Objects over any other storage, with no more than Django's interface promises."""

    def place(self) -> str:
        """Return the class of the storage and the prefix."""
        return f"{type(self.storage).__name__}:{self.prefix}"

    def settle(self) -> None:
        """Do nothing: such a storage keeps what it was given, or there is no way to ask it to."""

    def put(self, name: str, data: bytes) -> None:
        """Ask first, save, and hold the storage to the name."""
        full = self.full(name)
        if self.exists(name):
            if self.get(name) != data:
                raise NameTaken(f"{name} is there already with other bytes.")
            return
        with storage_errors(f"writing {name}"):
            saved = self.storage.save(full, ContentFile(data))
            if saved != full:
                self.storage.delete(saved)
                raise NameTaken(f"The storage would have stored {name} under another name.")

    def break_off(self, name: str, data: bytes) -> None:
        """Save what cannot be read beyond its half."""
        with storage_errors(f"writing {name}"), suppress(BrokenOff):
            self.storage.save(self.full(name), File(Breaking(data), name))

    def remove_folder(self, folder: str) -> None:
        """Do nothing: a storage of objects has folders in their names only."""

    def sweep(self, older_than: float) -> None:
        """Do nothing: an object has its name from the beginning."""


class BrokenOff(Exception):
    """What is being read ends before its end, as it does for a process that dies."""


class Breaking(io.BytesIO):
    """Bytes whose second half cannot be read."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return bytes of the first half, then raise BrokenOff."""
        half = len(self.getbuffer()) // 2
        if self.tell() >= half:
            raise BrokenOff
        return super().read(half - self.tell() if size is None or size < 0 else min(size, half - self.tell()))


def objects_for(storage: Storage, prefix: str) -> Objects:
    """Return the way to store objects that suits the storage."""
    if isinstance(storage, FileSystemStorage):
        return LocalObjects(storage, prefix)
    if is_s3(storage):
        # Imported where there is such a storage: only then is its library installed.
        from backups.repository.s3 import S3Objects

        return S3Objects(storage, prefix)
    return PlainObjects(storage, prefix)


def is_s3(storage: Storage) -> bool:
    """Say whether it is django-storages' storage for S3, or is made from it."""
    return any(
        f"{kind.__module__}.{kind.__name__}" == "storages.backends.s3.S3Storage" for kind in type(storage).__mro__
    )


def bounded(name: str, data: bytes, most: int) -> bytes:
    """Return the data; raise ObjectDamaged where it is more than that."""
    if len(data) > most:
        raise ObjectDamaged(name, f"it has more than {most} bytes")
    return data


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn whatever a storage raises into StorageUnavailable: each has errors of its own, from its vendor's library."""
    try:
        yield
    except BackupsError:
        raise
    except SuspiciousFileOperation as error:
        raise StorageUnavailable(f"The storage refused {doing}: {error}.") from error
    except Exception as error:
        raise StorageUnavailable(f"The storage failed while {doing}: {_first_line(error)}.") from error


def _first_line(error: Exception) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return (text or type(error).__name__).splitlines()[0].rstrip(".")


def _old(folder: Path, older_than: float) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        for path in folder.iterdir():
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < older_than:
                    yield path


def _make_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        sync_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
