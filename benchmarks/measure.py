"""One command, measured: time, processor time, and the memory of its processes."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Command = Sequence[str | Path]

_EVERY = 0.05  # seconds between two looks at the processes


class Failed(RuntimeError):
    """A command did not end well; the message has what it said."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took. ``cpu`` is user and system time of all its processes, in seconds.

    ``largest`` is the resident peak of its largest process, ``tree`` the peak of all its processes together, where what
    several share counts once; ``stored`` what it left on disk; all in bytes. A server's own memory is nobody's.
    """

    seconds: float
    cpu: float = 0.0
    largest: int = 0
    tree: int = 0
    stored: int = 0
    printed: str = ""


def measured(command: Command, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; raise Failed with what it said where it fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            words, env={**_surroundings(), **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        with _watched(process.pid) as memory:
            # wait4, unlike Popen.wait, tells what the child used; Popen is told that it has been waited for.
            _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            # Its name alone: where it is installed on this machine is nobody else's business.
            said = " ".join([Path(words[0]).name, *words[1:3]])
            raise Failed(f"{said} ended with {process.returncode}: {_text(err).strip()[:500]}")
        return Run(seconds, usage.ru_utime + usage.ru_stime, memory.largest, memory.tree, printed=_text(out))


class Worker:
    """A process of Python that answers each line with a line."""

    def __init__(self, process: subprocess.Popen[str], err: IO[bytes]) -> None:
        self._process, self._err = process, err

    def ask(self) -> str:
        """Send a line and return the answer; raise Failed with what the process said where it has ended."""
        with suppress(BrokenPipeError):
            print(file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline() if self._process.stdout else ""
        if not answer:
            raise Failed(f"the worker ended: {_text(self._err).strip()[-500:]}")
        return answer


@contextmanager
def working(words: Sequence[str], env: Mapping[str, str]) -> Iterator[Worker]:
    """Start a process of Python, and end it by having nothing more to ask."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        tempfile.TemporaryFile() as err,
        subprocess.Popen([sys.executable, *words], env={**_surroundings(), **env}, stderr=err, **pipes) as process,
    ):
        yield Worker(process, err)


def _surroundings() -> dict[str, str]:
    """Return our environment as an installed program has it, whose modules were compiled once and not at every start."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def piped(script: str, env: Mapping[str, str] | None = None) -> Run:
    """Run a pipeline of the shell; each part of it must end well."""
    return measured(["bash", "-o", "pipefail", "-c", script], env)


class _Memory:
    """The peaks of a tree of processes, seen from outside: what is shared with the parent before ``exec`` is not theirs."""

    def __init__(self) -> None:
        self.largest = 0
        self.tree = 0

    def look(self, root: int) -> None:
        """Look at a process and all below it once."""
        together = 0
        for pid in _tree(root):
            with suppress(OSError, ValueError, IndexError):
                self.largest = max(self.largest, _field(pid, "status", "VmHWM"))
                together += _field(pid, "smaps_rollup", "Pss")
        self.tree = max(self.tree, together)


@contextmanager
def _watched(pid: int) -> Iterator[_Memory]:
    memory, over = _Memory(), threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            memory.look(pid)

    watcher = threading.Thread(target=watch, daemon=True)
    memory.look(pid)
    watcher.start()
    try:
        yield memory
    finally:
        over.set()
        watcher.join()


def _tree(pid: int) -> Iterator[int]:
    yield pid
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{thread}/children").read_text().split():
                yield from _tree(int(child))


def _field(pid: int, file: str, name: str) -> int:
    """Return a number of bytes that the kernel says of a process in kilobytes."""
    for line in Path(f"/proc/{pid}/{file}").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return 0


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
