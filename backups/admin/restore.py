"""Restores: which backup went into which fresh database, and its proof."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.base import RunAdmin
from backups.models import Restore


@admin.register(Restore)
class RestoreAdmin(RunAdmin):
    """One restore of one backup."""

    change_form_template = "admin/backups/restore/change_form.html"
    list_display = ("id", "shown_status", "of_backup", "database", "target", "row_count", "began", "took")
    list_filter = ("status", "database")
    search_fields = ("id", "backup__id", "target")
    fieldsets = (
        RunAdmin.run_fields,
        (_("Fresh database"), {"fields": ("of_backup", "target", "tables", "row_count", "proof")}),
    )
    readonly_fields = ("shown_status", "took", "asked_by", "where", "of_backup", "row_count", "proof")

    @admin.display(description=_("backup"), ordering="backup")
    def of_backup(self, restore: Restore) -> str:
        """A link to it."""
        return self.link("backup", restore.backup_id)

    @admin.display(description=_("rows"), ordering="rows")
    def row_count(self, restore: Restore) -> str:
        """Rows with their thousands apart."""
        return formatting.number(restore.rows)

    @admin.display(description=_("verification"))
    def proof(self, restore: Restore) -> str:
        """A link to the verification that the restored copy passed."""
        if restore.verification_id is None:
            return formatting.NOTHING
        return self.link("verification", restore.verification_id)
