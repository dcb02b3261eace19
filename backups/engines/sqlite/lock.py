"""One writer at a time: ``flock`` on a file beside the database, which the kernel lets go of when its holder dies."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from backups.engines.sqlite.place import Place
from backups.exceptions import LockHeld, SourceError

_SUFFIX = ".lifeboat-lock"


@contextmanager
def locked(place: Place, title: str, run: str) -> Iterator[None]:
    """Hold the lock of a database; raises LockHeld at once where another run has it."""
    path = _path(place)
    descriptor = _taken(path, title)
    try:
        _write_holder(descriptor, run)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _path(place: Place) -> Path:
    """Return the lock's file: beside the database, or in the temporary folder where nothing may be made there."""
    if place.path is None:
        return _elsewhere(f"{place.name} in process {os.getpid()}")
    real = Path(os.path.realpath(place.path))
    beside = real.with_name(real.name + _SUFFIX)
    return beside if os.access(real.parent, os.W_OK) else _elsewhere(str(real))


def _elsewhere(name: str) -> Path:
    return Path(tempfile.gettempdir(), f"{hashlib.sha256(name.encode()).hexdigest()[:32]}{_SUFFIX}")


def _taken(path: Path, title: str) -> int:
    while True:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise SourceError(f"The {title} cannot be locked: {error}.") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _read_holder(descriptor)
            os.close(descriptor)
            raise LockHeld(f"The {title} is being worked on by {holder}.") from None
        if _is_still(descriptor, path):
            return descriptor
        os.close(descriptor)


def _is_still(descriptor: int, path: Path) -> bool:
    """Say whether the locked file is the one under the name: the last holder may just have removed it."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.lstat())
    except FileNotFoundError:
        return False


def _write_holder(descriptor: int, run: str) -> None:
    since = datetime.now(UTC).isoformat(" ", "seconds")
    holder = {"run": run, "pid": os.getpid(), "host": socket.gethostname(), "since": since}
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps(holder).encode(), 0)


def _read_holder(descriptor: int) -> str:
    try:
        holder = json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        return "somebody who has only just begun"
    return f"run {holder['run']} (process {holder['pid']} on {holder['host']}) since {holder['since']}"
