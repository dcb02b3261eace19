"""Verifications: how each proof went, with every check, failed ones first."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import admin
from django.db.models import Case, IntegerField, Value, When
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.base import RunAdmin
from backups.models import CheckStatus, Verification

_FIRST = (CheckStatus.FAILED, CheckStatus.ERROR, CheckStatus.SKIPPED)
RANK = Case(
    *(When(status=status.value, then=Value(rank)) for rank, status in enumerate(_FIRST)),
    default=Value(len(_FIRST)),
    output_field=IntegerField(),
)


@admin.register(Verification)
class VerificationAdmin(RunAdmin):
    """One proof of one backup."""

    change_form_template = "admin/backups/verification/change_form.html"
    list_display = ("id", "shown_status", "level", "of_backup", "database", "began", "took", "restoring_took")
    list_filter = ("status", "level", "database")
    search_fields = ("id", "backup__id")
    fieldsets = (
        RunAdmin.run_fields,
        (_("Proof"), {"fields": ("of_backup", "level", "restoring_took", "target")}),
    )
    readonly_fields = ("shown_status", "took", "asked_by", "where", "of_backup", "restoring_took")

    @admin.display(description=_("backup"), ordering="backup")
    def of_backup(self, verification: Verification) -> str:
        """A link to it."""
        return self.link("backup", verification.backup_id)

    @admin.display(description=_("restoring took"), ordering="restore_seconds")
    def restoring_took(self, verification: Verification) -> str:
        """How long the restore itself took."""
        return formatting.duration(verification.restore_seconds)

    def page(self, request: HttpRequest, run: Any) -> dict[str, Any]:
        """Return every check, failed ones first, and how many there are of which status."""
        checks = run.checks.annotate(rank=RANK).order_by("rank", "position")
        rows = [
            {"check": check, "status": formatting.status_of(check), "took": formatting.duration(check.seconds)}
            for check in checks
        ]
        counted = Counter(row["check"].status for row in rows)
        return {"checks": rows, "counted": {status.value: counted[status.value] for status in CheckStatus}}
