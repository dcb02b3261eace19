"""Numbers, sizes, durations and statuses as people read them, in their own language."""

from __future__ import annotations

from datetime import datetime

from django.utils.formats import localize, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from backups.models import UNFINISHED, Check, Run, RunStatus
from backups.services.catalog import is_gone

NOTHING = "–"
_UNITS = ("B", "kB", "MB", "GB", "TB")


def number(value: int | None) -> str:
    """Return a count with its thousands apart."""
    return NOTHING if value is None else number_format(value, force_grouping=True)


def size(value: float | None) -> str:
    """Return a number of bytes: ``63.1 MB``. A unit is a thousand of the one before."""
    if value is None:
        return NOTHING
    unit = 0
    # Below the thousand by what rounding may add, here and in the next function.
    while abs(value) >= 999.95 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{number_format(round(value, 1), 1 if unit else 0)} {_UNITS[unit]}"


def duration(seconds: float | None) -> str:
    """Return a duration: ``24 ms``, ``8.1 s``, ``3 min 12 s``, ``2 h 5 min``."""
    if seconds is None:
        return NOTHING
    if seconds < 0.9995:
        return _("%(number)d ms") % {"number": round(seconds * 1000)}
    if seconds < 59.95:
        return _("%(number)s s") % {"number": number_format(round(seconds, 1), 1)}
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": rest}


def moment(when: datetime) -> str:
    """Return a date and a time of the local zone."""
    return str(localize(localtime(when)))


def badge(status: str, word: str) -> SafeString:
    """Return a status as a word; its colour only repeats it."""
    return format_html('<span class="backups-status backups-{}">{}</span>', status, word)


def status_of(run: Run | Check) -> SafeString:
    """Return the status of a run or a check; an unfinished run whose process is gone is interrupted, whatever it says."""
    if isinstance(run, Run) and is_interrupted(run):
        return badge(RunStatus.INTERRUPTED.value, str(RunStatus.INTERRUPTED.label))
    return badge(run.status, run.get_status_display())  # type: ignore[union-attr]


def is_interrupted(run: Run) -> bool:
    """Say whether a run ended without a word; the row is told so by the next backup, never by somebody who looks."""
    return is_unfinished(run) and is_gone(run)


def is_unfinished(run: Run) -> bool:
    """Say whether a run is queued or running, as far as its row says."""
    return getattr(run, "status", "") in UNFINISHED
