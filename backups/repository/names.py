"""Names of runs and objects: built here, and checked here before a name that was read is used."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime

from backups.exceptions import ObjectDamaged

_RUN = r"[0-9]{8}T[0-9]{6}Z-[0-9a-f]{6}"
_ID = r"[0-9a-f]{64}"
REPOSITORY = re.compile(r"[0-9a-f]{32}")
RUN = re.compile(_RUN)
MANIFEST = re.compile(rf"(?:backups|trash)/([0-9]{{8}})-({_RUN})")
EVENT = re.compile(rf"events/({_RUN})/[0-9]{{8}}T[0-9]{{12}}Z-({_RUN})")
KEY = re.compile(rf"keys/(?:id|{_RUN})/[0-9]{{1,6}}")
_OBJECT = re.compile(r"(?!\.{1,2}(?:/|$))[0-9a-zA-Z._-]+(?:/(?!\.{1,2}(?:/|$))[0-9a-zA-Z._-]+)*")
OBJECT = re.compile(rf"(?:chunks|pages|parts)/[0-9a-f]{{2}}/{_ID}\.({_RUN})")
_PATTERNS = {
    "chunk": re.compile(rf"chunks/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
    "page": re.compile(rf"pages/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
    "part": re.compile(rf"parts/([0-9a-f]{{2}})/({_ID})\.({_RUN})"),
}
KINDS = {"chunk": "chunks", "page": "pages", "part": "parts"}
"""Objects by content, and the folder that each lies in."""


def new_run(now: datetime | None = None) -> str:
    """Return the name of a new run: the moment in UTC, and six random digits."""
    return f"{(now or datetime.now(UTC)):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def run_time(run: str) -> datetime:
    """Return the moment that a run's name states; 1970 for one that states none, which is no name of ours."""
    try:
        return datetime.strptime(run[:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def object_name(kind: str, ident: str, run: str) -> str:
    """Return the name under which a run puts an object of that id."""
    return f"{folder_of(kind, ident)}/{ident}.{run}"


def folder_of(kind: str, ident: str) -> str:
    """Return the folder that every name of an object of that id lies in."""
    return f"{KINDS[kind]}/{ident[:2]}"


def is_object_name(name: str) -> bool:
    """Say whether a name holds only what names of ours hold, and leads nowhere else."""
    return _OBJECT.fullmatch(name) is not None


def check_object_name(kind: str, ident: str, name: str) -> str:
    """Return the run that put an object of that kind and id.

    Raises ObjectDamaged where a name that was read is not such a one: nothing else is ever opened.
    """
    match = _PATTERNS[kind].fullmatch(name)
    if match is None or match[2] != ident or match[1] != ident[:2]:
        raise ObjectDamaged(name[:120], f"this is no name for a {kind} with the id {ident[:64]}")
    return match[3]
