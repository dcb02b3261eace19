"""What a verification finds: values, stored and shown by others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Status(StrEnum):
    """The outcome of a check or of a whole verification."""

    PASSED = "passed"
    """What was found is what was recorded."""
    FAILED = "failed"
    """What was found is something else: the backup, or the restored copy, is not right."""
    ERROR = "error"
    """The check could not be run, so nothing is known."""
    SKIPPED = "skipped"
    """The check was not run because an earlier one left it nothing to look at."""


class Level(StrEnum):
    """How deep a verification goes; each level does what the ones before it do."""

    SIGNATURE = "signature"
    """The manifest is the one that was signed, and the chain is whole."""
    STORED = "stored"
    """Every object exists, and holds the right bytes."""
    RESTORE = "restore"
    """The backup was restored into a fresh database, and everything in it compared."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a verification. ``expected`` and ``actual`` are for people and never hold a row's values."""

    name: str
    status: Status
    table: str = ""
    expected: str = ""
    actual: str = ""
    detail: str = ""
    seconds: float = 0.0

    def timed(self, seconds: float) -> Finding:
        """Return the finding with the seconds that it took."""
        return replace(self, seconds=round(seconds, 3))


@dataclass(frozen=True, slots=True)
class Result:
    """One proof of one backup. ``restore_seconds`` is None below level restore.

    ``left`` is a sentence on a scratch database that is still there, which says nothing of the backup.
    """

    backup: str
    level: Level
    findings: tuple[Finding, ...] = ()
    seconds: float = 0.0
    restore_seconds: float | None = None
    target: str = ""
    left: str = ""

    @property
    def status(self) -> Status:
        """Failed where any check failed, else error where one could not be run, else passed."""
        return overall(self.findings)


def overall(findings: Iterable[Finding]) -> Status:
    """Return the status of a whole verification; nothing found at all is an error, never a pass."""
    statuses = {finding.status for finding in findings}
    for status in (Status.FAILED, Status.ERROR):
        if status in statuses:
            return status
    return Status.PASSED if Status.PASSED in statuses else Status.ERROR


def compared(name: str, expected: object, actual: object, *, table: str = "", detail: str = "") -> Finding:
    """Return passed where both are equal, else failed."""
    status = Status.PASSED if expected == actual else Status.FAILED
    return Finding(name, status, table, str(expected), str(actual), detail)
