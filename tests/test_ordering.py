"""Python's order of keys is the databases' own, wherever it claims one; the engines are asked for the same pairs."""

from itertools import pairwise

import pytest

from backups.engines.base import Engine
from backups.facts import Key
from backups.ordering import Unordered, ident, order_of
from backups.rows import Decoder, Exact
from backups.tables import Column, Table


def table_of(kind: str, type_: str = "") -> Table:
    return Table("t", "app.t", (Column("id", kind, type_ or kind, "id"),), pk=("id",), key=("id",))


@pytest.mark.parametrize(
    ("kind", "texts"),
    [
        ("integer", ["-10", "-9", "2", "10"]),
        ("decimal", ["-1.50", "0.00", "9.99", "10.00"]),
        ("float", ["-1e+300", "0.5", "2.0", "1e+20"]),
        ("boolean", ["false", "true"]),
        ("datetime", ["1999-12-31T23:59:59.999999Z", "2000-01-01T00:00:00.000000Z"]),
    ],
)
def test_kinds_with_an_order_of_their_own(kind: str, texts: list[str]) -> None:
    order = order_of(table_of(kind), "sqlite")
    assert order is not None and all(order((one,)) < order((other,)) for one, other in pairwise(texts))


def test_what_a_collation_or_the_engine_decides_has_no_order_here() -> None:
    assert order_of(table_of("text"), "postgresql") is None
    assert order_of(table_of("uuid", "uuid"), "mysql") is None
    assert order_of(Table("t", "app.t", ()), "sqlite") is None
    order = order_of(table_of("uuid", "uuid"), "postgresql")
    assert order is not None
    with pytest.raises(Unordered):
        order((Exact({"text": "infinity"}),))


def test_cells_that_cannot_be_keys_of_a_dictionary_are_told_apart() -> None:
    cells = [("a",), ("",), (None,), (Exact("NaN"),), (Exact({"text": "NaN"}),)]
    assert len({ident(cell) for cell in cells}) == len(cells)


@pytest.mark.slow
def test_every_engine_agrees_about_every_table(zoo_database: Engine) -> None:
    """The rows come in the order of the database, so each key is below the next: by Python, and by the engine itself."""
    by_python = asked = 0
    with zoo_database.snapshot() as snapshot, zoo_database.editor() as editor:
        for table in (table for table in snapshot.tables() if table.key):
            places = [[column.name for column in table.columns].index(name) for name in table.key]
            rows = [Decoder(table).decode(line) for line in snapshot.lines(table)][:12]
            keys: list[Key] = [tuple(cell for place in places if (cell := row[place]) is not None) for row in rows]
            order = order_of(table, zoo_database.vendor)
            for one, other in pairwise(keys):
                if order and not any(isinstance(cell, Exact) for cell in (*one, *other)):
                    assert order(one) < order(other), table.qualified
                    by_python += 1
                assert editor.is_below(table, one, other), (table.qualified, one, other)
                assert not editor.is_below(table, other, one), (table.qualified, one, other)
                asked += 1
    assert by_python > 50 and asked > by_python
