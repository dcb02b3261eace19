"""What happened to a backup after it was taken, signed and bound to its manifest: verified, restored."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from backups.exceptions import ObjectDamaged
from backups.repository.names import EVENT

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
    repository.objects.settle()
    return name


def event_names(repository: Repository, backup: str) -> list[str]:
    """Return the names of a backup's events, oldest first; names that are none of ours are passed over."""
    return [name for name in repository.objects.list(f"events/{backup}") if EVENT.fullmatch(name)]


def read_event(repository: Repository, name: str, digest: str) -> Event:
    """Read one event; raise ObjectDamaged where it is not whole, or speaks of another manifest than that one."""
    said = json.loads(repository.open_signed("event", name))
    if said["manifest"] != digest:
        raise ObjectDamaged(name, "it speaks of another manifest than the one that is there")
    at = datetime.fromisoformat(said["at"])
    return Event(said["kind"], name.split("/")[1], said["run"], said["manifest"], at, said["data"])


def events_of(repository: Repository, backup: str, digest: str) -> list[Event]:
    """Return the events of a backup, oldest first; raise ObjectDamaged where one of them is not whole."""
    return [read_event(repository, name, digest) for name in event_names(repository, backup)]
