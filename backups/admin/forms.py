"""What the admin asks before a verb: which database, and the name of a fresh one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from backups.engines import EVERY_DATABASE


def databases() -> list[str]:
    """Return the aliases of DATABASES."""
    return list(settings.DATABASES)


class BackUpForm(forms.Form):
    """Which database is to be backed up: one, or all where there are several."""

    database = forms.ChoiceField(label=_("Database"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.several = len(databases()) > 1
        every = [(EVERY_DATABASE, _("all databases"))] if self.several else []
        field = self.fields["database"]
        field.choices = [*((alias, alias) for alias in databases()), *every]  # type: ignore[attr-defined]
        if not self.several:
            field.widget = forms.HiddenInput()
            field.initial = databases()[0]

    def aliases(self) -> list[str]:
        """Return what was chosen."""
        chosen: str = self.cleaned_data["database"]
        return databases() if chosen == EVERY_DATABASE and self.several else [chosen]


class RestoreForm(forms.Form):
    """The name of the fresh database. A plain name: from the admin nothing is made elsewhere in the file system."""

    to = forms.CharField(
        label=_("Name of the fresh database"),
        max_length=63,
        validators=[
            RegexValidator(
                r"\A[A-Za-z0-9_][A-Za-z0-9_.-]*\Z",
                _("Use letters, digits, underscores, dots and dashes; begin with a letter, a digit or an underscore."),
            )
        ],
        help_text=_(
            "No database or file of this name may be there yet. It is made on the same server, or in the same folder."
        ),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "spellcheck": "false"}),
    )
    planned = forms.CharField(required=False, widget=forms.HiddenInput)
