"""What tests of several services do."""

import hashlib
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connections

from backups.engines.base import Engine
from backups.repository import Repository
from backups.repository.runs import Beat, put_beat
from backups.repository.storage import LocalObjects
from backups.services.backup import BackedUp, create_backup
from backups.verification import check
from backups.verification.registry import unregister
from tests.yard import SMALL


def back_up(engine: Engine, **options: object) -> BackedUp:
    """Back up a database in small chunks."""
    return create_backup(engine.alias, limits=SMALL, **options)  # type: ignore[arg-type]


@contextmanager
def invariant(engine: Engine, look: Callable[[str], Iterable[str] | None]) -> Iterator[None]:
    """Have a look at the copy while it is being proven."""

    @check("a look", databases=[engine.alias])
    def looking(using: str) -> Iterable[str] | None:
        return look(using)

    try:
        yield
    finally:
        unregister("a look")


def contents(engine: Engine) -> dict[str, str]:
    """A digest of each table's rows."""
    with engine.snapshot() as snapshot:
        tables = snapshot.tables()
        return {table.name: hashlib.sha256(b"".join(snapshot.lines(table))).hexdigest() for table in tables}


def manifest_path(engine: Engine, done: BackedUp) -> Path:
    """The file of a manifest."""
    return Path(Repository.open(engine.alias).objects.place(), done.committed.manifest.name)


def gone_process() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def leave_beat(repository: Repository, run: str, verb: str, **more: object) -> Beat:
    """Leave the beat of a run, which began an hour ago; by default one of this host whose process is gone."""
    then = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    said = {"host": socket.gethostname(), "pid": gone_process(), "started": then, "beat": then, **more}
    beat = Beat(run, verb, repository.objects.prefix, **said)  # type: ignore[arg-type]
    put_beat(repository, beat, 0)
    return beat


@contextmanager
def at_step(number: int, act: Callable[[], Any], verb: str = "put") -> Iterator[list[str]]:
    """Do something once, just before the storage operation of that number; yields their names. Beats do not count.

    Whichever thread that is, it is left without connections to databases.
    """
    done: list[str] = []
    original = getattr(LocalObjects, verb)

    def step(self: LocalObjects, name: str, *rest: Any) -> Any:
        if not name.startswith("runs/"):
            done.append(name)
            if len(done) == number:
                try:
                    act()
                finally:
                    _leave()
        return original(self, name, *rest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(LocalObjects, verb, step)
        yield done


def _leave() -> None:
    if threading.current_thread() is not threading.main_thread():
        connections.close_all()
