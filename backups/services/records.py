"""How a manifest, a verification and a restore become rows of the catalogue."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged, ObjectMissing
from backups.manifest import Manifest
from backups.models import Backup, Check, Restore, RunStatus, Verification
from backups.repository import Committed, Repository
from backups.repository.events import Event
from backups.repository.frames import FrameError
from backups.verification import Finding, Level, Result

_SEALED = ("expected", "actual", "detail")


def save_backup(using: str, committed: Committed) -> Backup:
    """Write a manifest's row, whether there was one or not."""
    manifest = committed.manifest
    values: dict[str, Any] = {**_described(manifest), "digest": committed.digest}
    backup, _ = Backup.objects.using(using).update_or_create(id=manifest.run, defaults=values)
    return backup


def result_data(result: Result) -> dict[str, Any]:
    """Return a verification as its event and the catalogue keep it."""
    return {
        "level": result.level.value,
        "status": result.status.value,
        "seconds": result.seconds,
        "restore_seconds": result.restore_seconds,
        "target": result.target,
        "backup": result.backup,
        "checks": [asdict(finding) for finding in result.findings],
    }


def kept_result(repository: Repository, manifest: Manifest, run: str, result: Result) -> dict[str, Any]:
    """Return a verification as its event keeps it.

    Of an encrypted backup, what was found in its restored copy names keys of rows and definitions: it is sealed as they are.
    """
    data = result_data(result)
    if not manifest.encryption or result.level is not Level.RESTORE:
        return data
    note = json.dumps([{key: line[key] for key in _SEALED} for line in data["checks"]]).encode()
    data["checks"] = [{key: line[key] for key in line if key not in _SEALED} for line in data["checks"]]
    with suppress(CannotOpen, ObjectDamaged, ObjectMissing):
        sealed = repository.seal_note(run, manifest.run, note)
        data["sealed"] = {"bytes": len(note), "data": base64.b64encode(sealed).decode()}
    return data


def opened_result(repository: Repository, event: Event) -> dict[str, Any]:
    """Return a verification as ``result_data`` tells it; without an identity, its checks without what was found."""
    if not all(key in line for line in event.data["checks"] for key in _SEALED):
        return {**event.data, "checks": list(_opened_checks(repository, event))}
    return event.data


def _opened_checks(repository: Repository, event: Event) -> Iterator[dict[str, Any]]:
    lines, sealed = event.data["checks"], event.data.get("sealed")
    hidden = [
        {**dict.fromkeys(_SEALED, ""), "detail": "What was found is sealed; an identity opens it."} for _ in lines
    ]
    if sealed:
        with suppress(CannotOpen, ConfigurationError, FrameError, ObjectDamaged, ObjectMissing):
            stored = base64.b64decode(sealed["data"])
            hidden = json.loads(repository.open_note(event.run, event.backup, stored, sealed["bytes"]))
    return ({**line, **found} for line, found in zip(lines, hidden, strict=True))


def write_result(using: str, run: str, data: dict[str, Any]) -> None:
    """Write what a verification found, as ``result_data`` tells it."""
    kept = {key: data[key] for key in ("level", "status", "seconds", "restore_seconds", "target")}
    if not Verification.objects.using(using).filter(pk=run).update(**kept):
        return  # Not even its backup is in the catalogue, so its beginning was not recorded either.
    Check.objects.using(using).filter(verification_id=run).delete()
    rows = (
        Check(verification_id=run, position=position, **_check(line)) for position, line in enumerate(data["checks"], 1)
    )
    Check.objects.using(using).bulk_create(rows, batch_size=500)


def _check(line: dict[str, Any]) -> dict[str, Any]:
    known = {name.name for name in Finding.__dataclass_fields__.values()}
    kept = {key: value for key, value in line.items() if key in known}
    return {**kept, "name": kept["name"][:200], "table": kept.get("table", "")[:255]}


def write_restore(using: str, run: str, data: dict[str, Any]) -> None:
    """Write what a restore did, as its event tells it."""
    verification = data.get("verification")
    there = Verification.objects.using(using).filter(pk=verification).exists()
    Restore.objects.using(using).filter(pk=run).update(
        status=RunStatus.COMPLETE,
        seconds=data["seconds"],
        rows=data["rows"],
        tables=data["tables"],
        target=data["target"],
        contents=data.get("contents", {}),
        verification_id=verification if there else None,
    )


def _described(manifest: Manifest) -> dict[str, Any]:
    return {
        "database": manifest.database,
        "status": RunStatus.COMPLETE,
        "started": manifest.created,
        "seconds": manifest.seconds,
        "requested_by": manifest.requested_by[:200],
        "requested_via": manifest.requested_via,
        "repository": manifest.repository,
        "sequence": manifest.sequence,
        **asdict(manifest.totals),
        "contents": {entry.table.qualified: entry.rows for entry in manifest.tables},
        "uncovered": [asdict(uncovered) for uncovered in manifest.uncovered],
        "warnings": list(manifest.warnings),
        "error": "",
        "hint": "",
    }
