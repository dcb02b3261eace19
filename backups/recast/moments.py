"""A date and time of one database as another database holds it: they may stand in different time zones.

Django keeps instants in PostgreSQL. In SQLite and MariaDB it keeps the time that clocks show in the connection's zone,
``DatabaseWrapper.timezone_name``: with USE_TZ the alias's TIME_ZONE or else UTC, without it the project's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from backups.engines import values
from backups.exceptions import TargetError
from backups.manifest import Manifest

KINDS = frozenset({"datetime", "timestamp"})


class Unfit(ValueError):
    """A value has no form in the other column; the message says why, without the value."""


@dataclass(frozen=True, slots=True)
class Zones:
    """The zones in which both sides keep what is written without one; ``source`` is empty where nobody recorded it.

    ``local`` says that applications see what clocks show and no more (USE_TZ = False): of an hour that clocks show
    twice they cannot tell which it was, and nothing is lost where the other database cannot either.
    """

    source: str
    target: str
    local: bool = False

    @property
    def alike(self) -> bool:
        """Say whether what is written without a zone means the same on both sides."""
        return self.source == self.target

    def moment(self, text: str, kind: str) -> str | None:
        """Return the cell of a kind for what the source says; None for what is no date and time. Raises Unfit."""
        text = text.strip().replace("T", " ")
        plain = text.removesuffix("Z").removesuffix("+00:00").removesuffix("+00")
        found = values.timestamp_from(plain)
        if found is None:
            return None
        instant = plain != text or self.source == "UTC"
        if not instant and kind == "timestamp" and self.alike:
            return found
        try:
            moment = datetime.fromisoformat(found)
            utc = moment.replace(tzinfo=UTC) if instant else self._instant(moment)
            return _written(utc) + "Z" if kind == "datetime" else self._shown(utc)
        except OverflowError:
            raise Unfit("in the other time zone it is before the year 1 or after 9999") from None

    def _instant(self, moment: datetime) -> datetime:
        """Return when a clock showed this; of two times the first, as Django reads it."""
        if not self.source:
            raise Unfit("the backup does not say in which time zone it stands: take a new backup, and restore that")
        zone = tzinfo_of(self.source)
        instant = moment.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None, fold=0) != moment:
            raise Unfit(f"clocks in {self.source} never showed it: they had been put forward")
        return instant

    def _shown(self, instant: datetime) -> str:
        """Return what a clock of the target shows then."""
        zone = tzinfo_of(self.target)
        shown = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        if not self.local and shown.replace(tzinfo=zone).astimezone(UTC) != instant:
            raise Unfit(f"clocks in {self.target} show it twice, and this is the second time: they had been put back")
        return _written(shown)


def recorded(manifest: Manifest) -> str:
    """Return the zone in which a backup's moments stand that are written without one; empty where it is not known."""
    if manifest.zone:
        return manifest.zone
    # Backups from before it was recorded: instants were written as such where the zone was UTC, and nowhere else.
    kinds = {column.kind for entry in manifest.tables for column in entry.table.columns}
    return "UTC" if "datetime" in kinds else ""


def tzinfo_of(name: str) -> tzinfo:
    """Return a time zone; raise TargetError where this machine does not know it."""
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise TargetError(
            f"The time zone {name} is not known on this machine, and moments of the backup stand in it.",
            hint="Install the time zones (the system's package tzdata, or pip install tzdata) and try again.",
        ) from error


def _written(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat("T", "microseconds")
