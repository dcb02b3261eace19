"""Names of runs and objects: built here, and checked here before a name that was read is used."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from backups.exceptions import ObjectDamaged

_RUN = r"\d{8}T\d{6}Z-[0-9a-f]{6}"
_ID = r"[0-9a-f]{64}"
RUN = re.compile(_RUN)
MANIFEST = re.compile(rf"(?:backups|trash)/(\d{{8}})-({_RUN})")
EVENT = re.compile(rf"events/({_RUN})/\d{{8}}T\d{{12}}Z-({_RUN})")
_PATTERNS = {
    "chunk": re.compile(rf"chunks/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
    "page": re.compile(rf"pages/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
    "part": re.compile(rf"parts/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
}
_FOLDERS = {"chunk": "chunks", "page": "pages", "part": "parts"}


def new_run(now: datetime | None = None) -> str:
    """Return the name of a new run: the moment in UTC, and six random digits."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_time(run: str) -> datetime:
    """Return the moment that a run's name states."""
    return datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def object_name(kind: str, ident: str, run: str) -> str:
    """Return the name under which a run puts an object of that id."""
    return f"{_FOLDERS[kind]}/{ident[:2]}/{ident}.{run}"


def check_object_name(kind: str, ident: str, name: str) -> None:
    """Raise ObjectDamaged where a name that was read is not one of that kind and id: nothing else is ever opened."""
    match = _PATTERNS[kind].fullmatch(name)
    if match is None or match[2] != ident or match[1] != ident[:2]:
        raise ObjectDamaged(name[:120], f"this is no name for a {kind} with the id {ident[:64]}")
