"""Processes of ours that are killed at a chosen operation of a promotion: forked, so that they cost little."""

import os
import signal
import traceback
import warnings
from collections.abc import Callable

from django.db import connections

from backups.progress import Progress, Step


def killed_at(operation: int, work: Callable[[Progress], object]) -> bool:
    """Do ``work`` in a process of its own that is killed before its n-th promotion step; say whether it came that far.

    A step is told before it is done, and the last after everything, so every moment between two operations is met.
    """
    # A child must not speak through its parent's connections.
    connections.close_all()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if not child:
        _die_at(operation, work)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, -signal.SIGKILL), f"the process ended with {code}"
    return code != 0


def _die_at(operation: int, work: Callable[[Progress], object]) -> None:
    seen = 0

    def count(step: Step) -> None:
        nonlocal seen
        seen += step.stage == "promote"
        if seen == operation:
            os.kill(os.getpid(), signal.SIGKILL)

    try:
        work(count)
    except Exception:  # noqa: BLE001 (this process must not go on with its parent's tests)
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
