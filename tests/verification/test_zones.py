"""Moments keep their meaning from each engine to each other, in whatever zone they are kept; the proof sees an hour's shift."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import permutations
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command

from backups.contents import Contents
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import TargetError
from backups.recast import Recast
from backups.verification import Status, prove_database
from shop.models import Customer, Order
from tests.databases import Server, registered
from tests.verification.rebuilding import archive, built, rebuilt
from tests.yard import back_up, details, new_repository, prove, restored

BERLIN, NEW_YORK = "Europe/Berlin", "America/New_York"
# As clocks in Berlin show them. On 25 October they show half past two twice: fold says which it is.
MOMENTS = [
    datetime(2026, 1, 15, 0, 30, 0, 1),
    datetime(2026, 7, 15, 23, 30),
    datetime(2026, 10, 25, 2, 30),
    datetime(1969, 7, 20, 21, 17, 40, 999999),
]
AGAIN, NEVER = datetime(2026, 10, 25, 2, 30, fold=1), datetime(2026, 3, 29, 2, 30)
VENDORS = ("sqlite", "postgresql_18", "mysql")
each_pair = pytest.mark.parametrize("pair", list(permutations(VENDORS, 2)), ids=" to ".join, indirect=True)


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> tuple[Server, Server]:
    """Two servers."""
    old, new = request.param
    return request.getfixturevalue(old), request.getfixturevalue(new)


@contextmanager
def placed(server: Server, zone: str | None = None) -> Iterator[Engine]:
    """Make an empty database whose alias has a time zone."""
    name = server.new_name()
    server.create(name)
    try:
        with registered({**server.settings(name), "TIME_ZONE": zone}) as alias:
            yield engine_for(alias)
    finally:
        server.drop(name)


def fill(engine: Engine, moments: list[datetime]) -> None:
    """Put an order of each moment into a new shop."""
    call_command("migrate", "shop", database=engine.alias, verbosity=0)
    ada = Customer.objects.using(engine.alias).create(email="ada@example.org", name="Ada", joined=moments[0])
    Order.objects.using(engine.alias).bulk_create(
        Order(number=f"N{n}", customer=ada, placed=moment, quantity=1, amount=Decimal(n))
        for n, moment in enumerate(moments, 1)
    )


def seen(engine: Engine) -> list[datetime]:
    """Return the moments as an application sees them, instants in UTC."""
    with registered(engine.settings) as alias:
        found = Order.objects.using(alias).order_by("pk").values_list("placed", flat=True)
        return [moment.astimezone(UTC) if moment.tzinfo else moment for moment in found]


def assert_moved(contents: Recast, copy: Engine, source: Engine, moments: list[datetime]) -> None:
    """See that a copy has these moments and passes its proof, and that the proof sees one of them an hour later."""
    assert seen(copy) == moments
    findings = prove_database(contents, copy, source.alias, names={"content", "rows", "schema"})
    assert {finding.status for finding in findings} == {Status.PASSED}
    hour_later(copy)
    assert "Row 2 differs in placed" in details(prove_database(contents, copy, source.alias, names={"content"}))


def hour_later(copy: Engine) -> None:
    with registered(copy.settings) as alias:
        order = Order.objects.using(alias).get(number="N2")
        order.placed += timedelta(hours=1)
        order.save()


def in_berlin(moments: list[datetime]) -> list[datetime]:
    """Return the instants at which clocks in Berlin showed these."""
    return [moment.replace(tzinfo=ZoneInfo(BERLIN)).astimezone(UTC) for moment in moments]


@pytest.mark.parametrize("use_tz", [False, True], ids=["clocks", "instants"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_backup_is_proven_whatever_the_zone(
    vendor: str, use_tz: bool, request: pytest.FixtureRequest, settings: Any, tmp_path: Path
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = use_tz, BERLIN
    with placed(request.getfixturevalue(vendor), NEW_YORK if use_tz else None) as engine:
        fill(engine, in_berlin(MOMENTS) if use_tz else [*MOMENTS, NEVER])
        before, repository = seen(engine), new_repository(tmp_path)
        committed = back_up(engine, repository)
        result = prove(engine, repository, committed)
        assert result.status == Status.PASSED, details(result.findings)
        with restored(engine, repository, committed) as (_, copy):
            assert seen(copy) == before


@each_pair
def test_without_zones_applications_see_the_same_clocks(
    pair: tuple[Server, Server], settings: Any, tmp_path: Path
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, BERLIN
    with placed(pair[0]) as old, placed(pair[1]) as new:
        fill(old, [*MOMENTS, AGAIN])
        with rebuilt(old, new, tmp_path) as (contents, copy):
            assert seen(old) == [*MOMENTS, AGAIN.replace(fold=0)]
            assert_moved(contents, copy, old, seen(old))


@each_pair
def test_between_aliases_of_different_zones_it_is_the_same_instant(pair: tuple[Server, Server], tmp_path: Path) -> None:
    with placed(pair[0], NEW_YORK) as old, placed(pair[1], BERLIN) as new:
        fill(old, in_berlin(MOMENTS))
        with rebuilt(old, new, tmp_path) as (contents, copy):
            assert_moved(contents, copy, old, in_berlin(MOMENTS))


def test_an_instant_that_clocks_there_show_twice_is_refused(
    postgresql_18: Server, sqlite: Server, tmp_path: Path
) -> None:
    with placed(postgresql_18) as old, placed(sqlite, BERLIN) as new:
        fill(old, in_berlin([AGAIN]))
        said = r"Row 1 of .*shop_order, column placed: clocks in Europe/Berlin show it twice"
        with pytest.raises(TargetError, match=said), rebuilt(old, new, tmp_path):
            pass


def test_what_clocks_never_showed_is_refused(
    sqlite: Server, postgresql_18: Server, settings: Any, tmp_path: Path
) -> None:
    settings.USE_TZ, settings.TIME_ZONE = False, BERLIN
    with placed(sqlite) as old, placed(postgresql_18) as new:
        fill(old, [NEVER])
        said = r"Row 1 of shop_order, column placed: clocks in Europe/Berlin never showed it"
        with pytest.raises(TargetError, match=said), rebuilt(old, new, tmp_path):
            pass


def test_settings_may_say_another_zone_than_when_the_backup_was_taken(
    sqlite: Server, postgresql_18: Server, settings: Any, tmp_path: Path
) -> None:
    """What counts is the zone that the backup recorded."""
    settings.USE_TZ, settings.TIME_ZONE = False, BERLIN
    with placed(sqlite) as old, placed(postgresql_18) as new:
        fill(old, MOMENTS)
        archived = archive(old, tmp_path)
        settings.USE_TZ, settings.TIME_ZONE = True, "UTC"
        with built(archived, old, new) as (contents, copy):
            assert_moved(contents, copy, old, in_berlin(MOMENTS))


def test_a_backup_from_before_zones_were_recorded(
    sqlite: Server, postgresql_18: Server, settings: Any, tmp_path: Path
) -> None:
    """It is known where instants were written as such, which was where the zone was UTC; else its moments are refused."""
    with placed(sqlite) as old, placed(postgresql_18) as new:
        fill(old, in_berlin(MOMENTS))
        archived = archive(old, tmp_path / "utc")
        unknown = Contents(archived.repository, replace(archived.manifest, zone=""))
        with built(unknown, old, new) as (contents, copy):
            assert_moved(contents, copy, old, in_berlin(MOMENTS))
        settings.USE_TZ, settings.TIME_ZONE = False, BERLIN
        archived = archive(old, tmp_path / "berlin")
        assert archived.manifest.zone == BERLIN
        unknown = Contents(archived.repository, replace(archived.manifest, zone=""))
        with pytest.raises(TargetError, match="does not say in which time zone it stands"), built(unknown, old, new):
            pass
