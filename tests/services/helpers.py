"""What tests of several services do."""

import hashlib
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backups.engines.base import Engine
from backups.repository import Repository
from backups.repository.runs import Beat, put_beat
from backups.services.backup import BackedUp, create_backup
from tests.yard import SMALL


def back_up(engine: Engine, **options: object) -> BackedUp:
    """Back up a database in small chunks."""
    return create_backup(engine.alias, limits=SMALL, **options)  # type: ignore[arg-type]


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
