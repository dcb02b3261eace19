"""What all pages of the catalogue share: nobody adds, changes or deletes a row, and how the columns read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from backups.admin import formatting
from backups.admin.forms import databases
from backups.models import Run

# Django's ModelAdmin takes a type parameter for the type checker only.
if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


_WAYS = {"admin": _("in the admin"), "command": _("by a command"), "task": _("by a task")}


class CatalogueAdmin(ModelAdmin):
    """Rows that the services write and people read."""

    actions_on_bottom = False
    list_per_page = 50
    show_full_result_count = False
    # Nobody chooses a foreign key here, so none is offered.
    view_on_site = False

    class Media:
        css = {"all": ["backups/admin.css"]}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows are made by runs."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A record that can be changed is none."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The catalogue is rebuilt from storage; deleting a row removes no backup."""
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """As Django has it for viewing alone."""
        return request.user.has_perm(f"{self.opts.app_label}.view_{self.opts.model_name}")

    def url(self, name: str, *args: str) -> str:
        """Return the address of a page of this app in this admin site: ``backup_change``, ``backup_changelist``."""
        return reverse(f"admin:backups_{name}", args=args, current_app=self.admin_site.name)

    def link(self, kind: str, pk: str, text: str = "") -> SafeString:
        """Return a link to the page of a row: ``kind`` is the model's name in small letters."""
        return format_html('<a href="{}">{}</a>', self.url(f"{kind}_change", pk), text or pk)


class RunAdmin(CatalogueAdmin):
    """Rows of runs."""

    run_fields: tuple[Any, Any] = (
        _("Run"),
        {"fields": ("shown_status", "database", "started", "took", "asked_by", "where")},
    )

    def get_list_display(self, request: HttpRequest) -> Any:
        """Leave out the database where there is only one."""
        return [name for name in self.list_display if name != "database" or len(databases()) > 1]

    @admin.display(description=_("status"), ordering="status")
    def shown_status(self, run: Run) -> str:
        """The status as a word."""
        return formatting.status_of(run)

    @admin.display(description=_("started"), ordering="started")
    def began(self, run: Run) -> str:
        """The moment, set so that a narrow column can break it."""
        return formatting.moment(run.started)

    @admin.display(description=_("took"), ordering="seconds")
    def took(self, run: Run) -> str:
        """Seconds, minutes or hours."""
        return formatting.duration(run.seconds)

    @admin.display(description=_("asked for"))
    def asked_by(self, run: Run) -> str:
        """Who, and by which way."""
        way = str(_WAYS.get(run.requested_via, run.requested_via))
        return ", ".join(part for part in (run.requested_by, way) if part) or formatting.NOTHING

    @admin.display(description=_("done by"))
    def where(self, run: Run) -> str:
        """Which process of which host."""
        if run.pid is None:
            return run.host or formatting.NOTHING
        return _("process %(pid)d on %(host)s") % {"pid": run.pid, "host": run.host}

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Add what a run's page says above its fields."""
        run = kwargs.get("obj")
        if isinstance(run, Run):
            gone = formatting.is_interrupted(run)
            unfinished = formatting.is_unfinished(run) and not gone
            context |= {"run": run, "is_gone": gone, "is_unfinished": unfinished, **self.page(request, run)}
        return super().render_change_form(request, context, *args, **kwargs)

    def page(self, request: HttpRequest, run: Any) -> dict[str, Any]:
        """Return what the template of this kind of run needs beside the row."""
        return {}
