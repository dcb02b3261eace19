"""One command, timed: wall-clock seconds and the peak resident memory of its largest process."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took. ``peak`` is in bytes."""

    seconds: float
    peak: int


def measured(command: Command, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; raise RuntimeError with its last words where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    words = process.stderr.read() if process.stderr else b""
    # wait4, unlike Popen.wait, tells the memory of this one child; Popen is told that it has been waited for.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}: {words.decode(errors='replace')[-2000:]}")
    return Run(time.monotonic() - began, usage.ru_maxrss * 1024)


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
