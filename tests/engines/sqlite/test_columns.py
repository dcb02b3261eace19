"""What is stored of a column of cells is what is stored of each of them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.engines.sqlite.cells import stored_of
from backups.engines.sqlite.columns import stored_columns
from backups.rows import Exact
from backups.tables import Column, Table

CELLS = {
    "integer": st.integers(-(2**63), 2**63 - 1).map(str),
    "decimal": st.decimals(allow_nan=False, allow_infinity=False, places=2).map(lambda n: format(n, "f"))
    | st.sampled_from(["5.00", "9007199254740993.00", "1.000000000000000001", "-0.00", "123456789012345", "0.1"]),
    "text": st.text(),
    "date": st.dates().map(str),
    "json": st.sampled_from(["{}", "[1]", '"null"']),
    "datetime": st.datetimes().map(lambda moment: f"{moment.isoformat('T', 'microseconds')}Z"),
    "timestamp": st.datetimes().map(lambda moment: moment.isoformat("T", "microseconds")) | st.just("a\nb"),
    "boolean": st.sampled_from(["true", "false"]),
}
EXACT = st.sampled_from([Exact({"text": "x"}), Exact({"real": "1.5"}), Exact("Infinity")])


@pytest.mark.parametrize("kind", CELLS)
def test_a_column_is_stored_as_its_cells_are(kind):
    column = Column("c", kind, "", "c")
    table = Table("t", "t", (column,))

    @given(st.lists(CELLS[kind], min_size=1) | st.lists(CELLS[kind] | st.none() | EXACT, min_size=1))
    def same(cells):
        (found,) = stored_columns(table, [cells])
        expected = [stored_of(column, cell) for cell in cells]
        assert list(map(repr, found)) == list(map(repr, expected))

    same()


@pytest.mark.parametrize(("kind", "cell"), [("integer", "x"), ("decimal", "NaN"), ("decimal", "x"), ("boolean", "2")])
def test_a_cell_that_does_not_belong_there_is_refused(kind, cell):
    with pytest.raises((ValueError, KeyError, ArithmeticError)):
        stored_columns(Table("t", "t", (Column("c", kind, "", "c"),)), [[cell]])
