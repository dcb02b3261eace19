"""A site of its own in a folder: its databases, its storage, its settings, and manage.py as a process of its own."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.core.files.storage import FileSystemStorage

from backups.repository import Repository
from tests.commands.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
ROWS, TABLES = 1395, 18
"""What a backup of a seeded site holds; another migration of any application changes it."""

PATIENCE = 120  # seconds after which a process counts as hung

BACKUP_KEYS = [
    "id", "database", "status", "created", "seconds", "tables", "rows", "chunks", "new_chunks", "bytes", "stored_bytes",
    "new_bytes", "verification",
]  # fmt: skip
VERIFICATION_KEYS = ["backup", "level", "status", "seconds", "restore_seconds", "checks"]
CHECK_KEYS = {"name", "table", "status", "expected", "actual", "seconds", "detail"}


@dataclass(frozen=True)
class Done:
    """What became of a process: its exit status and what it wrote."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on standard output; anything else there is an error."""
        assert self.out.count("\n") == 1, self
        return json.loads(self.out)

    def refused(self, *words: str) -> Self:
        """See that it could not do it, and said so in sentences that hold these words."""
        assert self.status == 1, self
        assert "Traceback" not in self.err, self.err
        assert self.err.startswith("CommandError: "), self.err
        for word in words:
            assert word in self.err, self.err
        return self

    def found(self, *words: str) -> Self:
        """See that it did it, found a problem, and said which."""
        assert self.status == 3, self
        for word in words:
            assert word in self.err, self.err
        return self

    def fine(self) -> Self:
        """See that all was well."""
        assert self.status == 0, self
        return self


class Running:
    """A process that has begun."""

    def __init__(self, forks: Forks, pid: int, streams: Path) -> None:
        self.pid = pid
        self._forks, self._streams = forks, streams

    def end(self) -> Done:
        """Wait for its end."""
        status = self._forks.wait(self.pid)
        return Done(status, *((self._streams / name).read_text() for name in ("out", "err")))

    @property
    def ended(self) -> bool:
        """Whether it has ended, by itself or not; nobody has waited for it yet."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> int:
        """Kill it, wait until it is gone, and return its status: -9 unless it had ended by itself."""
        self.signal(signal.SIGKILL)
        return self._forks.wait(self.pid)


class Site:
    """Settings are plain JSON; change ``settings`` at any time, the next process reads them."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        self.folder = folder
        self.forks = forks
        self.outside = folder.with_name(f"{folder.name}-processes")
        self.outside.mkdir()
        self.storage = folder / "storage"
        self.settings: dict[str, Any] = {
            "DATABASES": {"default": sqlite(folder / "site.sqlite3")},
            "STORAGES": {
                "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
                "backups": {
                    "BACKEND": "django.core.files.storage.FileSystemStorage",
                    "OPTIONS": {"location": str(self.storage)},
                },
            },
            "BACKUPS": {},
        }

    @property
    def database(self) -> Path:
        """The file of the default database, where it is SQLite's."""
        return Path(self.settings["DATABASES"]["default"]["NAME"])

    @property
    def name(self) -> str:
        """What a test's server calls the default database."""
        return str(self.settings["DATABASES"]["default"]["NAME"]).rpartition("/")[2].removesuffix(".sqlite3")

    def manage(self, *arguments: str) -> Done:
        """Run manage.py to its end."""
        return self.begin(*arguments).end()

    def begin(self, *arguments: str) -> "Running":
        """Begin to run manage.py, in a process that is forked (see forks.py)."""
        streams = Path(tempfile.mkdtemp(prefix="streams-", dir=self.outside))
        command = [str(ROOT / "manage.py"), *arguments]
        return Running(self.forks, self.forks.begin(command, self.environment(), ROOT, streams), streams)

    def process(self, *arguments: str, prefix: Sequence[str] = (), **how: Any) -> Done:
        """Run ``python manage.py`` to its end, with words in front such as setpriv's."""
        done = subprocess.run(
            [*prefix, sys.executable, str(ROOT / "manage.py"), *arguments],
            cwd=ROOT,
            env=self.environment(),
            timeout=PATIENCE,
            **{"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **how},
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def environment(self) -> dict[str, str]:
        """Write the settings down and return the environment of a process that reads them."""
        file = self.outside / "site.json"
        text = json.dumps(self.settings, default=str)
        if not file.exists() or file.read_text() != text:
            file.write_text(text)
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BACKUPS_DIR")}
        ours = {"LIFEBOAT_TEST_SITE": str(file), "DJANGO_SETTINGS_MODULE": "tests.commands.settings"}
        return {**kept, **ours}

    def repository(self, alias: str = "default") -> Repository:
        """The repository of a database, opened here."""
        return Repository.open(alias, storage=FileSystemStorage(location=self.storage))

    def backups(self, alias: str = "default") -> list[str]:
        """The ids of the backups in storage, oldest first."""
        return [listed.run for listed in self.repository(alias).listing()]

    def tree(self, *without: str) -> dict[str, str]:
        """Everything in the folder: names, with links' targets and digests of contents."""
        return {
            name: _digest(path)
            for path in sorted(self.folder.rglob("*"))
            if not (name := str(path.relative_to(self.folder))).startswith(without)
        }

    def copy(self, folder: Path) -> "Site":
        """A copy of the whole site."""
        shutil.copytree(self.folder, folder, symlinks=True, dirs_exist_ok=True)
        made = Site(folder, self.forks)
        text = json.dumps(self.settings, default=str).replace(str(self.folder), str(folder))
        made.settings = deepcopy(json.loads(text))
        return made


def _digest(path: Path) -> str:
    if path.is_symlink():
        return f"-> {os.readlink(path)}"
    return "/" if path.is_dir() else hashlib.sha256(path.read_bytes()).hexdigest()


def sqlite(path: Path) -> dict[str, Any]:
    """An entry of DATABASES for a file."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path)}
