"""The checks of all verifications, for looking across them: which check fails where."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.base import CatalogueAdmin
from backups.models import Check


@admin.register(Check)
class CheckAdmin(CatalogueAdmin):
    """One line of a verification."""

    list_display = ("name", "table", "shown_status", "expected", "actual", "took", "of_verification")
    list_filter = ("status", "name")
    search_fields = ("name", "table", "verification__id")
    ordering = ("-verification__started", "position")
    fields = ("of_verification", "name", "table", "shown_status", "expected", "actual", "detail", "took")
    readonly_fields = fields

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, check: Check) -> str:
        """The status as a word."""
        return formatting.status_of(check)

    @admin.display(description=_("took"), ordering="seconds")
    def took(self, check: Check) -> str:
        """Seconds, minutes or hours."""
        return formatting.duration(check.seconds)

    @admin.display(description=_("verification"), ordering="verification")
    def of_verification(self, check: Check) -> str:
        """A link to it."""
        return self.link("verification", check.verification_id)
