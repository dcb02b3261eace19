"""Objects over a Django storage: put once, read, list, delete; no name is ever given other bytes.

Django's ``save()`` may rename and may leave a partial file under the final name, so local files are written beside,
synced and linked into place, and any other storage is asked first and held to the name it was given.
"""

from __future__ import annotations

import os
import secrets
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage

from backups.exceptions import BackupsError, NameTaken, ObjectMissing, StorageUnavailable


class Objects(ABC):
    """The objects under one prefix. Names are relative to it, with ``/`` between parts."""

    def __init__(self, storage: Storage, prefix: str) -> None:
        self.storage = storage
        self.prefix = prefix

    def full(self, name: str) -> str:
        """Return the name as the storage knows it."""
        return f"{self.prefix}/{name}"

    @abstractmethod
    def place(self) -> str:
        """Return where the objects lie, for people."""

    @abstractmethod
    def put(self, name: str, data: bytes) -> None:
        """Store an object, whole under its name or not at all; durable once ``settle`` has returned.

        The same bytes again are no error; others raise NameTaken.
        """

    @abstractmethod
    def settle(self) -> None:
        """Make every name that was put so far outlast a loss of power."""

    def get(self, name: str) -> bytes:
        """Return an object's bytes; raise ObjectMissing where there is none."""
        with _storage_errors(f"reading {name}"):
            try:
                with self.storage.open(self.full(name), "rb") as stream:
                    return bytes(stream.read())
            except FileNotFoundError:
                raise ObjectMissing(name) from None

    def exists(self, name: str) -> bool:
        """Say whether there is an object of that name. It proves nothing about its bytes."""
        with _storage_errors(f"looking for {name}"):
            return self.storage.exists(self.full(name))

    def list(self, folder: str) -> Sequence[str]:
        """Return the names of the objects in a folder (not below it), sorted; empty where there is no folder."""
        return sorted(f"{folder}/{name}" for name in self._entries(folder)[1])

    def folders(self, folder: str) -> Sequence[str]:
        """Return the names of the folders in a folder, sorted."""
        return sorted(f"{folder}/{name}" for name in self._entries(folder)[0])

    def delete(self, name: str) -> None:
        """Remove an object; raise where it is still there afterwards."""
        with _storage_errors(f"deleting {name}"):
            self.storage.delete(self.full(name))
        if self.exists(name):
            raise StorageUnavailable(f"The storage did not delete {name}.")

    @abstractmethod
    def remove_folder(self, folder: str) -> None:
        """Remove an empty folder that nothing is put into any more."""

    @abstractmethod
    def sweep(self, older_than: float) -> None:
        """Remove what killed processes left of objects that never got their name; seconds since 1970."""

    def written(self, name: str) -> datetime:
        """Return when the storage says that the object was written."""
        with _storage_errors(f"looking at {name}"):
            return self.storage.get_modified_time(self.full(name))

    def _entries(self, folder: str) -> tuple[Sequence[str], Sequence[str]]:
        with _storage_errors(f"listing {folder}"):
            try:
                return self.storage.listdir(self.full(folder))
            except FileNotFoundError:
                return [], []


class LocalObjects(Objects):
    """Objects in a folder: written beside, synced, linked into place; 0600 in 0700.

    Bytes are synced with each object; folders, which hold the names, all together when a run settles.
    """

    def __init__(self, storage: Storage, prefix: str) -> None:
        super().__init__(storage, prefix)
        self._unsynced: set[Path] = set()
        self._lock = threading.Lock()

    def place(self) -> str:
        """Return the folder."""
        return self.storage.path(self.prefix)

    def put(self, name: str, data: bytes) -> None:
        """Write to a temporary name in the repository, sync, link."""
        with _storage_errors(f"writing {name}"):
            path = Path(self.storage.path(self.full(name)))
            beside = Path(self.storage.path(self.full("tmp"))) / secrets.token_hex(16)
            for folder in (beside.parent, path.parent):
                _make_folder(folder)
            try:
                _write(beside, data)
                self._link(beside, path, name, data)
            finally:
                beside.unlink(missing_ok=True)
            with self._lock:
                self._unsynced.add(path.parent)

    def settle(self) -> None:
        """Sync the folders that names were put into."""
        with self._lock:
            folders, self._unsynced = self._unsynced, set()
        with _storage_errors("syncing its folders"):
            for folder in sorted(folders):
                # Whoever removed the last object of a folder, such as a heartbeat, removed the folder too.
                with suppress(FileNotFoundError):
                    _sync_folder(folder)

    def _link(self, beside: Path, path: Path, name: str, data: bytes) -> None:
        try:
            os.link(beside, path)
        except FileExistsError:
            if path.read_bytes() != data:
                raise NameTaken(f"{name} is there already with other bytes.") from None

    def remove_folder(self, folder: str) -> None:
        """Remove the folder, unless something lies in it."""
        with suppress(OSError):
            Path(self.storage.path(self.full(folder))).rmdir()

    def sweep(self, older_than: float) -> None:
        """Remove temporary files and empty folders of runs, last changed before that time."""
        with _storage_errors("clearing up"):
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
        with _storage_errors(f"writing {name}"):
            saved = self.storage.save(full, ContentFile(data))
            if saved != full:
                self.storage.delete(saved)
                raise NameTaken(f"The storage would have stored {name} under another name.")

    def remove_folder(self, folder: str) -> None:
        """Do nothing: a storage of objects has folders in their names only."""

    def sweep(self, older_than: float) -> None:
        """Do nothing: an object has its name from the beginning."""


def objects_for(storage: Storage, prefix: str) -> Objects:
    """Return the way to store objects that suits the storage."""
    return (LocalObjects if isinstance(storage, FileSystemStorage) else PlainObjects)(storage, prefix)


@contextmanager
def _storage_errors(doing: str) -> Iterator[None]:
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
        _sync_folder(folder.parent)


def _write(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
