"""Where chunks and pages end from backup to backup: a change costs what it lies in, and nothing crumbles or cascades."""

import pytest

from backups.chunks import Limits
from backups.verification import Status
from tests.archiver.conftest import Items
from tests.yard import details, prove


@pytest.fixture
def items(file_items: Items) -> Items:
    """Items in a file: what is tested here is the archiver's own, and takes many backups."""
    return file_items


def test_a_change_costs_one_chunk(items):
    items.insert(range(1, 96))
    before = items.names(items.back_up())
    for change in (
        "UPDATE items SET word = 'changed' WHERE id = 35",
        "DELETE FROM items WHERE id = 36",
        "UPDATE items SET word = NULL WHERE id = 31",
    ):
        items.run(change)
        committed = items.back_up()
        after = items.names(committed)
        assert (after[:3], after[4:]) == (before[:3], before[4:]) and after[3] != before[3]
        assert committed.manifest.totals.new_chunks == 1


def test_a_range_that_grew_is_split_and_stays_so(items):
    items.insert(range(0, 1000, 10))
    before = items.names(items.back_up())
    items.insert(n for n in range(301, 340) if n % 10)
    committed = items.back_up()
    # The range from 300 to 390 holds 46 rows now: twice 20, and what is left up to the old boundary.
    assert items.rows(committed) == [10, 10, 10, 20, 20, 6, *[10] * 6]
    after = items.names(committed)
    assert (after[:3], after[6:]) == (before[:3], before[4:])
    again = items.back_up()
    assert again.manifest.totals.new_chunks == 0 and items.names(again) == after


def test_a_range_that_lost_every_row_is_gone(items):
    items.insert(range(1, 101))
    before = items.names(items.back_up())
    items.run("DELETE FROM items WHERE id BETWEEN 31 AND 40")
    committed = items.back_up()
    assert items.names(committed) == before[:3] + before[4:] and committed.manifest.totals.new_chunks == 0


def test_a_chunk_of_exactly_twice_the_rows_is_named_again(items):
    items.insert(range(0, 1000, 10))
    items.back_up()
    items.insert([*range(301, 310), 312])
    grown = items.back_up()
    assert items.rows(grown) == [10, 10, 10, 20, *[10] * 6]
    again = items.back_up()
    assert again.manifest.totals.new_chunks == 0 and items.entry(again) == items.entry(grown)


def test_rows_that_became_large_are_named_again(items):
    """Chunks that are full by bytes with few rows are whole chunks, not rests to be merged."""
    items.insert(range(1, 51))
    items.back_up()
    items.insert(range(100, 110), size=7000)
    grown = items.back_up()
    assert items.rows(grown)[5:] == [1] * 10
    for _ in range(2):
        again = items.back_up()
        assert again.manifest.totals.new_chunks == 0 and items.names(again) == items.names(grown)


def test_a_table_that_grows_a_little_each_time_does_not_crumble(items):
    """Above the size of small tables and below that of one chunk."""
    items.limits = Limits(target=20_000, largest=80_000, small_table=300, page=64)
    for number in range(20):
        items.insert(range(number * 4, number * 4 + 4))
        committed = items.back_up()
    assert len(items.rows(committed)) <= 4 and sum(items.rows(committed)) == 80


def test_a_growing_table_does_not_crumble(items):
    for number in range(30):
        items.insert([number * 2, number * 2 + 1])
        committed = items.back_up()
    # Two rows are less than a quarter of a chunk, so they are merged with those that come after them.
    assert sum(items.rows(committed)) == 60 and min(items.rows(committed)[:-1]) >= 3
    assert prove(items.engine, items.repository, committed).status == Status.PASSED


def test_pages_of_unchanged_entries_are_named_again(items):
    items.insert(range(1, 301))
    first = items.back_up()
    pages = items.entry(first).pages
    assert [page.entries for page in pages] == [4] * 7 + [2]
    items.run("UPDATE items SET word = 'changed' WHERE id = 100")
    second = items.back_up()
    after = items.entry(second).pages
    assert [a.name == b.name for a, b in zip(pages, after, strict=True)] == [True, True, False, *[True] * 5]
    assert items.entry(items.back_up()).pages == after


def test_a_page_that_grew_or_shrank_leaves_the_other_pages_alone(items):
    items.insert(range(0, 4000, 10))
    before = [page.name for page in items.entry(items.back_up()).pages]
    assert len(before) == 10
    items.insert(n for n in range(501, 540) if n % 10)
    items.run("DELETE FROM items WHERE id BETWEEN 2000 AND 2090")
    second = items.back_up()
    pages = items.entry(second).pages
    assert [page.entries for page in pages] == [4, 6, 4, 4, 4, 3, 4, 4, 4, 4]
    changed = [number for number, page in enumerate(pages) if page.name not in before]
    assert changed == [1, 5] and len(pages) == 10
    again = items.back_up()
    assert again.manifest.totals.new_chunks == 0 and items.entry(again).pages == pages
    assert prove(items.engine, items.repository, again).status == Status.PASSED


def test_a_table_goes_from_small_to_large_and_back(items):
    items.insert([1, 2])
    small = items.back_up()
    assert items.entry(small).slice is not None and len(items.lines(small)) == 2
    items.insert(range(3, 60))
    large = items.back_up()
    assert items.entry(large).slice is None and items.rows(large) == [10] * 5 + [9]
    items.run("DELETE FROM items WHERE id > 2")
    again = items.back_up()
    assert items.entry(again).slice is not None and items.lines(again) == items.lines(small)
    items.run("DELETE FROM items")
    empty = items.back_up()
    assert (items.entry(empty).slice, items.rows(empty)) == (None, [])
    items.insert(range(1, 60))
    full = items.back_up()
    for committed in (small, large, again, empty, full):
        result = prove(items.engine, items.repository, committed)
        assert result.status == Status.PASSED, details(result.findings)
