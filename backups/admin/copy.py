"""Copies: whether each is up to date, since when, and what its last problem was, as the catalogue has it: no storage is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.base import CatalogueAdmin
from backups.conf import get_settings
from backups.exceptions import ConfigurationError
from backups.models import Backup, CopiedBackup, Copy, CopyStatus, RunStatus
from backups.services.copies import not_looked_at, with_lacking, wrong_with

_COLOURS = {CopyStatus.HAS: "complete", CopyStatus.LACKS: "failed", CopyStatus.PRUNED: "pruned"}


def configured() -> tuple[str, ...]:
    """Return the copies that the settings name; none where these are wrong, which the system checks say."""
    try:
        return tuple(get_settings().COPIES)
    except ConfigurationError:
        return ()


@dataclass(frozen=True, slots=True)
class CopyOfBackup:
    """One backup in one copy as a page shows it: whether it is there, since when, and why not."""

    storage: str
    status: SafeString
    since: str
    problem: str


@dataclass(frozen=True, slots=True)
class CopyOfAll:
    """One copy of a database as a page shows it; ``row`` is None where nobody was there yet."""

    database: str
    storage: str
    status: SafeString
    said: tuple[str, ...]
    row: Copy | None


def copies_of_backup(backup: Backup) -> list[CopyOfBackup]:
    """Return one backup in each copy; its ``copies`` may be prefetched."""
    there = {row.storage: row for row in backup.copies.all()}
    return [_of_backup(storage, there.get(storage)) for storage in configured()]


def _of_backup(storage: str, row: CopiedBackup | None) -> CopyOfBackup:
    if row is None:
        return CopyOfBackup(storage, _unknown(), formatting.NOTHING, "")
    status = formatting.badge(_COLOURS[CopyStatus(row.status)], row.get_status_display())
    return CopyOfBackup(storage, status, formatting.moment(row.since) if row.since else formatting.NOTHING, row.problem)


def copies_of_all() -> list[CopyOfAll]:
    """Return each copy of each database that has a backup."""
    rows: Any = with_lacking(Copy.objects.filter(storage__in=configured()))
    found = {(row.database, row.storage): row for row in rows}
    complete = Backup.objects.filter(status=RunStatus.COMPLETE).order_by("database").values_list("database", flat=True)
    return [
        _of_all(database, storage, found.get((database, storage)))
        for database in complete.distinct()
        for storage in configured()
    ]


def _of_all(database: str, storage: str, row: Copy | None) -> CopyOfAll:
    if row is None:
        return CopyOfAll(database, storage, _unknown(), (not_looked_at(storage),), None)
    wrong = tuple(wrong_with(row))
    return CopyOfAll(database, storage, _status(wrong), wrong, row)


def _unknown() -> SafeString:
    return formatting.badge("never", gettext("not looked at yet"))


def _status(wrong: tuple[str, ...]) -> SafeString:
    if wrong:
        return formatting.badge("failed", gettext("not up to date"))
    return formatting.badge("complete", gettext("up to date"))


@admin.register(Copy)
class CopyAdmin(CatalogueAdmin):
    """One copy of one database's backups."""

    list_display = ("storage", "database", "shown_status", "complete", "looked", "wrong")
    fields = ("storage", "database", "shown_status", "wrong", "complete", "looked", "place", "problem", "problem_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Copy]:
        """Leave out copies that the settings name no more: nobody looks after them."""
        rows: QuerySet[Copy] = super().get_queryset(request)
        return with_lacking(rows.filter(storage__in=configured()))

    @admin.display(description=_("status"))
    def shown_status(self, copy: Copy) -> str:
        """Up to date or not, as far as is known."""
        return _status(tuple(wrong_with(copy)))

    @admin.display(description=_("what is wrong"))
    def wrong(self, copy: Copy) -> str:
        """The sentences of the commands."""
        return format_html_join("", "<p>{}</p>", ((said,) for said in wrong_with(copy))) or formatting.NOTHING
