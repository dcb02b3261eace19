"""Whether a process of a heartbeat is still there: asked by its id, and by when it began where the platform tells.

A process id is given out again. The kernel of Linux tells when a process began, so that a later one of the same id is told
apart; elsewhere a process of that id is taken for the same one.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path

_PROC = Path("/proc")


class Fate(StrEnum):
    """What is known of a process."""

    LIVES = "lives"
    GONE = "gone"
    UNKNOWN = "unknown"
    """Nobody on this host can tell: only time will."""


def process_lives(pid: int) -> bool:
    """Say whether a process of this host is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def mark_of(pid: int) -> str:
    """Return what no other process has in common with that one: boot, process namespace and its beginning in ticks.

    Empty where the platform does not tell, or there is no such process.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
        # The name of the program, in parentheses, may hold anything.
        ticks = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{boot} {namespace} {ticks}"


def fate_of(pid: int, mark: str) -> Fate:
    """Say what became of the process that had that id and that mark on a host of this one's name.

    Two machines or containers may have one name: the mark of another boot or namespace proves nothing.
    """
    if not process_lives(pid):
        return Fate.GONE
    now = mark_of(pid)
    if not mark or not now or mark == now:
        return Fate.LIVES
    return Fate.GONE if _place(mark) == _place(now) else Fate.UNKNOWN


def _place(mark: str) -> str:
    return mark.rpartition(" ")[0]
