"""Backups: when, how large, proven or not, and the buttons that back up, verify and restore."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from backups.admin import actions, formatting
from backups.admin.base import RunAdmin
from backups.admin.copy import configured, copies_of_all, copies_of_backup
from backups.admin.forms import BackUpForm
from backups.conf import get_settings
from backups.exceptions import ConfigurationError
from backups.models import UNFINISHED, Backup, RunStatus, Verification, VerificationLevel, VerificationStatus

SHOWN = 20
"""How many verifications and restores a backup's page names; the lists have the others."""


class BackupList(ChangeList):
    """A list that brings the newest finished verification and the copies along, and leaves behind what only a page shows."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> QuerySet[Backup]:
        """Return the rows of one page, with the proof of each, by one query, and where there are copies by one more."""
        done = Verification.objects.filter(backup=OuterRef("pk")).exclude(status__in=UNFINISHED).order_by("-started")
        proof = {f"proof_{field}": Subquery(done.values(field)[:1]) for field in ("pk", "status", "level", "started")}
        rows: QuerySet[Backup] = super().get_queryset(*args, **kwargs)
        rows = rows.annotate(**proof).defer("contents", "uncovered", "warnings")
        return rows.prefetch_related("copies") if configured() else rows


@admin.register(Backup)
class BackupAdmin(RunAdmin):
    """One backup of one database."""

    change_list_template = "admin/backups/backup/change_list.html"
    change_form_template = "admin/backups/backup/change_form.html"
    list_display = ("id", "shown_status", "verified", "copied", "database", "began", "took", "row_count", "takes")
    list_filter = ("status", "database")
    search_fields = ("id",)
    actions = (actions.verify_restore, actions.verify_stored, actions.verify_signature, actions.restore)
    fieldsets = (RunAdmin.run_fields,)
    fieldsets_of_committed: Any = (
        (_("Contents"), {"fields": ("tables", "row_count", "size", "stored", "new", "chunk_count")}),
        (_("Repository"), {"fields": ("sequence", "repository", "digest")}),
    )
    readonly_fields = ("shown_status", "took", "asked_by", "where", "row_count", "size", "stored", "new", "chunk_count")

    def get_urls(self) -> list[URLPattern]:
        """Add the button's address."""
        view = self.admin_site.admin_view(require_POST(self.back_up_now))
        return [path("back-up-now/", view, name="backups_backup_back_up_now"), *super().get_urls()]

    def back_up_now(self, request: HttpRequest) -> HttpResponse:
        """Enqueue a backup."""
        return actions.back_up_now(self, request)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Add what only a committed backup has."""
        committed = obj is not None and obj.status == RunStatus.COMPLETE
        return (*self.fieldsets, *(self.fieldsets_of_committed if committed else ()))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list with the proofs."""
        return BackupList

    def has_run_verification_permission(self, request: HttpRequest) -> bool:
        """Say whether the verify actions are offered."""
        return request.user.has_perm("backups.run_verification")

    def has_run_restore_permission(self, request: HttpRequest) -> bool:
        """Say whether the restore action is offered: by the permission, and by the settings."""
        try:
            allowed = get_settings().ALLOW_RESTORE_FROM_ADMIN
        except ConfigurationError:
            allowed = False  # The system checks say what is wrong; what is unclear is not allowed.
        return allowed and request.user.has_perm("backups.run_restore")

    def get_list_display(self, request: HttpRequest) -> Any:
        """Leave out the copies where there are none."""
        return [name for name in super().get_list_display(request) if name != "copied" or configured()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show the list, with the button for those who may press it."""
        form = BackUpForm() if request.user.has_perm("backups.run_backup") else None
        context = {"back_up_form": form, "copies": copies_of_all() if configured() else []}
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def page(self, request: HttpRequest, run: Any) -> dict[str, Any]:
        """Return rows by table, what is not covered, copies, proofs, restores, and the verbs that are allowed."""
        contents: dict[str, int] = run.contents if isinstance(run.contents, dict) else {}
        return {
            "contents": [(table, formatting.number(rows)) for table, rows in sorted(contents.items())],
            "copies": copies_of_backup(run),
            "verifications": [_line(row) for row in run.verifications.order_by("-started")[:SHOWN]],
            "restores": [_line(row) for row in run.restores.order_by("-started")[:SHOWN]],
            "is_whole": run.status == RunStatus.COMPLETE,
            "verbs": [(name, text) for name, text in self.get_action_choices(request) if name],
        }

    @admin.display(description=_("verified"), ordering="proof_started")
    def verified(self, backup: Any) -> str:
        """The newest verification's outcome, level and time."""
        if backup.proof_pk is None:
            return (
                formatting.badge("never", gettext("never"))
                if backup.status == RunStatus.COMPLETE
                else formatting.NOTHING
            )
        status = formatting.badge(backup.proof_status, str(VerificationStatus(backup.proof_status).label))
        link = self.link("verification", backup.proof_pk, formatting.moment(backup.proof_started))
        return format_html("{}<br>{}<br>{}", status, VerificationLevel(backup.proof_level).label, link)

    @admin.display(description=_("copies"))
    def copied(self, backup: Backup) -> str:
        """Whether each copy has it, and since when."""
        if backup.status != RunStatus.COMPLETE:
            return formatting.NOTHING
        lines = ((copy.storage, copy.status, copy.since) for copy in copies_of_backup(backup))
        return format_html_join("", "<div>{} {}<br>{}</div>", lines)

    @admin.display(description=_("rows"), ordering="rows")
    def row_count(self, backup: Backup) -> str:
        """Rows with their thousands apart."""
        return _if_there(backup, formatting.number(backup.rows))

    @admin.display(description=_("stored"), ordering="stored_bytes")
    def takes(self, backup: Backup) -> str:
        """The size of the backup in storage, and of what it added there."""
        sizes = {"stored": formatting.size(backup.stored_bytes), "new": formatting.size(backup.new_bytes)}
        return _if_there(backup, gettext("%(stored)s (%(new)s new)") % sizes)

    @admin.display(description=_("size"), ordering="bytes")
    def size(self, backup: Backup) -> str:
        """The size of all rows as text."""
        return _if_there(backup, formatting.size(backup.bytes))

    @admin.display(description=_("stored"), ordering="stored_bytes")
    def stored(self, backup: Backup) -> str:
        """The size of everything that the backup is made of, in storage."""
        return _if_there(backup, formatting.size(backup.stored_bytes))

    @admin.display(description=_("new"), ordering="new_bytes")
    def new(self, backup: Backup) -> str:
        """The size of what this backup added to the storage."""
        return _if_there(backup, formatting.size(backup.new_bytes))

    @admin.display(description=_("chunks"))
    def chunk_count(self, backup: Backup) -> str:
        """All chunks, and those of them that were stored anew."""
        counts = {"chunks": formatting.number(backup.chunks), "new": formatting.number(backup.new_chunks)}
        return _if_there(backup, gettext("%(chunks)s, of which %(new)s new") % counts)


def _if_there(backup: Backup, text: str) -> str:
    """Return a number of a backup that was committed; of another one it means nothing."""
    return text if backup.status == RunStatus.COMPLETE else formatting.NOTHING


def _line(run: Any) -> dict[str, Any]:
    return {"run": run, "status": formatting.status_of(run), "took": formatting.duration(run.seconds)}
