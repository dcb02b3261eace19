"""Which processes have a file open, as far as the operating system tells: the last question before it is exchanged."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROCESSES = Path("/proc")
_PAUSE = 0.1  # seconds
_LONGEST = 80  # characters of a command line


def openers(file: os.stat_result) -> list[str]:
    """Return a phrase for each other process that has the file open; none where nobody can tell.

    Without root's rights only the processes of the same user are seen, and only Linux tells at all.
    """
    return [_named(process) for process in _others() if _has_open(process, file)]


def lasting_openers(path: Path, seconds: float = 2.0) -> list[str]:
    """Return the same of a path, but for those who let go of it within so many seconds."""
    deadline = time.monotonic() + seconds
    while path.exists() and (found := openers(path.stat())):
        if time.monotonic() > deadline:
            return found
        time.sleep(_PAUSE)
    return []


def own_handles(file: os.stat_result) -> int:
    """Return how many times this process has the file open."""
    return sum(_same(link, file) for link in _links(_PROCESSES / "self"))


def _others() -> Iterator[Path]:
    own = str(os.getpid())
    try:
        found = sorted(_PROCESSES.iterdir())
    except OSError:
        return
    yield from (path for path in found if path.name.isdigit() and path.name != own)


def _has_open(process: Path, file: os.stat_result) -> bool:
    return any(_same(link, file) for link in _links(process))


def _links(process: Path) -> list[Path]:
    try:
        return list((process / "fd").iterdir())
    except OSError:
        return []


def _same(link: Path, file: os.stat_result) -> bool:
    try:
        return os.path.samestat(link.stat(), file)
    except OSError:
        return False


def _named(process: Path) -> str:
    try:
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        words = ""
    return f"Process {process.name}" + (f" ({words[:_LONGEST]})" if words else "")
