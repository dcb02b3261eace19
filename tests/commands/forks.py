"""Processes of manage.py that begin quickly: forked from one that has imported much and set nothing up.

Run as a program it is that one: it reads requests from standard input, a JSON document a line, and answers each with a
line. ``Forks`` is how the tests ask it.
"""

import json
import os
import runpy
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

PRELOADED = (
    "backups.archiver",
    "backups.engines.mysql",
    "backups.engines.postgresql",
    "backups.engines.sqlite",
    "backups.restorer",
    "backups.verification.content",
    "django.contrib.auth.hashers",
    "django.contrib.auth.management",
    "django.contrib.contenttypes.management",
    "django.core.files.storage",
    "django.core.mail",
    "django.core.management.commands.migrate",
    "django.db.backends.sqlite3.base",
    "django.template.defaultfilters",
    "django.views.generic",
    "shop.sources",
)


class Forks:
    """Begins processes and waits for them."""

    def __init__(self, folder: Path) -> None:
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self._first = subprocess.Popen([sys.executable, "-m", "tests.commands.forks"], cwd=folder, text=True, **pipes)

    def begin(self, command: list[str], environment: dict[str, str], cwd: Path, streams: Path) -> int:
        """Run a script with its arguments; it writes to ``out`` and ``err`` in the folder ``streams``. Returns its pid."""
        return self._ask({"command": command, "environment": environment, "cwd": str(cwd), "streams": str(streams)})

    def wait(self, pid: int) -> int:
        """Wait until a process has ended, and return its status: negative for the signal that killed it."""
        return self._ask({"wait": pid})

    def close(self) -> None:
        """End the first process."""
        self._first.communicate(timeout=60)

    def _ask(self, request: dict[str, Any]) -> int:
        assert self._first.stdin and self._first.stdout
        self._first.stdin.write(json.dumps(request) + "\n")
        self._first.stdin.flush()
        return int(self._first.stdout.readline())


def serve() -> None:
    """Answer requests; returns in a forked process, and at the end of standard input."""
    for module in PRELOADED:
        # A driver may be missing.
        with suppress(ImportError):
            __import__(module)
    # Read by hand: what a buffer has taken in must not be read again by a forked process.
    pending = b""
    while data := os.read(0, 65536):
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            request = json.loads(line)
            if "wait" in request:
                _, status = os.waitpid(request["wait"], 0)
                os.write(1, b"%d\n" % os.waitstatus_to_exitcode(status))
                continue
            pid = os.fork()
            if not pid:
                _become(request)
                return
            os.write(1, b"%d\n" % pid)


def _become(request: dict[str, Any]) -> None:
    """Run the script as the whole program."""
    signal.set_wakeup_fd(-1)
    streams = Path(request["streams"])
    for descriptor, name in enumerate(("/dev/null", str(streams / "out"), str(streams / "err"))):
        flags = os.O_RDONLY if descriptor == 0 else os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        opened = os.open(name, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    sys.argv = request["command"]
    runpy.run_path(sys.argv[0], run_name="__main__")


if __name__ == "__main__":
    serve()
