"""Hosts of their own: processes with another host name each, which do commands of ours and can be held at each step.

A host is a process in a UTS namespace of its own (Linux, as root), so that ``socket.gethostname`` says what it is told and
the processes of one host mean nothing to the other. It is spoken to line by line, in JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, tzinfo
from io import StringIO
from typing import Any, Self
from unittest.mock import patch

from tests.commands.site import ROOT, Done, Site

NEW_UTS = 0x04000000
REFUSED = "may not have a host name of its own"


class NoHosts(Exception):
    """This machine lets nobody make a namespace."""


class Host:
    """A process on another host."""

    def __init__(self, name: str, site: Site) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.commands.hosts", name],
            cwd=ROOT, env=site.environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self._hear() != {"name": name}:
            self.close()
            raise NoHosts

    def manage(self, *command: str) -> Done:
        """Run a command to its end."""
        self._say({"command": command})
        return Done(**self._hear())

    def begin(self, *command: str, hold: int, at: str = "put", behind: int = 0) -> Done | None:
        """Run a command up to its step of that number; return what became of it if it came to its end before.

        ``at`` are the operations that are steps, as ``put get``; heartbeats are not counted. ``behind`` are the days by
        which that host's clock is slow while it runs.
        """
        self._say({"command": command, "hold": hold, "at": at, "behind": behind})
        answer = self._hear()
        return None if "held" in answer else Done(**answer)

    def go_on(self, *, days: int = 0) -> Done:
        """Let it go on, so many days later, and return what became of it."""
        self._say({"days": days})
        return Done(**self._hear())

    def close(self) -> None:
        """End it."""
        # What it is held at is not gone on with.
        self._process.kill()
        self._process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _say(self, asked: dict[str, Any]) -> None:
        print(json.dumps(asked), file=self._process.stdin, flush=True)

    def _hear(self) -> dict[str, Any]:
        line = self._process.stdout.readline()  # type: ignore[union-attr]
        answer: dict[str, Any] = json.loads(line or "{}")
        return answer


# What follows is done in the process itself.


def _serve(name: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_UTS):
        sys.exit(f"It {REFUSED}: {os.strerror(ctypes.get_errno())}")
    socket.sethostname(name)
    import django
    from django.conf import settings

    settings.BACKUPS = {**settings.BACKUPS, "RETENTION": {"last": 1}, "GRACE": timedelta(0)}
    django.setup()
    _answer({"name": socket.gethostname()})
    for line in sys.stdin:
        asked = json.loads(line)
        with ExitStack() as stack:
            stack.enter_context(_slow_clock(asked.get("behind", 0)))
            stack.enter_context(_held(asked.get("hold", 0), asked.get("at", "put")))
            _answer(_done(asked["command"]))


def _answer(said: dict[str, Any]) -> None:
    print(json.dumps(said), file=sys.__stdout__, flush=True)


def _done(command: list[str]) -> dict[str, Any]:
    from django.core.management import CommandError, call_command

    out, err = StringIO(), StringIO()
    try:
        call_command(*command, stdout=out, stderr=err)
    except CommandError as error:
        return {"status": error.returncode, "out": out.getvalue(), "err": f"{err.getvalue()}{error}"}
    return {"status": 0, "out": out.getvalue(), "err": err.getvalue()}


@contextmanager
def _held(number: int, verbs: str) -> Iterator[None]:
    from backups.repository import pulse
    from backups.repository.s3 import S3Objects

    moment, lock = pulse._moment, threading.Lock()
    ahead, seen = [0.0], [0]

    def step(original: Any, self: Any, name: str, *rest: Any) -> Any:
        # Several are under way side by side; no other goes on while one is held.
        with lock:
            seen[0] += not name.startswith("runs")
            if seen[0] == number and not name.startswith("runs"):
                _answer({"held": name})
                ahead[0] += json.loads(sys.stdin.readline())["days"] * 86400
        return original(self, name, *rest)

    with ExitStack() as stack:
        for verb in verbs.split():
            stack.enter_context(patch.object(S3Objects, verb, _stepping(step, getattr(S3Objects, verb))))
        stack.enter_context(patch.object(pulse, "_moment", lambda: tuple(now + ahead[0] for now in moment())))
        yield


def _stepping(step: Any, original: Any) -> Any:
    return lambda *arguments: step(original, *arguments)


@contextmanager
def _slow_clock(days: int) -> Iterator[None]:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) - timedelta(days=days)

    modules = ("repository.names", "repository.runs", "repository.pulse", "services.catalog", "archiver.archive")
    with ExitStack() as stack:
        for module in modules if days else ():
            stack.enter_context(patch(f"backups.{module}.datetime", Clock))
        yield


if __name__ == "__main__":
    _serve(sys.argv[1])
