"""Rows found among the bytes of a chunk are those that a plain look at each row finds."""

from hypothesis import given
from hypothesis import strategies as st

from backups.rows import Exact, Row, encode
from backups.sieve import Sieve
from backups.tables import Column, Table

COLUMNS = (
    Column("id", "integer", "bigint", "id"),
    Column("owner_id", "integer", "bigint", "owner"),
    Column("word", "text", "text", "word"),
    Column("more", "json", "jsonb", "more"),
)
SINGLE = Table("t", "app.t", COLUMNS, pk=("id",), key=("id",))
DOUBLE = Table("t", "app.t", COLUMNS, pk=("id", "word"), key=("id", "word"))

number = st.integers(-3, 25).map(str)
words = st.sampled_from(['a"b', "\\", "1", '"owner":1,', "\u2028", "é", "", "}\n{"])
more = st.sampled_from(['{"owner":1}', '{"pk":2,"owner":3}', "[]", "12"])
row = st.tuples(number, number | st.none(), words, more | st.none()).map(list)
rows = st.lists(row, max_size=30)


def looked_at(table: Table, found: list[Row], columns: tuple[str, ...], keys: set[tuple[str, ...]]) -> list[Row]:
    places = [[column.name for column in table.columns].index(name) for name in columns]
    return [row for row in found if tuple(row[place] for place in places) in keys]


def chunk(table: Table, found: list[Row]) -> bytes:
    return b"".join(encode(table, row) for row in found)


@given(rows, st.sets(number, max_size=20))
def test_one_column_of_the_key_or_beside_it(found: list[Row], values: set[str]) -> None:
    keys = {(value,) for value in values}
    for table in (SINGLE, DOUBLE):
        for columns in (("id",), ("owner_id",)):
            sieve = Sieve(table, columns, keys)
            assert sorted(map(str, sieve.rows(chunk(table, found)))) == sorted(
                map(str, looked_at(table, found, columns, keys))
            )


@given(rows, st.sets(words, max_size=4))
def test_text_with_all_that_needs_escaping(found: list[Row], values: set[str]) -> None:
    keys = {(value,) for value in values}
    for table in (SINGLE, DOUBLE):
        sieve = Sieve(table, ("word",), keys)
        assert sorted(map(str, sieve.rows(chunk(table, found)))) == sorted(
            map(str, looked_at(table, found, ("word",), keys))
        )


@given(rows, st.sets(st.tuples(number, words), max_size=20))
def test_several_columns(found: list[Row], keys: set[tuple[str, str]]) -> None:
    for columns in (("id", "word"), ("owner_id", "word")):
        sieve = Sieve(DOUBLE, columns, keys)
        assert sorted(map(str, sieve.rows(chunk(DOUBLE, found)))) == sorted(
            map(str, looked_at(DOUBLE, found, columns, keys))
        )


def test_a_value_beside_the_canonical_forms_is_found_too() -> None:
    odd = Exact({"text": "infinity"})
    found: list[Row] = [["1", "2", "a", None], ["2", odd, "b", None]]
    assert list(Sieve(SINGLE, ("owner_id",), [(odd,)]).rows(chunk(SINGLE, found))) == [found[1]]


def test_a_number_is_not_the_beginning_of_another() -> None:
    found: list[Row] = [[str(n), "1" * n, "w", None] for n in range(1, 5)]
    assert list(Sieve(SINGLE, ("owner_id",), [("11",)]).rows(chunk(SINGLE, found))) == [found[1]]
