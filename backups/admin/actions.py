"""The verbs of the admin: each checks, enqueues, and answers at once with a message that links to the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backups import tasks
from backups.admin.base import RunAdmin
from backups.admin.forms import BackUpForm, RestoreForm
from backups.exceptions import BackupsError, TargetError
from backups.models import Backup, RunStatus
from backups.services.restore import plan_restore
from backups.verification import Level

Action = Callable[[Any, HttpRequest, QuerySet[Backup]], HttpResponse | None]


def back_up_now(page: RunAdmin, request: HttpRequest) -> HttpResponse:
    """Enqueue a backup of each database that was chosen."""
    if not request.user.has_perm("backups.run_backup"):
        raise PermissionDenied
    form = BackUpForm(request.POST)
    if form.is_valid():
        runs = [tasks.enqueue(tasks.back_up, database=alias, **_asked(request)) for alias in form.aliases()]
        text = ngettext("A backup was asked for: {}", "{} were asked for: {}", len(runs))
        said = ngettext("%(count)d backup", "%(count)d backups", len(runs)) % {"count": len(runs)}
        links = _links(page, "backup", runs)
        page.message_user(request, format_html(text, *([links] if len(runs) == 1 else [said, links])), messages.SUCCESS)
    else:
        page.message_user(request, _("There is no such database. Nothing was backed up."), messages.ERROR)
    return HttpResponseRedirect(page.url("backup_changelist"))


def verify_action(level: Level, description: Any) -> Action:
    """Return the action that verifies the selected backups at one level."""

    @admin.action(permissions=["run_verification"], description=description)
    def action(page: RunAdmin, request: HttpRequest, selected: QuerySet[Backup]) -> None:
        whole = [backup for backup in selected if backup.status == RunStatus.COMPLETE]
        _say_left_out(page, request, selected.count() - len(whole))
        runs = [
            tasks.enqueue(
                tasks.verify, backup=backup.pk, database=backup.database, level=level.value, **_asked(request)
            )
            for backup in whole
        ]
        if runs:
            text = ngettext("A verification was asked for: {}", "Verifications were asked for: {}", len(runs))
            page.message_user(request, format_html(text, _links(page, "verification", runs)), messages.SUCCESS)

    action.__name__ = f"verify_{level.value}"
    return action


verify_restore = verify_action(Level.RESTORE, gettext_lazy("Verify: restore into a throw-away database and compare"))
verify_stored = verify_action(Level.STORED, gettext_lazy("Verify: read every stored object"))
verify_signature = verify_action(Level.SIGNATURE, gettext_lazy("Verify: signature and chain"))


@admin.action(permissions=["run_restore"], description=gettext_lazy("Restore into a fresh database"))
def restore(page: RunAdmin, request: HttpRequest, selected: QuerySet[Backup]) -> HttpResponse | None:
    """Show the plan and ask for the name; once both were confirmed, enqueue."""
    backups = list(selected[:2])
    if len(backups) != 1 or backups[0].status != RunStatus.COMPLETE:
        said = _("Select exactly one complete backup to restore. Nothing was done.")
        page.message_user(request, said, messages.ERROR)
        return None
    return _confirmed(page, request, backups[0])


def _confirmed(page: RunAdmin, request: HttpRequest, backup: Backup) -> HttpResponse | None:
    posted = request.POST.get("post") == "yes"
    form = RestoreForm(request.POST) if posted else RestoreForm({"to": f"restored_{timezone.now():%Y%m%d_%H%M%S}"})
    plan: list[str] = []
    if form.is_valid():
        to = form.cleaned_data["to"]
        try:
            tasks.refuse_restore_from_admin()
            plan = plan_restore(backup.database, backup.pk, to).sentences()
        except TargetError as error:
            form.add_error("to", f"{error} {error.hint}".strip())
        except BackupsError as error:
            page.message_user(request, f"{error} {error.hint}".strip(), messages.ERROR)
            return None
        # Only what was read is confirmed: another name has another plan.
        if plan and posted and to == form.cleaned_data["planned"]:
            return _begin_restore(page, request, backup, to)
    return _confirmation(page, request, backup, form, plan)


def _begin_restore(page: RunAdmin, request: HttpRequest, backup: Backup, to: str) -> HttpResponse:
    run = tasks.enqueue(tasks.restore, backup=backup.pk, database=backup.database, to=to, **_asked(request))
    said = format_html(_("A restore into {} was asked for: {}"), to, _links(page, "restore", [run]))
    page.message_user(request, said, messages.SUCCESS)
    return HttpResponseRedirect(page.url("backup_changelist"))


def _confirmation(
    page: RunAdmin, request: HttpRequest, backup: Backup, form: RestoreForm, plan: list[str]
) -> HttpResponse:
    context = {
        **page.admin_site.each_context(request),
        "title": _("Restore into a fresh database"),
        "opts": page.opts,
        "media": page.media,
        "original": backup,
        "has_view_permission": True,
        "backup": backup,
        "form": form,
        "plan": plan,
        "planned": form.data["to"] if plan else "",
        "is_changed": bool(plan) and request.POST.get("post") == "yes",
        "action_checkbox_name": ACTION_CHECKBOX_NAME,
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/backups/backup/restore_confirmation.html", context)


def _say_left_out(page: RunAdmin, request: HttpRequest, count: int) -> None:
    if count:
        text = ngettext(
            "%(count)d backup is not complete, so there is nothing to verify.",
            "%(count)d backups are not complete, so there is nothing to verify.",
            count,
        )
        page.message_user(request, text % {"count": count}, messages.WARNING)


def _asked(request: HttpRequest) -> dict[str, str]:
    return {"requested_by": request.user.get_username(), "requested_via": tasks.ADMIN}


def _links(page: RunAdmin, kind: str, runs: Iterable[str]) -> SafeString:
    return format_html_join(", ", "{}", ((page.link(kind, run),) for run in runs))
