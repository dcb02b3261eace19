"""The verb *diff*: what it finds is what a plain comparison of all rows finds, and what did not change is not read."""

import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backups.comparison import Difference
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, SourceError, UnknownBackup
from backups.services.diff import diff_backup
from tests.services.helpers import back_up
from tests.yard import add_orders, execute

Lines = dict[str, list[bytes]]

WORDS = "CREATE TABLE words (word varchar(60) NOT NULL PRIMARY KEY, n integer)"


def lines_of(engine: Engine) -> Lines:
    with engine.snapshot() as snapshot:
        return {table.name: list(snapshot.lines(table)) for table in snapshot.tables()}


def counts(difference: Difference) -> dict[str, tuple[int, int, int]]:
    """Added, changed, deleted, of the tables that differ."""
    found = [each for each in difference.tables if each.differs]
    return {each.table.name: (each.added, each.changed, each.deleted) for each in found}


def plainly(then: Lines, now: Lines) -> dict[str, tuple[int, int, int]]:
    """The same by sets of lines: a row is known by what stands before its fields."""
    found = {}
    for name in then.keys() | now.keys():
        before, after = then.get(name, []), now.get(name, [])
        if name == "readings":
            gone, came = Counter(before) - Counter(after), Counter(after) - Counter(before)
            result = (came.total(), 0, gone.total())
        else:
            old, new = ({line.partition(b',"fields"')[0]: line for line in each} for each in (before, after))
            changed = sum(old[key] != new[key] for key in old.keys() & new.keys())
            result = (len(new.keys() - old.keys()), changed, len(old.keys() - new.keys()))
        if any(result) and name not in ("backups_backup", "django_session"):
            found[name] = result
    return found


def fill_words(engine: Engine) -> None:
    """Add a table whose order only the database knows."""
    rows = ", ".join(f"('{letter}{n % 40} {n}', {n})" for n in range(700) for letter in "aöB")
    execute(engine, WORDS, f"INSERT INTO words VALUES {rows}")


def disturb(engine: Engine, seed: int) -> None:
    """Change, delete and add some rows of each table."""
    lots = random.Random(seed)
    for _ in range(4):
        at = lots.randrange(1, 80)
        execute(engine, f"UPDATE shop_order SET amount = amount + 1 WHERE id = {at}")
        low = lots.randrange(1, 80)
        execute(engine, f"DELETE FROM shop_order WHERE id BETWEEN {low} AND {low + lots.randrange(3)}")
        execute(engine, f"UPDATE words SET n = -n WHERE n = {lots.randrange(700)}")
        low = lots.randrange(700)
        execute(engine, f"DELETE FROM words WHERE n BETWEEN {low} AND {low + lots.randrange(60)}")
        execute(engine, f"INSERT INTO words VALUES ('m{lots.random()}', 1), ('z{lots.random()}', 2)")
        execute(engine, f"UPDATE readings SET reading = {lots.randrange(5)} WHERE sensor = {lots.randrange(4)}")
    start = 1000 + seed * 100
    add_orders(engine.alias, range(start, start + lots.randrange(1, 40)))


@pytest.mark.parametrize("seed", [1])
def test_two_backups_and_the_live_database(any_yard: Engine, seed: int) -> None:
    fill_words(any_yard)
    first, before = back_up(any_yard).committed.manifest.run, lines_of(any_yard)
    disturb(any_yard, seed)
    second, after = back_up(any_yard).committed.manifest.run, lines_of(any_yard)
    expected = plainly(before, after)
    assert {"shop_order", "words", "readings"} <= expected.keys()
    assert counts(diff_backup(any_yard.alias, first, second).difference) == expected
    assert counts(diff_backup(any_yard.alias, first).difference) == expected
    backwards = {name: (deleted, changed, added) for name, (added, changed, deleted) in expected.items()}
    assert counts(diff_backup(any_yard.alias, second, first).difference) == backwards
    for same in (diff_backup(any_yard.alias, second, "latest"), diff_backup(any_yard.alias, second)):
        assert counts(same.difference) == {} and same.difference.problems() == []


def test_what_did_not_change_is_not_read(any_yard: Engine) -> None:
    fill_words(any_yard)
    done = back_up(any_yard).committed.manifest
    assert len(diff_backup(any_yard.alias, done.run, done.run).difference.opened) == 0
    execute(any_yard, "UPDATE shop_order SET amount = amount + 1 WHERE id = 50")
    back_up(any_yard)
    between = diff_backup(any_yard.alias, done.run, "latest").difference
    live = diff_backup(any_yard.alias, done.run, tables=["shop.order"]).difference
    assert counts(between) == counts(live) == {"shop_order": (0, 1, 0)}
    assert len(between.opened) <= 2 and len(live.opened) == 1


def test_each_row_is_told_field_by_field(any_yard: Engine) -> None:
    run = back_up(any_yard).committed.manifest.run
    execute(any_yard, "UPDATE shop_customer SET name = 'Ada' WHERE id = 1", "DELETE FROM shop_order WHERE id = 7")
    told = diff_backup(any_yard.alias, run).difference
    tables = {each["model"]: each for each in told.as_json()["tables"]}
    (row,) = tables["shop.customer"]["rows"]
    assert row == {"change": "changed", "pk": 1, "fields": [{"field": "name", "then": "ada", "now": "Ada"}]}
    (row,) = tables["shop.order"]["rows"]
    fields = {each["field"]: (each["then"], each["now"]) for each in row["fields"]}
    assert (row["change"], row["pk"], fields["quantity"]) == ("deleted", 7, (7, None))
    said = "\n".join(told.sentences(stat=False))
    assert "~ 1  name: ada → Ada" in said and "- 7" in said and "1 rows added" not in said
    assert "~ 1" not in "\n".join(told.sentences(stat=True))


def test_no_more_rows_are_kept_than_are_asked_for(any_yard: Engine) -> None:
    run = back_up(any_yard).committed.manifest.run
    execute(any_yard, "DELETE FROM shop_order")
    (table,) = (each for each in diff_backup(any_yard.alias, run, limit=3).difference.tables if each.differs)
    assert len(table.rows) == 3 and table.deleted > 60
    assert "more; --limit" in "\n".join(table.sentences(stat=False))


def test_columns_and_tables_that_came_and_went(any_yard: Engine) -> None:
    run = back_up(any_yard).committed.manifest.run
    execute(
        any_yard,
        "ALTER TABLE shop_customer DROP COLUMN preferences",
        "ALTER TABLE shop_customer ADD COLUMN rank_now integer DEFAULT 7 NOT NULL",
        "UPDATE shop_customer SET name = 'Ada' WHERE id = 1",
        "DROP TABLE readings",
        WORDS,
        "INSERT INTO words VALUES ('new', 1)",
    )
    found = {each.table.name: each for each in diff_backup(any_yard.alias, run).difference.tables if each.differs}
    customers = found["shop_customer"]
    assert (customers.columns_added, customers.columns_removed) == (("rank_now",), ("preferences",))
    assert (customers.added, customers.changed, customers.deleted) == (0, 1, 0)
    assert (found["readings"].deleted, found["words"].added) == (13, 1)
    back_up(any_yard)
    between = {each.table.name: each for each in diff_backup(any_yard.alias, run, "latest").difference.tables}
    assert {name: (each.added, each.changed, each.deleted) for name, each in found.items()} == {
        name: (each.added, each.changed, each.deleted) for name, each in between.items() if each.differs
    }


def test_rows_that_a_backup_does_not_hold_are_not_said_to_be_new(any_yard: Engine) -> None:
    run = back_up(any_yard).committed.manifest.run
    execute(any_yard, "INSERT INTO django_session VALUES ('a', 'b', '2026-01-01 00:00:00')")
    found = {each.table.name: each for each in diff_backup(any_yard.alias, run).difference.tables}
    assert not found["django_session"].differs and "does not hold the rows" in found["django_session"].reason


def test_too_many_differences_without_an_order_are_a_problem_not_a_lie(
    any_yard: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_words(any_yard)
    run = back_up(any_yard).committed.manifest.run
    execute(any_yard, "DELETE FROM words", "INSERT INTO words VALUES ('other', 1)", "DELETE FROM readings")
    back_up(any_yard)
    monkeypatch.setattr("backups.comparison.walking.MOST_WAITING", 100)
    found = diff_backup(any_yard.alias, run, "latest").difference
    assert sorted(found.problems())[0].endswith("they have no key.") and len(found.problems()) == 2
    assert {each["table"].rpartition(".")[2] for each in found.as_json()["tables"] if each["not_compared"]} >= {"words"}
    # The database itself bounds the ranges.
    assert counts(diff_backup(any_yard.alias, run, tables=["words"]).difference)["words"] == (1, 0, 2100)


@pytest.mark.parametrize(
    ("ask", "error"),
    [
        (lambda alias: diff_backup(alias, "nope"), UnknownBackup),
        (lambda alias: diff_backup(alias, "latest", "nope"), UnknownBackup),
        (lambda alias: diff_backup(alias, "latest", tables=["shop.nope"]), ConfigurationError),
    ],
)
def test_what_is_not_there_is_refused(yard: Engine, ask: Callable[[str], Any], error: type[Exception]) -> None:
    back_up(yard)
    with pytest.raises(error):
        ask(yard.alias)


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"ruined" * 999)])
def test_with_the_live_database_lost_the_next_step_is_told_and_backups_are_compared(yard: Engine, harm: Any) -> None:
    first, second = (back_up(yard).committed.manifest.run for _ in range(2))
    harm(Path(yard.name))
    with pytest.raises(SourceError) as raised:
        diff_backup(yard.alias, "latest")
    assert "diff_backup A B" in raised.value.hint and "restore_db --replace" in raised.value.hint
    assert counts(diff_backup(yard.alias, first, second).difference) == {}
