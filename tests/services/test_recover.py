"""The verb *recover rows*: what was deleted or spoilt is as it was, what it needs with it, and nothing else is touched."""

import os
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from backups.contents import Contents
from backups.engines.base import Engine, Snapshot
from backups.exceptions import BackupsError, ConfigurationError, EngineMismatch, ObjectDamaged, RestoreError
from backups.facts import Among
from backups.models import Restore
from backups.recovery import Action, Request, Why, plan
from backups.repository import Repository
from backups.repository.events import RECOVERED, events_of
from backups.rows import Decoder, Exact
from backups.services.backup import create_backup
from backups.services.catalog import Asked
from backups.services.diff import diff_backup
from backups.services.recover import plan_recovery, recover_rows
from backups.services.sync import sync_backups
from backups.tables import Table
from shop.models import Customer, Order
from tests.identities import age_identity
from tests.services.helpers import back_up, contents
from tests.yard import entry_of, execute, flip, path_of, query


def request(model: str, *keys: object, **more: Any) -> Request:
    return Request(model, tuple(map(str, keys)), **more)


def delete_customer(engine: Engine, key: int) -> int:
    """Delete a customer with its orders; return how many orders it had."""
    orders, _ = Order.objects.using(engine.alias).filter(customer=key).delete()
    Customer.objects.using(engine.alias).filter(pk=key).delete()
    return orders


def test_a_customer_comes_back_with_the_orders_that_went_along(any_yard: Engine) -> None:
    done = back_up(any_yard)
    before = contents(any_yard)
    gone = delete_customer(any_yard, 1)
    assert gone > 20 and contents(any_yard) != before
    recovered = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, children=True))
    assert recovered.written == gone + 1 == len(recovered.plan.of(Action.INSERT)) == len(recovered.plan.rows)
    assert recovered.plan.rows[0].why == Why.ASKED and {row.why for row in recovered.plan.rows[1:]} == {Why.CHILD}
    assert contents(any_yard) == before
    assert 0 < recovered.plan.chunks_read <= recovered.plan.chunks == done.committed.manifest.totals.chunks
    again = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, children=True))
    assert again.written == 0 and [row.action for row in again.plan.rows] == [Action.UNCHANGED]


def test_who_recovered_what_is_recorded_in_the_catalogue_and_in_storage(any_yard: Engine, catalogue: object) -> None:
    committed = back_up(any_yard).committed
    gone = delete_customer(any_yard, 1)
    execute(any_yard, "UPDATE shop_customer SET name = 'spoilt' WHERE id = 2")
    asked = request("shop.customer", 1, 2, children=True, overwrite=True)
    done = recover_rows(any_yard.alias, "latest", asked, asked=Asked("ada", "command"))
    assert done.notes == done.plan.notes == ()
    customers, orders = (entry_of(committed, name).table.qualified for name in ("shop_customer", "shop_order"))
    by_table = {customers: {"insert": 1, "update": 1}, orders: {"insert": gone}}
    (event,) = events_of(Repository.open(any_yard.alias), committed.manifest.run, committed.digest)
    assert (event.kind, event.run, event.data["contents"]) == (RECOVERED, done.run, by_table)
    assert (event.data["rows"], event.data["tables"], event.data["requested_by"]) == (gone + 2, 2, "ada")
    (row,) = Restore.objects.values("id", "kind", "status", "backup", "target", "rows", "contents", "requested_by")
    assert row == {
        "id": done.run, "kind": "rows", "status": "complete", "backup": committed.manifest.run, "target": any_yard.name,
        "rows": gone + 2, "contents": by_table, "requested_by": "ada",
    }  # fmt: skip
    Restore.objects.all().delete()
    assert sync_backups(any_yard.alias).restores == 1
    assert Restore.objects.values(*row).get() == row
    # Nothing was written, so there is nothing to tell.
    assert recover_rows(any_yard.alias, "latest", asked).run == "" and Restore.objects.count() == 1


def test_a_recovery_that_failed_is_recorded_as_that(yard: Engine, catalogue: object) -> None:
    committed = back_up(yard).committed
    delete_customer(yard, 1)

    def meanwhile(plan: Any) -> bool:
        Customer.objects.using(yard.alias).create(pk=1, name="somebody else", joined=datetime(2026, 1, 2, tzinfo=UTC))
        return True

    with pytest.raises(RestoreError, match="changed by somebody else"):
        recover_rows(yard.alias, "latest", request("shop.customer", 1), agree=meanwhile, asked=Asked("bob"))
    row = Restore.objects.get()
    assert (row.kind, row.status, row.rows, row.requested_by) == ("rows", "failed", 0, "bob")
    assert "changed by somebody else" in row.error and "Run it again" in row.hint
    assert events_of(Repository.open(yard.alias), committed.manifest.run, committed.digest) == []


def test_an_order_brings_the_parent_that_is_missing_and_no_other_row(any_yard: Engine) -> None:
    back_up(any_yard)
    delete_customer(any_yard, 2)
    order = query(any_yard, "SELECT min(id) FROM shop_order")[0][0]
    with any_yard.editor() as editor:
        assert editor.tables()
    lost = plan_recovery(any_yard.alias, "latest", request("shop.order", 1, order))
    assert {(row.table.name, row.why) for row in lost.of(Action.INSERT)} <= {
        ("shop_order", Why.ASKED),
        ("shop_customer", Why.PARENT),
    }
    recover_rows(any_yard.alias, "latest", request("shop.order", 1))
    assert query(any_yard, "SELECT count(*) FROM shop_order WHERE id = 1") == [(1,)]


def test_what_is_live_is_overwritten_only_where_that_was_asked_for(any_yard: Engine) -> None:
    back_up(any_yard)
    before = contents(any_yard)
    execute(any_yard, "UPDATE shop_customer SET name = 'spoilt' WHERE id = 1")
    spoilt = contents(any_yard)
    asked = request("shop.customer", 1, 2)
    kept = recover_rows(any_yard.alias, "latest", asked)
    assert kept.written == 0 and contents(any_yard) == spoilt
    (row,) = kept.plan.kept
    assert [each.as_json() for each in row.fields] == [{"field": "name", "then": "ada", "now": "spoilt"}]
    done = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, 2, overwrite=True))
    assert done.written == 1 and not done.plan.kept and contents(any_yard) == before


def test_nothing_is_written_without_consent(any_yard: Engine) -> None:
    back_up(any_yard)
    delete_customer(any_yard, 1)
    before, shown = contents(any_yard), []
    with pytest.raises(Exception, match="nobody said yes"):
        recover_rows(any_yard.alias, "latest", request("shop.customer", 1), agree=lambda plan: bool(shown.append(plan)))
    assert len(shown) == 1 and contents(any_yard) == before


def test_a_unique_value_that_a_live_row_has_is_named_before_anything_is_written(any_yard: Engine) -> None:
    back_up(any_yard)
    delete_customer(any_yard, 1)
    execute(
        any_yard,
        "UPDATE shop_customer SET email = 'ada@example.org' WHERE id = 4",
    )
    before = contents(any_yard)
    with pytest.raises(RestoreError, match=r"shop_customer 1 cannot come back: the live row 4 has the same email"):
        plan_recovery(any_yard.alias, "latest", request("shop.customer", 1))
    assert contents(any_yard) == before


def test_two_rows_that_change_places_are_no_conflict_of_each_other(any_yard: Engine) -> None:
    back_up(any_yard)
    execute(any_yard, "UPDATE shop_customer SET name = 'dan', email = 'x@example.org' WHERE id = 4")
    assert recover_rows(any_yard.alias, "latest", request("shop.customer", 4, overwrite=True)).written == 1


def test_a_row_whose_parent_is_nowhere_is_refused_with_a_sentence(any_yard: Engine) -> None:
    execute(any_yard, "DELETE FROM shop_customer WHERE id = 2", guarded=False)
    back_up(any_yard)
    order = query(any_yard, "SELECT min(id) FROM shop_order WHERE customer_id = 2")[0][0]
    execute(any_yard, f"DELETE FROM shop_order WHERE id = {order}")
    before = contents(any_yard)
    with pytest.raises(
        RestoreError, match=rf"shop_order {order} points by customer_id at \S*shop_customer 2, which neither"
    ):
        recover_rows(any_yard.alias, "latest", request("shop.order", order))
    assert contents(any_yard) == before


def test_rows_that_the_backup_does_not_hold_are_named(any_yard: Engine) -> None:
    back_up(any_yard)
    with pytest.raises(RestoreError, match=r"holds no row 3; 99 of \S*shop_customer\."):
        recover_rows(any_yard.alias, "latest", request("shop.customer", 1, 3, 99))
    execute(any_yard, "INSERT INTO django_session VALUES ('a', 'b', '2026-01-01 00:00:00')")
    with pytest.raises(RestoreError, match=r"holds no row a of \S*django_session, whose rows it leaves out"):
        recover_rows(any_yard.alias, "latest", request("sessions.session", "a"))
    for model, match in (("shop.nothing", "no table for 'shop.nothing'"), ("readings", "have no key")):
        with pytest.raises(ConfigurationError, match=match):
            recover_rows(any_yard.alias, "latest", request(model, 1))
    with pytest.raises(ConfigurationError, match="'one' is no integer, which id is"):
        recover_rows(any_yard.alias, "latest", request("shop.customer", "one"))


def test_what_somebody_writes_between_plan_and_deed_is_not_lost(any_yard: Engine) -> None:
    back_up(any_yard)
    execute(any_yard, "UPDATE shop_customer SET name = 'spoilt' WHERE id = 1")

    def meanwhile(plan: object) -> bool:
        execute(any_yard, "UPDATE shop_customer SET name = 'newer' WHERE id = 1")
        return True

    with pytest.raises(RestoreError, match="shop_customer 1 was changed by somebody else meanwhile"):
        recover_rows(any_yard.alias, "latest", request("shop.customer", 1, overwrite=True), agree=meanwhile)
    assert query(any_yard, "SELECT name FROM shop_customer WHERE id = 1") == [("newer",)]


def test_the_next_insert_of_the_project_works(any_yard: Engine) -> None:
    using = any_yard.alias
    back_up(any_yard)
    last = Order.objects.using(using).order_by("-pk").values_list("pk", flat=True)[0]
    Order.objects.using(using).filter(pk=last).delete()
    if any_yard.vendor == "postgresql":
        execute(any_yard, "SELECT setval(pg_get_serial_sequence('shop_order', 'id'), 1)")
    recover_rows(using, "latest", request("shop.order", last))
    template = Order.objects.using(using).get(pk=last)
    template.pk, template.number = None, "after"
    template.save(using=using)
    assert template.pk and template.pk > last


def test_columns_that_went_are_named_and_columns_that_came_have_their_defaults(any_yard: Engine) -> None:
    back_up(any_yard)
    delete_customer(any_yard, 1)
    execute(any_yard, "ALTER TABLE shop_customer DROP COLUMN preferences")
    execute(any_yard, "ALTER TABLE shop_customer ADD COLUMN rank_now integer DEFAULT 7 NOT NULL")
    before = contents(any_yard)
    with pytest.raises(RestoreError, match=r"preferences is a column that the live table does not have") as raised:
        recover_rows(any_yard.alias, "latest", request("shop.customer", 1))
    assert "--leave-out" in raised.value.hint and contents(any_yard) == before
    done = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, leave_out=("preferences",)))
    assert done.written == 1 and list(done.plan.left_out.values()) == [("preferences",)]
    assert query(any_yard, "SELECT name, rank_now FROM shop_customer WHERE id = 1") == [("ada", 7)]


def test_a_column_that_the_backup_does_not_know_gets_the_models_default(any_yard: Engine) -> None:
    execute(any_yard, "ALTER TABLE shop_customer DROP COLUMN status")
    execute(any_yard, "ALTER TABLE shop_customer DROP COLUMN preferences")
    back_up(any_yard)
    kind = {"sqlite": "text", "postgresql": "jsonb", "mysql": "longtext"}[any_yard.vendor]
    execute(any_yard, "DELETE FROM shop_order", "DELETE FROM shop_customer")
    execute(any_yard, "ALTER TABLE shop_customer ADD COLUMN status varchar(10)")
    execute(any_yard, f"ALTER TABLE shop_customer ADD COLUMN preferences {kind}")
    recover_rows(any_yard.alias, "latest", request("shop.customer", 1, 2))
    found = Customer.objects.using(any_yard.alias).order_by("pk").values_list("pk", "status", "preferences")
    assert list(found) == [(1, "active", {}), (2, "active", {})]


def test_a_trigger_that_changes_the_row_stops_it(any_yard: Engine) -> None:
    back_up(any_yard)
    delete_customer(any_yard, 1)
    statements = {
        "sqlite": [
            "CREATE TRIGGER loud AFTER INSERT ON shop_customer BEGIN "
            "UPDATE shop_customer SET name = upper(name) WHERE id = new.id; END"
        ],
        "postgresql": [
            "CREATE FUNCTION loud() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN new.name = upper(new.name); RETURN new; END'",
            "CREATE TRIGGER loud BEFORE INSERT ON shop_customer FOR EACH ROW EXECUTE FUNCTION loud()",
        ],
        "mysql": ["CREATE TRIGGER loud BEFORE INSERT ON shop_customer FOR EACH ROW SET new.name = upper(new.name)"],
    }
    execute(any_yard, *statements[any_yard.vendor])
    before = contents(any_yard)
    with pytest.raises(RestoreError, match=r"shop_customer 1 did not come back as it was: name"):
        recover_rows(any_yard.alias, "latest", request("shop.customer", 1))
    assert contents(any_yard) == before


def test_another_engine_is_refused(yard: Engine, settings: Any) -> None:
    back_up(yard)
    with pytest.raises(EngineMismatch, match="taken from sqlite"), yard.editor() as editor:
        repository = Repository.open(yard.alias)
        committed = repository.read_manifest(repository.find("latest").name)
        plan(Contents(repository, committed.manifest), editor, "postgresql", request("shop.customer", 1))


def test_rows_that_point_at_each_other_in_a_circle_come_back_together(any_yard: Engine) -> None:
    later = "DEFERRABLE INITIALLY IMMEDIATE" if any_yard.vendor == "postgresql" else ""
    of_egg = "CREATE TABLE egg (id integer NOT NULL PRIMARY KEY, hen_id integer NOT NULL{})"
    of_hen = "CREATE TABLE hen (id integer NOT NULL PRIMARY KEY, egg_id integer NOT NULL{})"
    if any_yard.vendor == "sqlite":
        execute(any_yard, of_egg.format(" REFERENCES hen (id)"), of_hen.format(" REFERENCES egg (id)"))
    else:
        execute(
            any_yard,
            of_egg.format(""),
            of_hen.format(""),
            f"ALTER TABLE egg ADD CONSTRAINT laid FOREIGN KEY (hen_id) REFERENCES hen (id) {later}",
            f"ALTER TABLE hen ADD CONSTRAINT hatched FOREIGN KEY (egg_id) REFERENCES egg (id) {later}",
        )
    rows = ("INSERT INTO egg VALUES (1, 1), (2, 2)", "INSERT INTO hen VALUES (1, 2), (2, 1)")
    execute(any_yard, *rows, guarded=False)
    back_up(any_yard)
    before = contents(any_yard)
    execute(any_yard, "DELETE FROM egg", "DELETE FROM hen", guarded=False)
    done = recover_rows(any_yard.alias, "latest", request("hen", 1))
    assert done.written == 4 and done.plan.cyclic and contents(any_yard) == before


def test_children_that_point_at_nothing_now_are_told_and_overwritten_on_request(any_yard: Engine) -> None:
    key = "REFERENCES shop_customer (id)" if any_yard.vendor == "sqlite" else ""
    execute(any_yard, f"CREATE TABLE visit (id integer NOT NULL PRIMARY KEY, visitor_id bigint {key})")
    if not key:
        execute(any_yard, "ALTER TABLE visit ADD CONSTRAINT v FOREIGN KEY (visitor_id) REFERENCES shop_customer (id)")
    execute(any_yard, "INSERT INTO visit VALUES (1, 1), (2, 2), (3, 1)")
    back_up(any_yard)
    before = contents(any_yard)
    execute(any_yard, "UPDATE visit SET visitor_id = NULL WHERE id = 1", "UPDATE visit SET visitor_id = 2 WHERE id = 3")
    delete_customer(any_yard, 1)
    kept = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, children=True))
    assert [(row.table.name, row.key, row.why) for row in kept.plan.kept] == [("visit", ("1",), Why.CHILD)]
    assert query(any_yard, "SELECT id, visitor_id FROM visit ORDER BY id") == [(1, None), (2, 2), (3, 2)]
    recover_rows(any_yard.alias, "latest", request("shop.customer", 1, children=True, overwrite=True))
    execute(any_yard, "UPDATE visit SET visitor_id = 1 WHERE id = 3")
    assert contents(any_yard) == before


def test_children_that_cannot_come_back_are_told(any_yard: Engine) -> None:
    key = "REFERENCES shop_customer (id)" if any_yard.vendor == "sqlite" else ""
    execute(any_yard, f"CREATE TABLE visit (at_hour integer, visitor_id bigint {key})")
    if not key:
        execute(any_yard, "ALTER TABLE visit ADD CONSTRAINT v FOREIGN KEY (visitor_id) REFERENCES shop_customer (id)")
    execute(
        any_yard, "INSERT INTO visit VALUES (1, 1)", "CREATE TABLE former (id integer)", "INSERT INTO former VALUES (1)"
    )
    back_up(any_yard)
    execute(any_yard, "DELETE FROM visit", "DROP TABLE former")
    delete_customer(any_yard, 1)
    notes = recover_rows(any_yard.alias, "latest", request("shop.customer", 1, children=True)).plan.notes
    assert len(notes) == 2 and "former" in notes[0] and "visit" in notes[1] and "they have no key" in notes[1]


def test_a_key_that_only_the_models_know_of_is_followed_and_not_insisted_on(yard: Engine) -> None:
    """SQLite forgets a foreign key that its table is made anew without."""
    made = query(yard, "SELECT sql FROM sqlite_master WHERE name = 'shop_order'")[0][0]
    bare = made.replace('REFERENCES "shop_customer" ("id") DEFERRABLE INITIALLY DEFERRED', "")
    assert bare != made
    execute(
        yard,
        "ALTER TABLE shop_order RENAME TO old_order",
        bare,
        "INSERT INTO shop_order SELECT * FROM old_order",
        "DROP TABLE old_order",
        "DELETE FROM shop_customer WHERE id = 2",
    )
    back_up(yard)
    lost = query(yard, "SELECT min(id) FROM shop_order WHERE customer_id = 2")[0][0]
    execute(
        yard, f"DELETE FROM shop_order WHERE customer_id = 1 OR id = {lost}", "DELETE FROM shop_customer WHERE id = 1"
    )
    done = recover_rows(yard.alias, "latest", request("shop.customer", 1, children=True))
    assert done.written > 20
    alone = recover_rows(yard.alias, "latest", request("shop.order", lost))
    assert alone.written == 1 and "comes back all the same" in alone.plan.notes[0]


def test_of_two_at_once_one_is_done_and_the_other_refused(any_yard: Engine) -> None:
    back_up(any_yard)
    before = contents(any_yard)
    delete_customer(any_yard, 1)
    asked = request("shop.customer", 1, children=True)

    def meanwhile(found: object) -> bool:
        assert recover_rows(any_yard.alias, "latest", asked).written > 20
        return True

    with pytest.raises(RestoreError, match="changed by somebody else meanwhile"):
        recover_rows(any_yard.alias, "latest", asked, agree=meanwhile)
    assert contents(any_yard) == before


def test_a_damaged_chunk_is_told_and_costs_no_other_row(yard: Engine) -> None:
    done = back_up(yard).committed
    repository = Repository.open(yard.alias)
    entries = list(Contents(repository, done.manifest).entries(entry_of(done, "shop_order")))
    flip(path_of(repository, entries[1].name))
    lost, other = (int(str(entry.first[0])) for entry in entries[1:3])
    execute(yard, f"DELETE FROM shop_order WHERE id IN ({lost}, {other})")
    with pytest.raises(ObjectDamaged):
        recover_rows(yard.alias, "latest", request("shop.order", lost, other))
    assert query(yard, f"SELECT id FROM shop_order WHERE id IN ({lost}, {other})") == []
    assert recover_rows(yard.alias, "latest", request("shop.order", other)).written == 1


def test_keys_that_the_manifest_keeps_to_itself_are_found_by_whoever_has_an_identity(
    any_yard: Engine, settings: Any, tmp_path: Path
) -> None:
    made = age_identity(tmp_path)
    sealed = {"SIGNING_KEY": "one", "RECIPIENTS": [made.public], "SEAL_KEYS": ["shop.order"]}
    settings.BACKUPS = {**settings.BACKUPS, **sealed}
    first = back_up(any_yard).committed
    assert entry_of(first, "shop_order").keys_sealed
    before = contents(any_yard)
    execute(any_yard, "UPDATE shop_order SET amount = amount + 1 WHERE id = 50")
    gone = delete_customer(any_yard, 1)
    back_up(any_yard)
    asked = request("shop.customer", 1, children=True)
    with pytest.raises(BackupsError, match="identity"):
        recover_rows(any_yard.alias, first.manifest.run, asked)
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": made.path}
    for other in ("latest", "live"):
        found = {t.table.name: t for t in diff_backup(any_yard.alias, first.manifest.run, other).difference.tables}
        assert (found["shop_order"].changed, found["shop_order"].deleted) == (1, gone)
    recover_rows(any_yard.alias, first.manifest.run, asked)
    recover_rows(any_yard.alias, first.manifest.run, request("shop.order", 50, overwrite=True))
    assert contents(any_yard) == before
    told = events_of(Repository.open(any_yard.alias), first.manifest.run, first.digest)
    assert [(event.data["rows"], "contents" in event.data) for event in told] == [(gone + 1, False), (1, False)]


class TestEveryTable:
    """Of tables of the zoo some rows are deleted, and each is the same as before once they have come back.

    One table in five; of every one where the environment says EVERY_TABLE.
    """

    @pytest.mark.slow
    def test_rows_come_back_to_the_byte(self, zoo_database: Engine, catalogue: object) -> None:
        create_backup(zoo_database.alias)
        with zoo_database.snapshot() as snapshot:
            # Of our own tables a backup holds no rows.
            tables = [table for table in snapshot.tables() if table.pk and not table.label.startswith("backups.")]
            taken = {table.qualified: keys for table in tables if (keys := some_keys(snapshot, table))}
            before = {table.qualified: list(snapshot.lines(table)) for table in tables}
            broken = {orphan.table for orphan in snapshot.orphans(tables)}
        refused = {}
        asked = [table for table in tables if table.qualified in taken][:: 1 if "EVERY_TABLE" in os.environ else 5]
        for table in asked:
            keys = taken[table.qualified]
            delete(zoo_database, table, keys)
            try:
                done = recover_rows(
                    zoo_database.alias, "latest", Request(table.qualified, tuple(",".join(key) for key in keys))
                )
            except RestoreError as error:
                refused[table.qualified] = str(error)
            else:
                assert done.written >= len(set(keys)), table.qualified
        with zoo_database.snapshot() as snapshot:
            after = {table.qualified: list(snapshot.lines(table)) for table in asked if table.qualified not in refused}
        # The database's own triggers write more rows into the tables that they keep a record in.
        assert [name for name, lines in after.items() if not set(before[name]) <= set(lines)] == []
        assert len([name for name, lines in after.items() if before[name] == lines]) > len(asked) * 0.8
        assert set(refused) <= broken, refused


def some_keys(snapshot: Snapshot, table: Table) -> list[tuple[str, ...]]:
    """Return the keys of a few rows, without those that cannot be typed."""
    places = [[column.name for column in table.columns].index(name) for name in table.pk]
    rows = [Decoder(table).decode(line) for line in snapshot.lines(table)]
    keys = [tuple(row[place] for place in places) for row in rows]
    fit = [key for key in keys if not any(isinstance(cell, Exact) or "," in str(cell) for cell in key)]
    return [key for key in (*fit[:2], *fit[-2:]) if None not in key]  # type: ignore[misc]


def delete(engine: Engine, table: Table, keys: Collection[tuple[str, ...]]) -> None:
    """Delete rows by their keys, with no foreign key or trigger in the way."""
    among = Among(table.pk, tuple(dict.fromkeys(keys)))
    with closing(engine.connect()) as wrapper, wrapper.cursor() as cursor:
        if engine.vendor == "sqlite":
            from backups.engines.sqlite import reading

            cursor.execute("PRAGMA foreign_keys = OFF")
            condition, values = reading._among(table, among)
            wrapper.connection.execute(f"DELETE FROM {quote(table)} WHERE {condition}", values)
        elif engine.vendor == "postgresql":
            from backups.engines.postgresql import queries

            cursor.execute("SET session_replication_role = replica")
            condition = " AND ".join(queries._among(table, among))
            wrapper.connection.execute(f"DELETE FROM ONLY {quote(table)} WHERE {condition}".encode())
        else:
            from backups.engines.mysql import reading as mysql_reading

            cursor.execute("SET foreign_key_checks = 0, sql_mode = 'ALLOW_INVALID_DATES'")
            cursor.execute(f"DELETE t FROM `{table.name}` AS t WHERE {mysql_reading.condition(table, among)}", None)


def quote(table: Table) -> str:
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' for part in (table.schema, table.name) if part)
