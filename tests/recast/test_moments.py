"""What a date and time of one database is in another, whose time zone is another; and what has no place there."""

import pytest

from backups.exceptions import TargetError
from backups.recast.moments import Unfit, Zones

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"


@pytest.mark.parametrize(
    ("zones", "text", "kind", "found"),
    [
        (Zones("UTC", "UTC"), "2026-11-22 16:43:15.5", "datetime", "2026-11-22T16:43:15.500000Z"),
        (Zones("UTC", "UTC"), "2026-11-22 16:43:15+00:00", "timestamp", "2026-11-22T16:43:15.000000"),
        (Zones(BERLIN, "UTC"), "2026-07-01T12:00:00.000001", "datetime", "2026-07-01T10:00:00.000001Z"),
        (Zones(BERLIN, "UTC"), "2026-12-01T12:00:00.000000", "datetime", "2026-12-01T11:00:00.000000Z"),
        # What says itself that it is UTC is not taken for the zone's.
        (Zones(BERLIN, "UTC"), "2026-12-01T12:00:00.000000Z", "datetime", "2026-12-01T12:00:00.000000Z"),
        (Zones("UTC", BERLIN), "2026-07-01T10:00:00.000000Z", "timestamp", "2026-07-01T12:00:00.000000"),
        (Zones(BERLIN, NEW_YORK), "2026-07-01T12:00:00.000000", "timestamp", "2026-07-01T06:00:00.000000"),
        (Zones(BERLIN, BERLIN), "2026-07-01 12:00:00", "timestamp", "2026-07-01T12:00:00.000000"),
        # An hour that clocks showed twice: the first one is read, as Django does, and can be written.
        (Zones(BERLIN, "UTC"), "2026-10-25T02:30:00.000000", "datetime", "2026-10-25T00:30:00.000000Z"),
        (Zones("UTC", BERLIN), "2026-10-25T00:30:00.000000Z", "timestamp", "2026-10-25T02:30:00.000000"),
        # Where applications see clocks only, the second is written too.
        (Zones("UTC", BERLIN, local=True), "2026-10-25T01:30:00.000000Z", "timestamp", "2026-10-25T02:30:00.000000"),
        (Zones(BERLIN, BERLIN), "2026-03-29T02:30:00.000000", "timestamp", "2026-03-29T02:30:00.000000"),
        (Zones("", "UTC"), "2026-11-22T16:43:15.000000Z", "datetime", "2026-11-22T16:43:15.000000Z"),
        (Zones("UTC", "UTC"), "yesterday", "datetime", None),
        (Zones(BERLIN, "UTC"), "2026-11-22 16:43:15+02:00", "datetime", None),
    ],
)
def test_it_is_the_same_moment(zones: Zones, text: str, kind: str, found: str | None) -> None:
    assert zones.moment(text, kind) == found


@pytest.mark.parametrize(
    ("zones", "text", "kind", "said"),
    [
        (Zones(BERLIN, "UTC"), "2026-03-29T02:30:00.000000", "datetime", "clocks in Europe/Berlin never showed it"),
        (Zones("UTC", BERLIN), "2026-10-25T01:30:00.000000Z", "timestamp", "clocks in Europe/Berlin show it twice"),
        (Zones("", "UTC"), "2026-11-22T16:43:15.000000", "datetime", "does not say in which time zone"),
        (Zones("", BERLIN), "2026-11-22T16:43:15.000000", "timestamp", "does not say in which time zone"),
        (Zones(BERLIN, "UTC"), "0001-01-01T00:00:00.000000", "datetime", "before the year 1"),
        (Zones("UTC", BERLIN), "9999-12-31T23:30:00.000000Z", "timestamp", "after 9999"),
    ],
)
def test_what_has_no_place_there_says_why(zones: Zones, text: str, kind: str, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        zones.moment(text, kind)


def test_a_zone_that_this_machine_does_not_know_is_an_error_that_names_it() -> None:
    with pytest.raises(TargetError, match="Atlantis/Poseidonis is not known on this machine"):
        Zones("Atlantis/Poseidonis", "UTC").moment("2026-11-22T16:43:15.000000", "datetime")
