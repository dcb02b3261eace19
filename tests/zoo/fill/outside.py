"""Rows that triggers, a data migration, another alias and an app without migrations have a hand in."""

from django.apps import apps

from tests.zoo import values
from tests.zoo.models import AnalyticsEvent, AuditLine, Starter, Traced


def fill_outside(using: str) -> None:
    """Each of the models in ``models/outside.py`` but the second database's."""
    traced = Traced.objects.using(using)
    for name in ("first", "it's 100%", "\U0001f6df", "renamed later"):
        traced.create(name=name)
    traced.filter(name="renamed later").update(name="renamed")
    # One line gone and one added: the audit cannot be made again from what it audits.
    lines = AuditLine.objects.using(using)
    lines.filter(pk=lines.order_by("pk")[0].pk).delete()
    lines.create(traced_id=999, what="of a row that was deleted")

    starters = Starter.objects.using(using)
    starters.filter(key="deleted later").delete()
    starters.filter(key="changed later").update(value="changed by hand")
    starters.create(key="made later", value="")

    if apps.is_installed("tests.zoo.bare"):
        unmigrated = apps.get_model("zoo_bare", "Unmigrated")._base_manager.using(using)
        for label in ("one", "deleted"):
            unmigrated.create(label=label)
        unmigrated.filter(label="deleted").delete()


def fill_analytics(using: str) -> None:
    """The rows of the second database."""
    AnalyticsEvent.objects.using(using).bulk_create(
        [
            AnalyticsEvent(name=name, at=at, payload=None if n % 3 else {"n": n, "é": [n]})
            for n, (name, at) in enumerate(values.DATETIMES.items())
        ]
    )
