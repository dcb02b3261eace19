"""Rows of a catalogue, made without backing anything up."""

from datetime import UTC, datetime, timedelta
from typing import Any

from backups.models import Backup, Check, Restore, Verification
from backups.repository.names import new_run

FIRST = datetime(2026, 3, 1, 12, tzinfo=UTC)


def backup(number: int = 1, **values: Any) -> Backup:
    """A complete backup of 1,234,567 rows, unless ``values`` say otherwise."""
    known = {
        "database": "default",
        "status": "complete",
        "started": FIRST + timedelta(hours=number),
        "seconds": 192.4,
        "sequence": number,
        "repository": "r" * 32,
        "digest": "d" * 64,
        "tables": 2,
        "rows": 1234567,
        "chunks": 40,
        "new_chunks": 3,
        "bytes": 423_000_000,
        "stored_bytes": 63_100_000,
        "new_bytes": 1_500,
        "contents": {"shop_order": 1000000, "shop_customer": 234567},
        "uncovered": [{"kind": "rows", "name": "django_session", "reason": "live credentials", "rows": 12}],
        "warnings": ["<b>An index</b> is broken."],
    }
    return Backup.objects.create(id=new_run(), **{**known, **values})


def verification(of: Backup, number: int = 1, *, checks: int = 3, failed: int = 0, **values: Any) -> Verification:
    """A verification with as many checks, the last ones of them failed."""
    known = {
        "database": of.database,
        "status": "failed" if failed else "passed",
        "level": "restore",
        "started": FIRST + timedelta(hours=number, minutes=30),
        "seconds": 8.13,
        "restore_seconds": 0.024,
    }
    row = Verification.objects.create(id=new_run(), backup=of, **{**known, **values})
    Check.objects.bulk_create(
        Check(
            verification=row,
            position=position,
            name=f"check {position}",
            table="shop_order",
            status="failed" if position > checks - failed else "passed",
            expected="80 rows",
            actual="79 rows" if position > checks - failed else "80 rows",
            seconds=0.5,
            detail="Row 7 is missing." if position > checks - failed else "",
        )
        for position in range(1, checks + 1)
    )
    return row


def restore(of: Backup, proof: Verification | None = None, **values: Any) -> Restore:
    """A complete restore."""
    known = {
        "database": of.database,
        "status": "complete",
        "started": FIRST + timedelta(days=1),
        "seconds": 4.2,
        "target": "restored",
        "tables": of.tables,
        "rows": of.rows,
        "verification": proof,
    }
    return Restore.objects.create(id=new_run(), backup=of, **{**known, **values})
