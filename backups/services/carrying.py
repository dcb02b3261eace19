"""What one catalogue knows and another does not: copied over, so that replacing a database forgets nothing of its backups."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.db import Error as DatabaseError
from django.db import models, transaction

from backups.models import Backup, Check, CopiedBackup, Copy, Restore, Verification

_AT_ONCE = 500  # rows


def carry_catalogue(source: str, target: str) -> list[str]:
    """Copy to alias ``target`` the rows of alias ``source`` that it has not; what it has stays.

    Returns a sentence where that could not be done.
    """
    try:
        with transaction.atomic(using=target):
            _copy(Backup, source, target)
            for fresh in _copied(Verification, source, target):
                _copy_checks(fresh, source, target)
            _copy(Restore, source, target)
            for model in (Copy, CopiedBackup):
                _copy_numbered(model, source, target)
    except DatabaseError as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        return [f"What the old database's catalogue knew beyond storage could not be carried over: {first}."]
    return []


def _copy(model: type[models.Model], source: str, target: str) -> None:
    for _ in _copied(model, source, target):
        pass


def _copied(model: type[models.Model], source: str, target: str) -> Iterator[list[Any]]:
    """Copy rows, and yield the keys of those that were not there, some at a time."""
    rows = model._default_manager.using(source).order_by("pk").values().iterator(chunk_size=_AT_ONCE)
    there = model._default_manager.using(target)
    for some in _batches(rows):
        known = set(there.filter(pk__in=[row["id"] for row in some]).values_list("pk", flat=True))
        fresh = [row for row in some if row["id"] not in known]
        there.bulk_create([model(**row) for row in fresh], ignore_conflicts=True)
        yield [row["id"] for row in fresh]


def _copy_checks(verifications: list[str], source: str, target: str) -> None:
    """Checks have numbers of the database's own for keys, so they are numbered anew."""
    rows: models.QuerySet[Any, Any] = Check.objects.using(source).filter(verification__in=verifications)
    for some in _batches(rows.order_by("pk").values().iterator(chunk_size=_AT_ONCE)):
        checks = [Check(**{**row, "id": None}) for row in some]
        Check.objects.using(target).bulk_create(checks, ignore_conflicts=True)


def _copy_numbered(model: type[models.Model], source: str, target: str) -> None:
    """Copy rows whose keys are numbers of the database's own; which are the same is told by what must be unique."""
    rows = model._default_manager.using(source).order_by("pk").values().iterator(chunk_size=_AT_ONCE)
    for some in _batches(rows):
        model._default_manager.using(target).bulk_create(
            [model(**{**row, "id": None}) for row in some], ignore_conflicts=True
        )


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    while some := list(islice(rows, _AT_ONCE)):
        yield some
