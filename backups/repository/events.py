"""What happened to a backup after it was taken, signed and bound to its manifest: verified, restored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backups.exceptions import ObjectDamaged

if TYPE_CHECKING:
    from backups.repository.repository import Repository

VERIFIED = "verified"
RESTORED = "restored"


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``backup`` and ``run`` are run names, ``manifest`` the digest of the manifest that it speaks of."""

    kind: str
    backup: str
    run: str
    manifest: str
    at: datetime
    data: dict[str, Any]


def record(repository: Repository, event: Event) -> str:
    """Store an event and return its name."""
    name = f"events/{event.backup}/{event.at.astimezone(UTC):%Y%m%dT%H%M%S%fZ}-{event.run}"
    said = {"kind": event.kind, "manifest": event.manifest, "at": event.at.isoformat(), "run": event.run}
    body = json.dumps({**said, "data": event.data}, sort_keys=True, ensure_ascii=False).encode()
    repository.objects.put(name, repository.sign("event", name, body))
    return name


def events_of(repository: Repository, backup: str, digest: str) -> list[Event]:
    """Return the events of a backup, oldest first; one that speaks of another manifest is damage."""
    return [_read(repository, backup, digest, name) for name in repository.objects.list(f"events/{backup}")]


def _read(repository: Repository, backup: str, digest: str, name: str) -> Event:
    said = json.loads(repository.open_signed("event", name))
    if said["manifest"] != digest:
        raise ObjectDamaged(name, "it speaks of another manifest than the one that is there")
    return Event(said["kind"], backup, said["run"], said["manifest"], datetime.fromisoformat(said["at"]), said["data"])
