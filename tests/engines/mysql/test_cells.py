"""Cells become literals one by one and many at once, and what does not belong into a column never becomes SQL."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.engines.mysql import cells, text
from backups.rows import Cell, Exact
from backups.tables import Column

LITERALS: list[tuple[str, str, Cell, str]] = [
    ("integer", "bigint(20)", "-9223372036854775808", "-9223372036854775808"),
    ("integer", "year(4)", "0", "0"),
    ("boolean", "tinyint(1)", "true", "1"),
    ("boolean", "tinyint(1)", Exact({"text": "2"}), "'2'"),
    ("decimal", "decimal(10,2)", "-0.50", "-0.50"),
    ("float", "double", "0.1", "0.1e0"),
    ("float", "double", "5e-324", "5e-324"),
    ("text", "longtext", 'it\'s \\ "q" \0\n', "'it\\'s \\\\ \"q\" \0\n'"),
    ("text", "varchar(9)", "NULL", "'NULL'"),
    ("json", "longtext", '{"a": "\\n"}', '\'{"a": "\\\\n"}\''),
    ("json", "longtext", Exact("json null"), "'null'"),
    ("json", "longtext", Exact({"text": "no JSON"}), "'no JSON'"),
    ("binary", "longblob", "AP8=", "X'00ff'"),
    ("binary", "longblob", "", "X''"),
    ("native", "point", "00FF", "X'00ff'"),
    ("uuid", "char(32)", "00000000-0000-0000-0000-00000000000a", "'0000000000000000000000000000000a'"),
    ("uuid", "uuid", "00000000-0000-0000-0000-00000000000a", "'00000000-0000-0000-0000-00000000000a'"),
    ("duration", "bigint(20)", "-P1DT00H00M00.000001S", "-86400000001"),
    ("datetime", "datetime(6)", "2026-11-22T16:43:15.000001Z", "'2026-11-22T16:43:15.000001'"),
    ("timestamp", "datetime", Exact({"text": "0000-00-00 00:00:00"}), "'0000-00-00 00:00:00'"),
    ("time", "time(6)", "16:43:15.000000", "'16:43:15'"),
    ("date", "date", None, "NULL"),
]
MISPLACED: list[tuple[str, str, Cell]] = [
    ("integer", "int", '"1"'),
    ("integer", "int", "1) OR (1=1"),
    ("integer", "int", "1.5"),
    ("boolean", "tinyint(1)", "2"),
    ("decimal", "decimal(10,2)", "1,2"),
    ("decimal", "decimal(10,2)", "1e5"),
    ("decimal", "decimal(10,2)", "12); DROP TABLE x; --"),
    ("float", "double", "0e0) OR (1"),
    ("duration", "bigint", "1 day"),
    ("binary", "blob", "no base64"),
    ("native", "point", "xyz"),
    ("text", "text", Exact({"blob": "AA=="})),
    ("text", "text", Exact("NaN")),
]


@pytest.mark.parametrize(("kind", "type_", "cell", "literal"), LITERALS)
def test_a_cell_becomes_a_literal(kind: str, type_: str, cell: Cell, literal: str) -> None:
    column = Column("c", kind, type_)
    assert cells.writer(column)(cell) == literal
    assert list(cells.columnwise(column)([cell, None, cell])) == [literal, "NULL", literal]
    assert list(cells.columnwise(column)([cell, cell])) == [literal, literal]


@pytest.mark.parametrize(("kind", "type_", "cell"), MISPLACED)
def test_what_does_not_belong_into_a_column_is_refused(kind: str, type_: str, cell: Cell) -> None:
    column = Column("c", kind, type_)
    for others in ([], [None], [cell]):
        with pytest.raises(cells.Misplaced, match="c "):
            cells.columnwise(column)([cell, *others])


def test_numbers_with_zeros_in_front_are_plain_numbers() -> None:
    assert cells.reader(Column("c", "integer", "int(6) unsigned zerofill"))("000042") == "42"
    assert cells.reader(Column("c", "integer", "year(4)"))("0000") == "0"


@pytest.mark.parametrize("kind", ["text", "json", "date", "timestamp", "datetime"])
@given(st.lists(st.text(st.sampled_from("aZ\\'\n\x00é🔔")) | st.none(), min_size=1))
def test_literals_of_a_column_are_those_of_its_cells(kind, found):
    column = Column("c", kind, "text", "c")
    assert list(cells.columnwise(column)(found)) == [cells.columnwise(column)([cell])[0] for cell in found]
    marked = [None if cell is None else f"{cell}Z" for cell in found]
    assert list(cells.columnwise(column)(marked)) == [cells.columnwise(column)([cell])[0] for cell in marked]
    plain = [text.string(cell.removesuffix("Z") if kind == "datetime" else cell) for cell in found if cell is not None]
    assert [cells.columnwise(column)([cell])[0] for cell in found if cell is not None] == plain
