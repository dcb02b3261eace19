"""What happened to a backup after it was taken, signed and bound to its manifest: verified, restored, pinned, …"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from backups.exceptions import ObjectDamaged
from backups.repository.names import EVENT, RUN

if TYPE_CHECKING:
    from backups.repository.repository import Repository

VERIFIED = "verified"
RESTORED = "restored"
DISCARDED = "discarded"
"""A restored copy was dropped, because the replacement that it was made for came to nothing. Its run is the restore's."""
PROMOTED = "promoted"
UNDONE = "undone"
RECOVERED = "recovered"
PINNED = "pinned"
UNPINNED = "unpinned"
CONFIRMED = "confirmed"
"""Somebody said that the rows which a suspicious backup has lost were meant to go."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event. ``backup`` and ``run`` are run names, ``manifest`` the digest of the manifest that it speaks of."""

    kind: str
    backup: str
    run: str
    manifest: str
    at: datetime
    data: dict[str, Any]


class _Said(msgspec.Struct):
    kind: str
    manifest: str
    at: datetime
    run: str
    data: dict[str, Any]


class _Check(msgspec.Struct):
    name: str
    status: str
    table: str = ""
    expected: str = ""
    actual: str = ""
    detail: str = ""
    seconds: float = 0.0


class _Verified(msgspec.Struct):
    """What is read of the data of a verification; ``result_data`` writes it."""

    level: str
    status: str
    seconds: float
    restore_seconds: float | None
    target: str
    backup: str
    checks: list[_Check]
    requested_by: str = ""
    requested_via: str = ""


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
    body = repository.open_signed("event", name)
    try:
        said = msgspec.json.decode(body, type=_Said)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ObjectDamaged(name, f"it is not a record of a backup ({error})") from None
    if said.manifest != digest:
        raise ObjectDamaged(name, "it speaks of another manifest than the one that is there")
    if not RUN.fullmatch(said.run) or said.at.tzinfo is None:
        raise ObjectDamaged(name, "it does not say which run made it, and when")
    return Event(said.kind, name.split("/")[1], said.run, said.manifest, said.at, said.data)


def verifications_of(repository: Repository, backup: str, digest: str) -> list[dict[str, Any]]:
    """Return what the verifications of a backup found, oldest first; raises as ``events_of`` does."""
    return [event.data for event in events_of(repository, backup, digest) if event.kind == VERIFIED]


def events_of(repository: Repository, backup: str, digest: str) -> list[Event]:
    """Return the events of a backup, oldest first; raise ObjectDamaged where one is not whole, or not what it should be."""
    return [proper(name, read_event(repository, name, digest)) for name in event_names(repository, backup)]


def proper(name: str, event: Event) -> Event:
    """Return an event whose data are of the form that is read of them."""
    if event.kind == VERIFIED:
        try:
            msgspec.convert(event.data, _Verified)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ObjectDamaged(name, f"it is not a record of a verification ({error})") from None
    return event
