"""``diff_backup``: what a person reads, the JSON, and the exit statuses."""

import sqlite3
from contextlib import closing

import pytest

from tests.commands.site import Site

KEYS = ["a", "b", "added", "changed", "deleted", "same", "tables", "chunks_read"]
TABLE_KEYS = [
    "table", "model", "added", "changed", "deleted", "columns_added", "columns_removed", "rows", "not_compared",
]  # fmt: skip


def execute(site: Site, *statements: str) -> None:
    with closing(sqlite3.connect(site.database)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


@pytest.fixture
def changed(backed_up: Site) -> Site:
    execute(backed_up, "UPDATE shop_customer SET name = 'Zoë' WHERE id = 5", "DELETE FROM shop_order WHERE id = 17")
    return backed_up


def test_since_the_newest_backup(changed: Site) -> None:
    before = changed.tree()
    done = changed.manage("diff_backup", "latest").fine()
    lines = done.out.splitlines()
    assert "shop_customer: 0 added, 1 changed, 0 deleted" in lines and "  - 17" in lines
    assert any(line.startswith("  ~ 5  name: ") and line.endswith(" → Zoë") for line in lines)
    assert "→ live: 0 rows added, 1 changed, 1 deleted;" in lines[-1]
    assert any(line.startswith("Not compared: ") and "django_session" in line for line in lines)
    assert changed.tree() == before


def test_the_document(changed: Site) -> None:
    document = changed.manage("diff_backup", "latest", "--json", "--table", "shop.customer").fine().json
    assert list(document) == KEYS and document["b"] == "live"
    (table,) = document["tables"]
    assert list(table) == TABLE_KEYS
    assert [(row["change"], row["pk"]) for row in table["rows"]] == [("changed", 5)]
    assert [field["field"] for field in table["rows"][0]["fields"]] == ["name"]


def test_two_backups_and_counts_alone(changed: Site) -> None:
    changed.manage("backup_db").fine()
    first, second = changed.backups()
    done = changed.manage("diff_backup", first, second, "--stat").fine()
    assert "shop_order: 0 added, 0 changed, 1 deleted" in done.out and "~" not in done.out
    same = changed.manage("diff_backup", second, "live").fine()
    assert "0 rows added, 0 changed, 0 deleted" in same.out


def test_without_a_database_two_backups_can_still_be_compared(changed: Site) -> None:
    changed.manage("backup_db").fine()
    changed.database.unlink()
    first, second = changed.backups()
    assert "1 changed, 1 deleted" in changed.manage("diff_backup", first, second).fine().out
    changed.manage("diff_backup", first).refused("is not there")
    assert not changed.database.exists()


def test_a_table_whose_key_is_another_now_is_a_problem(changed: Site) -> None:
    execute(changed, "ALTER TABLE shop_order RENAME COLUMN id TO ident")
    changed.manage("diff_backup", "latest").found("shop_order was not compared: its key was id, and is ident now.")


@pytest.mark.parametrize(
    ("words", "said"),
    [(["nope"], "There is no backup 'nope'"), (["latest", "--table=shop.nope"], "There is no table 'shop.nope'")],
)
def test_what_is_not_there_is_refused(backed_up: Site, words: list[str], said: str) -> None:
    backed_up.manage("diff_backup", *words).refused(said)
