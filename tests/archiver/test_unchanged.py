"""A backup of PostgreSQL reads what has changed, names the rest again, and now and then reads everything to compare."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backups.contents import Contents
from backups.engines.postgresql.snapshot import PostgreSQLSnapshot
from backups.facts import EVERYTHING
from backups.repository import damage
from tests.archiver.conftest import Items, items_in
from tests.databases import Server, database

MARKERS = "CREATE TABLE backups_marker (token varchar(32) PRIMARY KEY, created timestamptz NOT NULL)"


@pytest.fixture
def marked(postgresql_18: Server, tmp_path: Path) -> Iterator[Items]:
    """A hundred items in ten chunks, in a database that has a place for markers."""
    with database(postgresql_18) as engine:
        items = items_in(engine, tmp_path)
        items.run(MARKERS)
        items.insert(range(1, 101))
        yield items


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables whose rows are read, one for each reading; tables of which no row is left out are read whole."""
    found: list[str] = []
    lines, texts, whole = PostgreSQLSnapshot.lines, PostgreSQLSnapshot.texts, PostgreSQLSnapshot.whole

    def noted_lines(self: Any, table: Any, span: Any = EVERYTHING) -> Any:
        found.append(f"{table.name} beyond" if span.after else table.name)
        return lines(self, table, span)

    def noted_texts(self: Any, table: Any, spans: Any, largest: int) -> Any:
        found.extend(f"{table.name} range" for _ in spans)
        return texts(self, table, spans, largest)

    def noted_whole(self: Any, tables: Any) -> Any:
        for table, text in zip(tables, whole(self, tables), strict=True):
            if text is not None:
                found.append(table.name)
            yield text

    monkeypatch.setattr(PostgreSQLSnapshot, "whole", noted_whole)
    monkeypatch.setattr(PostgreSQLSnapshot, "lines", noted_lines)
    monkeypatch.setattr(PostgreSQLSnapshot, "texts", noted_texts)
    return found


def of_items(read: list[str]) -> list[str]:
    """Return what was read of items, and forget it."""
    found = [reading for reading in read if reading.startswith("items")]
    read.clear()
    return found


def test_a_table_without_a_change_is_not_read(marked: Items, read: list[str]) -> None:
    first = marked.back_up(full_every=30)
    assert of_items(read) == ["items"]
    second = marked.back_up(full_every=30)
    assert of_items(read) == []
    assert marked.names(second) == marked.names(first)
    assert (first.manifest.unread, second.manifest.unread) == (0, 1)
    assert second.manifest.totals.rows == first.manifest.totals.rows
    recorded = [Contents(marked.repository, backup.manifest).part("witness") for backup in (first, second)]
    assert recorded[0] == recorded[1]


def test_only_ranges_with_a_change_are_read_and_what_is_beyond_the_last(marked: Items, read: list[str]) -> None:
    first = marked.back_up(full_every=30)
    of_items(read)
    marked.run("UPDATE items SET word = 'changed' WHERE id IN (25, 61)", "DELETE FROM items WHERE id = 42")
    marked.insert([101])
    second = marked.back_up(full_every=30)
    assert of_items(read) == ["items range"] * 3 + ["items beyond"]
    kept = [name for name in marked.names(second) if name in marked.names(first)]
    assert len(kept) == 7
    assert len(marked.lines(second)) == 100
    assert marked.lines(second) == marked.lines(marked.back_up(full=True))


def test_what_is_wrong_with_an_unchanged_range_has_it_read(marked: Items, read: list[str]) -> None:
    first = marked.back_up(full_every=30)
    of_items(read)
    broken = marked.chunks(first)[4]
    damage.note(marked.repository, broken.name, "it is missing")
    marked.repository.objects.delete(broken.name)
    second = marked.back_up(full_every=30)
    assert of_items(read) == ["items range", "items beyond"]
    assert marked.lines(second) == marked.lines(second)
    assert marked.names(second)[4] != broken.name


@pytest.mark.parametrize(
    "change",
    ["DELETE FROM backups_marker", "ALTER TABLE items ALTER word TYPE varchar(8000)"],
    ids=["the marker is lost", "the definition is another"],
)
def test_everything_is_read_where_the_signal_does_not_hold(marked: Items, read: list[str], change: str) -> None:
    marked.back_up(full_every=30)
    of_items(read)
    marked.run(change)
    second = marked.back_up(full_every=30)
    assert of_items(read) == ["items range"] * 10 + ["items beyond"]
    assert second.manifest.totals.new_chunks == 0


def test_every_so_many_backups_read_everything(marked: Items, read: list[str]) -> None:
    readings = []
    for _ in range(7):
        marked.back_up(full_every=3)
        readings.append(bool(of_items(read)))
    assert readings == [True, False, False, True, False, False, True]


def test_full_reads_everything_and_alarms_where_the_rows_are_others(
    marked: Items, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As they are where the disk has changed them, or where the rule were wrong."""
    marked.back_up(full_every=30)
    marked.run("UPDATE items SET word = 'changed behind its back' WHERE id = 35")
    told = PostgreSQLSnapshot.unchanged

    def lies(self: Any, table: Any, since: Any, ranges: Any) -> Iterator[bool]:
        return (True for _ in told(self, table, since, ranges))

    monkeypatch.setattr(PostgreSQLSnapshot, "unchanged", lies)
    of_items(read)
    full = marked.back_up(full=True, full_every=30)
    assert len(of_items(read)) == 11
    (alarm,) = full.manifest.alarms
    assert "public.items from 31 to 40" in alarm
    assert any(b"behind its back" in line for line in marked.lines(full))


def test_full_says_nothing_where_nothing_is_wrong(marked: Items) -> None:
    marked.back_up(full_every=30)
    marked.run("UPDATE items SET word = 'changed' WHERE id = 35")
    assert marked.back_up(full=True, full_every=30).manifest.alarms == ()


def test_what_dangles_between_unchanged_tables_is_counted_again_only_where_a_key_is_new(
    marked: Items, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []
    orphans = PostgreSQLSnapshot.orphans

    def noted(self: Any, tables: Any, settled: Any = ()) -> Any:
        asked.append(set(settled))
        return orphans(self, tables, settled)

    monkeypatch.setattr(PostgreSQLSnapshot, "orphans", noted)

    def dangling() -> dict[tuple[str, ...], int]:
        return {found.columns: found.rows for found in marked.back_up(full_every=30).manifest.orphans}

    marked.run(
        "CREATE TABLE notes (id integer PRIMARY KEY, item integer, other integer)",
        "INSERT INTO notes SELECT n, n, n + 1 FROM generate_series(1, 102) n",
        "ALTER TABLE notes ADD FOREIGN KEY (item) REFERENCES items NOT VALID",
    )
    assert dangling() == {("item",): 2}
    assert dangling() == {("item",): 2}
    marked.run("ALTER TABLE notes ADD FOREIGN KEY (other) REFERENCES items NOT VALID")
    assert dangling() == {("item",): 2, ("other",): 3}
    marked.run("SET session_replication_role = replica", "DELETE FROM items WHERE id IN (5, 6)")
    assert dangling() == {("item",): 4, ("other",): 5}
    both = {"public.items", "public.notes"}
    assert asked == [set(), both, set(), {"public.notes"}]
