"""One command, timed: wall-clock seconds and the peak resident memory of its largest process."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

Command = Sequence[str | Path]


@dataclass(frozen=True, slots=True)
class Run:
    """What a command took, and what it printed. ``peak`` is in bytes."""

    seconds: float
    peak: int
    printed: str = ""


def measured(command: Command, env: Mapping[str, str] | None = None) -> Run:
    """Run a command to its end; raise RuntimeError with its last words where it fails."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        began = time.monotonic()
        process = subprocess.Popen(
            words, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        # wait4, unlike Popen.wait, tells the memory of this one child; Popen is told that it has been waited for.
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{words[:3]} ended with {process.returncode}: {_text(err)[-2000:]}")
        return Run(seconds, usage.ru_maxrss * 1024, _text(out))


def _text(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace")


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
