"""``manage.py rotate_recipients``: who can open backups."""

from __future__ import annotations

from typing import Any

from backups.management.base import DatabaseCommand, Outcome, asked
from backups.progress import Progress
from backups.services.rotate import Rotated, rotate_recipients


class Command(DatabaseCommand):
    """Wrap keys to today's recipients."""

    help = (
        "Wrap the keys of all backups to the recipients that BACKUPS['RECIPIENTS'] names now, and to today's signing key. "
        "Needs an identity. No chunk is read or written; run it again where it was interrupted."
    )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Wrap."""
        done = rotate_recipients(database, requested_by=asked().by, progress=progress)
        return Outcome(_json(database, done), _report(done), done.problems, done.notes)


def _json(database: str, done: Rotated) -> dict[str, Any]:
    return {
        "database": database,
        "recipients": list(done.recipients),
        "wrapped": done.wrapped,
        "already": done.already,
        "removed": done.removed,
        "problems": done.problems,
    }


def _report(done: Rotated) -> list[str]:
    lines = [
        f"{done.wrapped} keys were wrapped anew, {done.already} were already, for: {', '.join(map(_short, done.recipients))}."
    ]
    if done.removed:
        lines.append(
            f"Earlier copies of keys are still there, for: {', '.join(map(_short, done.removed))}. Whoever has one of these "
            "identities and can read the storage, or has read it before, can still open every backup up to now, and what "
            "later ones share with them. To shut them out, take away their access to the storage and begin a new repository."
        )
    return lines


def _short(recipient: str) -> str:
    return recipient if len(recipient) <= 70 else f"{recipient[:40]}…{recipient[-12:]}"
