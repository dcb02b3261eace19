"""Restores: which backup went into which database, whole or as single rows, and its proof."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.base import RunAdmin
from backups.models import Restore, RestoreKind, RunStatus
from backups.services.restores import by_table, was_thrown_away


@admin.register(Restore)
class RestoreAdmin(RunAdmin):
    """One restore of one backup."""

    change_form_template = "admin/backups/restore/change_form.html"
    list_display = (
        "id",
        "shown_status",
        "kind",
        "of_backup",
        "database",
        "target",
        "row_count",
        "began",
        "took",
        "asked_by",
    )
    list_filter = ("kind", "status", "database")
    search_fields = ("id", "backup__id", "target", "requested_by")
    fieldsets = (
        RunAdmin.run_fields,
        (
            _("What was restored"),
            {"fields": ("kind", "of_backup", "target", "kept", "tables", "row_count", "by_table", "proof")},
        ),
    )
    readonly_fields = ("shown_status", "took", "asked_by", "where", "of_backup", "row_count", "by_table", "proof")

    def page(self, request: HttpRequest, run: Any) -> dict[str, Any]:
        """Say of a restored copy whether it is there to be used, or was a throw-away one, or is what is live."""
        is_copy = run.kind == RestoreKind.COPY and run.status == RunStatus.COMPLETE
        thrown_away = is_copy and was_thrown_away(run.target)
        live = str(settings.DATABASES.get(run.database, {}).get("NAME", ""))
        return {"is_thrown_away": thrown_away, "is_there": is_copy and not thrown_away and run.target != live}

    @admin.display(description=_("backup"), ordering="backup")
    def of_backup(self, restore: Restore) -> str:
        """A link to it."""
        return self.link("backup", restore.backup_id)

    @admin.display(description=_("rows"), ordering="rows")
    def row_count(self, restore: Restore) -> str:
        """Rows with their thousands apart."""
        return formatting.number(restore.rows)

    @admin.display(description=_("rows by table"))
    def by_table(self, restore: Restore) -> str:
        """What was done to the rows of each table, where single rows came back."""
        contents: dict[str, dict[str, int]] = restore.contents if isinstance(restore.contents, dict) else {}
        return "; ".join(by_table(contents, formatting.number)) or formatting.NOTHING

    @admin.display(description=_("verification"))
    def proof(self, restore: Restore) -> str:
        """A link to the verification that the restored copy passed."""
        if restore.verification_id is None:
            return formatting.NOTHING
        return self.link("verification", restore.verification_id)
