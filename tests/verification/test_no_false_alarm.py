"""A backup that is whole passes, on every engine, whatever awkward things are in the database and whatever happened to it."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.backends.db import SessionStore
from django.core.management import call_command

from backups.repository import Repository
from backups.verification import Status, prove_database
from shop.models import Customer, Order
from tests.yard import (
    SMALL,
    add_orders,
    back_up,
    build_yard,
    details,
    entry_of,
    execute,
    named,
    new_repository,
    prove,
    query,
    restored,
)


@pytest.fixture
def repository(tmp_path) -> Repository:
    return new_repository(tmp_path)


def passes(engine, repository, committed):
    """See that a verification at level restore finds nothing, and return it."""
    result = prove(engine, repository, committed)
    assert result.status == Status.PASSED, details(result.findings)
    assert result.restore_seconds is not None
    return result


@pytest.mark.slow
def test_the_zoo_passes_and_what_did_not_change_is_not_stored_again(zoo_database, repository):
    first = back_up(zoo_database, repository)
    passes(zoo_database, repository, first)
    second = back_up(zoo_database, repository)
    dangling = [
        warning for warning in second.manifest.warnings if "the foreign key is broken in the database" in warning
    ]
    assert (second.manifest.totals.new_chunks, list(second.manifest.warnings)) == (0, dangling)
    assert len(dangling) == len(second.manifest.orphans)
    assert second.manifest.tables == first.manifest.tables
    # A FilePathField names what lies on the server anyway.
    files = [u.name for u in second.manifest.uncovered if u.kind == "files"]
    assert len(files) == 1 and files[0].startswith("zoo.") and files[0].endswith(".file")
    passes(zoo_database, repository, second)


def test_the_apps_of_django_pass_with_their_rows(engine, repository):
    using = engine.alias
    for app in ("admin", "auth", "contenttypes", "sessions", "backups"):
        call_command("migrate", app, database=using, verbosity=0)
    user = User.objects.db_manager(using).create_superuser("ada", "ada@example.org", "password")
    kind = ContentType.objects.using(using).create(app_label="shop", model="order")
    allowed = Permission.objects.using(using).create(name="May see", codename="view_order", content_type=kind)
    group = Group.objects.using(using).create(name="readers")
    group.permissions.add(allowed)
    user.groups.add(group)
    session = SessionStore()
    session.model.objects.using(using).create(
        session_key="key", session_data=session.encode({}), expire_date=user.date_joined
    )
    for _ in range(2):
        committed = back_up(engine, repository)
        passes(engine, repository, committed)
    rows = {uncovered.name.rpartition(".")[2]: uncovered.rows for uncovered in committed.manifest.uncovered}
    assert rows["django_session"] == 1 and rows["backups_backup"] == 0
    assert entry_of(committed, "auth_user").rows == 1


def test_backups_pass_whatever_happens_to_the_rows(engine, repository):
    build_yard(engine)
    back_up(engine, repository)
    orders = Order.objects.using(engine.alias)
    for change in (
        lambda: orders.filter(pk__lt=50).update(status="paid"),
        lambda: orders.filter(pk=30).update(id=-30),
        lambda: add_orders(engine.alias, range(200, 260)),
        lambda: orders.filter(pk__gt=5, pk__lt=160).delete(),
        lambda: orders.all().delete(),
    ):
        change()
        passes(engine, repository, back_up(engine, repository))
        assert back_up(engine, repository).manifest.totals.new_chunks == 0


def test_backups_pass_while_the_definition_changes(engine, repository):
    build_yard(engine)
    first = back_up(engine, repository)
    drop = "DROP INDEX shop_order_status_placed" + (" ON shop_order" if engine.vendor == "mysql" else "")
    for statements in (
        ["ALTER TABLE shop_order ADD COLUMN extra integer NULL"],
        ["UPDATE shop_order SET extra = id WHERE id > 40"],
        [drop, "DROP VIEW order_numbers", "CREATE TABLE later (id integer, word varchar(10))"],
        ["INSERT INTO later VALUES (1, 'one')", "DROP TABLE readings"],
    ):
        execute(engine, *statements)
        passes(engine, repository, back_up(engine, repository))
    passes(engine, repository, first)


def test_backups_pass_while_a_model_changes_its_name(engine, repository, monkeypatch):
    build_yard(engine)
    first = back_up(engine, repository)
    with monkeypatch.context() as patch:
        patch.setattr(Order._meta, "model_name", "purchase")
        second = back_up(engine, repository)
        assert entry_of(second, "shop_order").table.label == "shop.purchase"
        assert "shop_order was stored anew" in second.manifest.warnings[0]
        passes(engine, repository, second)
        passes(engine, repository, first)
    passes(engine, repository, second)


def test_an_orphan_that_the_source_had_is_named_and_not_blamed(engine, repository):
    build_yard(engine)
    execute(engine, "UPDATE shop_order SET customer_id = 3 WHERE id IN (30, 31)", guarded=False)
    for _ in range(2):
        committed = back_up(engine, repository)
        (orphans,) = committed.manifest.orphans
        assert (orphans.rows, orphans.columns) == (2, ("customer_id",))
        (warning,) = committed.manifest.warnings
        assert "shop_order 2 rows have a value in customer_id that no row of" in warning
        findings = passes(engine, repository, committed).findings
        (finding,) = (f for f in findings if f.name == "foreign_keys")
        assert (finding.expected, finding.actual) == ("2", "2") and finding.table.endswith("shop_order")
        assert finding.detail.endswith("The source had them already.")


def test_one_orphan_more_than_the_source_had_is_blamed(engine, repository):
    build_yard(engine)
    execute(engine, "UPDATE shop_order SET customer_id = 3 WHERE id = 30", guarded=False)
    committed = back_up(engine, repository)
    with restored(engine, repository, committed) as (contents, target):
        execute(target, "UPDATE shop_order SET customer_id = 3 WHERE id = 31", guarded=False)
        findings = prove_database(contents, target, engine.alias)
    assert named(findings) == {"foreign_keys", "content"}, details(findings)
    assert "(1 / 2)" in details(findings, "foreign_keys")


def test_an_empty_database_passes(engine, repository):
    for _ in range(2):
        committed = back_up(engine, repository)
        assert (committed.manifest.totals.rows, committed.manifest.tables) == (0, ())
        passes(engine, repository, committed)


def test_triggers_of_the_copy_do_not_run_while_it_is_filled(engine, repository):
    build_yard(engine)
    line = "INSERT INTO readings VALUES (9, 9, 'trigger')"
    execute(
        engine,
        *{
            "sqlite": [f"CREATE TRIGGER noting AFTER INSERT ON shop_order BEGIN {line}; END"],
            "mysql": [f"CREATE TRIGGER noting AFTER INSERT ON shop_order FOR EACH ROW {line}"],
            "postgresql": [
                f"CREATE FUNCTION noting() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {line}; RETURN NULL; END$$",
                "CREATE TRIGGER noting AFTER INSERT ON shop_order FOR EACH ROW EXECUTE FUNCTION noting()",
            ],
        }[engine.vendor],
    )
    passes(engine, repository, back_up(engine, repository, SMALL))
    add_orders(engine.alias, [300])
    assert query(engine, "SELECT count(*) FROM readings WHERE noted = 'trigger'") == [(1,)]
    assert Customer.objects.using(engine.alias).count() == 4
