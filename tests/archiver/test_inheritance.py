"""What did not change is named again, whatever key a table has: the server compares the keys of the parent's boundaries."""

from backups.chunks import Limits
from backups.verification import Status
from tests.yard import all_objects, details, execute, prove, query


def test_unchanged_rows_are_named_again(items):
    items.insert(range(1, 96))
    first = items.back_up()
    assert items.rows(first) == [10] * 9 + [5]
    objects = set(all_objects(items.repository))
    for _ in range(2):
        again = items.back_up()
        assert (again.manifest.totals.new_chunks, again.manifest.totals.new_bytes) == (0, 0)
        assert items.entry(again) == items.entry(first)
        objects.add(again.manifest.name)
    assert set(all_objects(items.repository)) == objects


def test_a_row_in_between_costs_one_chunk(items):
    items.insert(n for n in range(1, 96) if n != 35)
    before = items.names(items.back_up())
    items.insert([35])
    after = items.names(items.back_up())
    assert (after[:3], after[4:]) == (before[:3], before[4:])


def test_rows_before_the_first_and_after_the_last_cost_the_chunks_at_the_ends(items):
    items.insert(range(1, 91))
    before = items.names(items.back_up())
    items.insert([-3, -2, -1])
    items.insert(range(200, 215))
    committed = items.back_up()
    assert items.rows(committed) == [13, *[10] * 8, 10, 5]
    assert items.names(committed)[1:9] == before[1:]


def test_a_range_that_shrank_below_a_quarter_is_merged_and_stays_so(items):
    items.insert(range(1, 101))
    before = items.names(items.back_up())
    items.run("DELETE FROM items WHERE id BETWEEN 32 AND 39", "UPDATE items SET word = 'x'  WHERE id IN (31, 40)")
    committed = items.back_up()
    assert items.rows(committed) == [10, 10, 10, 12, *[10] * 5]
    after = items.names(committed)
    assert (after[:3], after[4:]) == (before[:3], before[5:])
    again = items.back_up()
    assert again.manifest.totals.new_chunks == 0 and items.names(again) == after


def test_equal_chunks_are_stored_once(items):
    """Tables without a key may hold the same lines again and again."""
    items.limits = Limits(target=1000, largest=8000, small_table=300)
    items.run("CREATE TABLE twins (word varchar(100))", *["INSERT INTO twins VALUES ('" + "x" * 60 + "')"] * 60)
    committed = items.back_up()
    (twins,) = (entry for entry in committed.manifest.tables if entry.table.name == "twins")
    names = [entry.name for entry in twins.chunks]
    assert len(names) == 7 and len(set(names)) == 2 and twins.rows == 60
    assert committed.manifest.totals.chunks == committed.manifest.totals.new_chunks == 2
    assert len([name for name in all_objects(items.repository) if name.startswith("chunks/")]) == 2
    result = prove(items.engine, items.repository, committed)
    assert result.status == Status.PASSED, details(result.findings)


def test_keys_of_several_columns_are_inherited_in_the_order_of_the_server(items):
    items.run(
        "CREATE TABLE seats (hall varchar(10) NOT NULL, place integer NOT NULL, word varchar(60), PRIMARY KEY (hall, place))"
    )
    rows = [f"('{hall}', {place}, '{'x' * 40}')" for hall in ("a", "B", "ж", "c") for place in range(12)]
    items.run(f"INSERT INTO seats VALUES {', '.join(rows)}")
    first = items.back_up()
    execute(items.engine, "UPDATE seats SET word = 'changed' WHERE hall = 'B' AND place = 7")
    second = items.back_up()
    assert second.manifest.totals.new_chunks == 1
    assert items.back_up().manifest.totals.new_chunks == 0
    for committed in (first, second):
        assert prove(items.engine, items.repository, committed).status == Status.PASSED
    assert query(items.engine, "SELECT count(*) FROM seats") == [(48,)]


def test_tables_without_a_key_keep_their_duplicates(items):
    items.run("CREATE TABLE loose (a integer, b varchar(60))")
    items.run(*(f"INSERT INTO loose VALUES ({n % 5}, '{'x' * 40}')" for n in range(60)))
    first = items.back_up()
    assert items.back_up().manifest.totals.new_chunks == 0
    items.run(f"INSERT INTO loose VALUES (4, '{'x' * 40}'), (9, 'last')")
    second = items.back_up()
    for committed, rows in ((first, 60), (second, 62)):
        result = prove(items.engine, items.repository, committed)
        assert result.status == Status.PASSED, details(result.findings)
        assert [entry.rows for entry in committed.manifest.tables if entry.table.name == "loose"] == [rows]
