"""``recover_rows``: the plan, the question, the exit statuses, and one row back as a person would bring it."""

import os
import pty
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import Any

import pytest

from tests.commands.site import ROOT, Site

PLAN_KEYS = [
    "backup", "rows", "insert", "update", "unchanged", "overwrite", "left_out", "chunks_read", "chunks", "written", "id",
]  # fmt: skip
RESTORE_KEYS = [
    "id", "kind", "status", "backup", "started", "target", "kept", "rows", "requested_by", "requested_via", "error", "contents",
]  # fmt: skip
ROW_KEYS = ["table", "model", "pk", "action", "why", "fields"]


def execute(site: Site, *statements: str) -> None:
    with closing(sqlite3.connect(site.database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def fetch(site: Site, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(site.database)) as connection:
        return connection.execute(query).fetchall()


SHOP = "SELECT * FROM shop_customer ORDER BY id", "SELECT * FROM shop_order ORDER BY id"


@pytest.fixture
def bereft(backed_up: Site) -> Site:
    """A site that has lost a customer with its orders."""
    execute(backed_up, "DELETE FROM shop_order WHERE customer_id = 7", "DELETE FROM shop_customer WHERE id = 7")
    return backed_up


def test_it_prints_what_it_would_do_and_does_nothing(bereft: Site) -> None:
    before = bereft.tree()
    done = bereft.manage("recover_rows", "latest", "shop.customer", "7", "--with-children", "--dry-run").fine()
    assert "insert    shop_customer 7" in done.out and "(child)" in done.out and "chunks read: " in done.out
    document = bereft.manage("recover_rows", "latest", "shop.customer", "7", "--dry-run", "--json").fine().json
    assert list(document) == PLAN_KEYS and list(document["rows"][0]) == ROW_KEYS
    assert (document["insert"], document["written"], document["rows"][0]["pk"]) == (1, 0, 7)
    assert bereft.tree() == before


def test_a_customer_and_its_orders_are_as_they_were(bereft: Site, backed_up: Site, tmp_path: Any) -> None:
    orders = bereft.manage("recover_rows", "latest", "shop.customer", "7", "--with-children", "--yes", "--json").fine()
    written = orders.json["written"]
    assert written == orders.json["insert"] > 1
    (told,) = bereft.manage("list_backups", "--restores", "--json").fine().json
    assert list(told) == RESTORE_KEYS
    by_table = {"shop_customer": {"insert": 1}, "shop_order": {"insert": written - 1}}
    assert (told["id"], told["rows"], told["contents"]) == (orders.json["id"], written, by_table)
    shown = bereft.manage("list_backups", "--restores").fine().out
    assert f"shop_customer: 1 insert, shop_order: {written - 1} insert" in shown and "command" in shown
    live = bereft.database.with_name("away.sqlite3")
    bereft.database.rename(live)
    alone = bereft.manage("list_backups", "--restores", "--json").fine()
    begun = told["started"].partition(".")[0]
    assert [{**line, "started": line["started"][: len(begun)]} for line in alone.json] == [{**told, "started": begun}]
    assert "There is no catalogue" in alone.err
    live.rename(bereft.database)
    restored = tmp_path / "whole.sqlite3"
    bereft.manage("restore_db", "--to", str(restored)).fine()
    with closing(sqlite3.connect(restored)) as whole:
        for query in SHOP:
            assert fetch(bereft, query) == whole.execute(query).fetchall()


def test_without_a_terminal_or_a_yes_nothing_is_written(bereft: Site) -> None:
    before = bereft.tree()
    bereft.manage("recover_rows", "latest", "shop.customer", "7").refused("Nobody can be asked", "--yes")
    assert bereft.tree() == before


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_on_a_terminal_it_shows_the_plan_and_asks(bereft: Site, answer: str) -> None:
    leader, follower = pty.openpty()
    with os.fdopen(leader, "w") as keyboard:
        command = [sys.executable, str(ROOT / "manage.py"), "recover_rows", "latest", "shop.customer", "7"]
        process = subprocess.Popen(
            command, stdin=follower, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
            env=bereft.environment(),
        )  # fmt: skip
        os.close(follower)
        keyboard.write(f"{answer}\n")
        keyboard.flush()
        out, err = process.communicate(timeout=60)
    assert "insert    shop_customer 7" in err and "Type yes:" in err
    if answer == "yes":
        assert process.returncode == 0 and out == "Rows written to default: 1.\n"
    else:
        assert process.returncode == 1 and "nobody said yes" in err
    assert fetch(bereft, "SELECT count(*) FROM shop_customer WHERE id = 7") == [(int(answer == "yes"),)]


def test_what_is_live_with_other_values_is_left_and_told(bereft: Site) -> None:
    execute(bereft, "UPDATE shop_customer SET name = 'spoilt' WHERE id = 8")
    asked = ("recover_rows", "latest", "shop.customer", "7", "8", "--yes")
    bereft.manage(*asked).found("left as they are: 1 of the rows, shop_customer 8", "--overwrite")
    assert fetch(bereft, "SELECT id, name = 'spoilt' FROM shop_customer WHERE id IN (7, 8)") == [(7, 0), (8, 1)]
    done = bereft.manage(*asked, "--overwrite").fine()
    assert "name: is spoilt, was " in done.out and "Rows written to default: 1." in done.out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nope", "shop.customer", "1"], "There is no backup 'nope'"),
        (["latest", "shop.nope", "1"], "has no table for 'shop.nope'"),
        (["latest", "shop.customer", "x"], "'x' is no integer, which id is"),
        (["latest", "shop.customer", "99999"], "holds no row 99999 of shop_customer"),
    ],
)
def test_what_is_not_there_is_refused_with_a_sentence(backed_up: Site, words: list[str], said: str) -> None:
    before = backed_up.tree()
    backed_up.manage("recover_rows", *words, "--yes").refused(said)
    assert backed_up.manage("recover_rows", *words, "--yes", "--json").json["error"]
    assert backed_up.tree() == before


def test_without_the_live_database_it_makes_none(backed_up: Site) -> None:
    backed_up.database.unlink()
    backed_up.manage("recover_rows", "latest", "shop.customer", "1", "--yes").refused("is not there")
    assert not backed_up.database.exists()
