"""The names that replaced databases are kept under: the database's own, and the run that replaced it."""

from __future__ import annotations

import hashlib
import re

_BETWEEN = "_before_"
_END = re.compile(rf"{_BETWEEN}(\d{{8}}t\d{{6}}z_[0-9a-f]+)(?:\.\w+)?", re.ASCII)
_DIGEST = 6  # hexadecimal digits that tell names apart whose beginnings are alike


def kept_name(name: str, run: str, longest: int = 0) -> str:
    """Return the name that ``run`` keeps database ``name`` under; at most ``longest`` bytes, where that is not 0."""
    end = _BETWEEN + run.lower().replace("-", "_")
    room = longest - len(end)
    if longest and len(name.encode()) > room:
        digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
        name = name.encode()[: room - _DIGEST - 1].decode(errors="ignore") + "-" + digest
    return name + end


def kept_names(name: str, found: list[str], longest: int = 0) -> list[str]:
    """Return those of ``found`` that database ``name`` is kept under, the newest first."""
    return sorted((one for one in found if (run := run_of(one)) and kept_name(name, run, longest) == one), reverse=True)


def run_of(kept: str) -> str:
    """Return the run, as names spell it, that a database (or a file) was kept by; empty where the name tells of none."""
    at = kept.rfind(_BETWEEN)
    found = _END.fullmatch(kept, at) if at >= 0 else None
    return found[1] if found else ""
