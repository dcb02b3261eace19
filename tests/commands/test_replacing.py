"""``restore_db --replace`` and ``--undo`` as people type them, with the catalogue in the very database that is lost."""

import json

import pytest

from tests.commands.site import Done, Site
from tests.commands.test_killed import engine_of

COUNT = "from shop.models import Order; print(Order.objects.count())"
KNOWN = (
    "import json; from shop.models import Order; from backups.models import Backup, Restore, Verification, Check; "
    "print(json.dumps([Order.objects.count(), list(Backup.objects.order_by('id').values_list('id', 'status', 'error')), "
    "list(Restore.objects.values_list('target', 'status')), Verification.objects.count(), Check.objects.count()]))"
)
DELETED = "from shop.models import Order; Order.objects.filter(pk__gt=500).delete()"
FAILED = (
    "from backups.models import Backup; from django.utils.timezone import now; "
    "Backup.objects.create(id='20200101T000000Z-abcdef', database='default', started=now(), status='failed', error='once')"
)


@pytest.fixture
def ready(on_server: Site):
    """A site on each server that was backed up and proven; what is kept of its database is dropped."""
    on_server.settings["BACKUPS"]["ALLOW_SIMULATED_FAILURE"] = True
    on_server.manage("backup_db", "--verify=restore").fine()
    yield on_server
    with engine_of(on_server) as engine:
        for name in engine.kept():
            engine.at(name).drop()


def name(site: Site) -> str:
    return str(site.settings["DATABASES"]["default"]["NAME"]).rpartition("/")[2]


def orders(site: Site) -> int:
    """Ask the application."""
    return int(site.manage("shell", "--verbosity=0", "--command", COUNT).fine().out.split()[-1])


def known(site: Site, *first: str):
    """Count the orders, and ask the catalogue what it knows, after these statements."""
    asked = "\n".join([*first, KNOWN])
    return json.loads(site.manage("shell", "--verbosity=0", "--command", asked).fine().out.splitlines()[-1])


def replace(site: Site, *more: str) -> Done:
    return site.manage("restore_db", "--replace", "--confirm", name(site), *more)


def test_from_a_dropped_database_to_an_application_that_answers_in_two_commands(ready: Site) -> None:
    ready.manage("simulate_failure", "--mode=drop-database", "--confirm", name(ready)).fine()
    listed = ready.manage("list_backups").fine()
    assert "There is no catalogue" in listed.err and "passed at level restore" in listed.out
    done = replace(ready).fine()
    assert "There was none before" in done.out and "nothing to back up first" in done.err
    assert "catalogue" not in done.err
    assert orders(ready) == 1000
    assert ready.manage("list_backups").fine().err == ""
    ready.manage("backup_db").fine()


def test_the_catalogue_forgets_nothing_and_what_was_written_since_is_kept(ready: Site) -> None:
    (backup,), before = ready.backups(), known(ready, FAILED, DELETED)
    left = before[0]
    document = replace(ready, "--json").fine().json
    assert (document["backup"], document["status"], document["verification"]["status"]) == (
        backup,
        "complete",
        "passed",
    )
    assert document["target"] == ready.settings["DATABASES"]["default"]["NAME"] and document["exchange_seconds"] < 5
    count, backups, restores, verifications, checks = known(ready)
    assert count == 1000 > left
    assert backups == sorted([*before[1], [document["safety_backup"], "complete", ""]])
    assert restores == [[document["target"], "complete"]] * 2 and verifications == before[3] + 1 and checks > before[4]
    undone = ready.manage("restore_db", "--undo", "--confirm", name(ready), "--json").fine().json
    assert undone["restored"] == document["kept"] and undone["exchange_seconds"] < 5
    after = known(ready)
    assert (after[0], after[1], after[3]) == (left, backups, verifications)
    # Its own proof does not hide what it is.
    ready.manage("verify_backup", document["safety_backup"], "--level=signature").fine()
    listed = ready.manage("list_backups").fine().out.splitlines()
    (safety,) = [line for line in listed if line.endswith("taken before a replacement")]
    assert safety.startswith(document["safety_backup"]) and "passed at level signature; taken" in safety
    told = ready.manage("list_backups", "--restores", "--json").fine().json
    # All may have begun within one second, so their order is not asked.
    lines = {line["kind"]: (line["id"], line["kept"]) for line in told}
    assert len(told) == 3 and lines["copy"][1] == ""
    assert lines["undoing"] == (undone["id"], undone["kept"])
    assert lines["replacement"] == (document["id"], document["kept"])
    # Neither the chain nor the catalogue takes the other for a stranger.
    ready.manage("backup_db", "--verify=signature").fine()


def test_it_asks_for_the_name_and_shows_what_it_would_do(ready: Site) -> None:
    before = ready.tree("storage")
    ready.manage("restore_db", "--replace").refused("has to be typed", f"--confirm {name(ready)}")
    replace_other = ready.manage("restore_db", "--replace", "--confirm", "other")
    replace_other.refused("is not the name of the database", name(ready))
    ready.manage("restore_db", "--undo", "--confirm", name(ready)).refused("no database that was kept", "--replace")
    plan = ready.manage("restore_db", "--replace", "--dry-run").fine().out
    assert plan.startswith("Back up what can still be read") and "restore_db --undo puts it back" in plan
    assert "lifeboat_" not in plan and plan.endswith("Nothing was changed: this is the plan alone.\n")
    assert ready.tree("storage") == before and len(ready.backups()) == 1
