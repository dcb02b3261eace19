"""Which backups are kept: policy + backups → keep or remove, each with its reasons. Pure, and knows no Django.

Windows are measured from the newest backup, not from now, so that a database that is not backed up any more loses none
of what it has. Whatever is unclear is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime, timedelta

SKEW = timedelta(minutes=5)
"""How far clocks may differ before a backup is held to be dated in the future."""


class EmptyPolicy(ValueError):
    """A policy that keeps nothing by itself is a mistake, not a wish."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How many of the newest, and for how many hours, days, weeks and months back from the newest one of each is kept."""

    last: int = 0
    hourly: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0

    @classmethod
    def of(cls, given: Mapping[str, int]) -> Policy:
        """Return the policy that a setting states; raise EmptyPolicy where it keeps nothing."""
        policy = cls(**given)
        if not any(getattr(policy, name.name) for name in fields(cls)):
            raise EmptyPolicy("it keeps no backup")
        return policy


@dataclass(frozen=True, slots=True)
class Candidate:
    """What is known of one backup. ``created`` is aware; ``keep`` holds reasons of its own, such as a pin.

    ``complete``: its manifest was read and is to be believed; ``proven``: it has passed a verification at level restore.
    """

    id: str
    sequence: int
    created: datetime
    complete: bool = True
    proven: bool = False
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether one backup is kept, and why: no reason means that nothing keeps it."""

    backup: Candidate
    reasons: tuple[str, ...]

    @property
    def kept(self) -> bool:
        """Whether it stays."""
        return bool(self.reasons)


def decide(policy: Policy, backups: Iterable[Candidate], now: datetime) -> list[Decision]:
    """Return a decision for each backup, newest number first.

    The newest complete backup that is not dated after ``now`` anchors all windows. It, and the newest that is proven,
    are never removed; nor is one that is not complete, is dated in the future, or has a reason of its own.
    """
    ordered = sorted(backups, key=lambda backup: (backup.sequence, backup.created, backup.id), reverse=True)
    reasons: dict[str, list[str]] = {backup.id: list(backup.keep) for backup in ordered}
    counted = []
    for backup in ordered:
        if not backup.complete:
            reasons[backup.id].append("it cannot be read")
        elif backup.created > now + SKEW:
            reasons[backup.id].append("dated in the future")
        else:
            counted.append(backup)
    if counted:
        _protect(counted, reasons)
        for name, kept in _chosen(policy, counted):
            for backup in kept:
                reasons[backup.id].append(name)
    return [Decision(backup, tuple(reasons[backup.id])) for backup in ordered]


def _protect(counted: Sequence[Candidate], reasons: dict[str, list[str]]) -> None:
    newest = counted[0].sequence
    for backup in counted:
        # Two writers may have taken the same number: then both are the newest.
        if backup.sequence == newest:
            reasons[backup.id].append("the newest")
    proven = next((backup for backup in counted if backup.proven), None)
    if proven:
        reasons[proven.id].append("the newest that has passed at level restore")


def _chosen(policy: Policy, counted: Sequence[Candidate]) -> Iterable[tuple[str, list[Candidate]]]:
    yield f"last {policy.last}", list(counted[: policy.last])
    for name, index in _PERIODS.items():
        yield name, _newest_of_each(counted, index, getattr(policy, name))


def _newest_of_each(counted: Sequence[Candidate], index: Callable[[datetime], int], periods: int) -> list[Candidate]:
    """Return the newest backup of each period that lies less than ``periods`` before the anchor's."""
    anchor = index(counted[0].created.astimezone(UTC))
    newest: dict[int, Candidate] = {}
    for backup in counted:
        number = index(backup.created.astimezone(UTC))
        if anchor - number < periods:
            newest.setdefault(number, backup)
    return list(newest.values()) if periods else []


def _hour(moment: datetime) -> int:
    return moment.toordinal() * 24 + moment.hour


def _week(moment: datetime) -> int:
    # Weeks begin on Monday, as the first of January of year 1 was one.
    return (moment.toordinal() - date.min.toordinal()) // 7


def _month(moment: datetime) -> int:
    return moment.year * 12 + moment.month


_PERIODS: dict[str, Callable[[datetime], int]] = {
    "hourly": _hour,
    "daily": datetime.toordinal,
    "weekly": _week,
    "monthly": _month,
}
"""The number of the period that a moment lies in, counted from any beginning; in UTC."""
