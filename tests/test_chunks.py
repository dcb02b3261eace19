"""Where tables are cut: properties that hold for every table, and the rules for boundaries one by one."""

from hypothesis import given
from hypothesis import strategies as st

from backups.chunks import Cutter, Limits, Piece, page_is_full, split_lines

LIMITS = Limits(target=100, largest=400, small_table=20, page=8)


def line(size: int) -> bytes:
    return b"x" * (size - 1) + b"\n"


def cut(sizes: list[int], rows: int = 0) -> list[Piece]:
    cutter = Cutter(rows, LIMITS)
    pieces = [piece for size in sizes if (piece := cutter.add(line(size)))]
    rest = cutter.finish()
    return [*pieces, rest] if rest else pieces


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(0, 7))
def test_every_line_is_in_one_piece_in_its_order(sizes, rows):
    plain = b"".join(line(size) for size in sizes)
    assert b"".join(piece.plaintext() for piece in cut(sizes, rows)) == plain


@given(st.lists(st.integers(1, 600), max_size=60), st.integers(0, 7))
def test_no_piece_is_above_the_limit_but_for_a_single_larger_row(sizes, rows):
    assert all(piece.size <= LIMITS.largest or piece.rows == 1 for piece in cut(sizes, rows)[:-1])


def test_the_first_bytes_decide_how_many_rows_make_a_chunk():
    assert [piece.rows for piece in cut([10] * 35)] == [10, 10, 10, 5]


def test_a_known_number_of_rows_is_kept_whatever_their_size():
    assert [piece.rows for piece in cut([1] * 9, rows=4)] == [4, 4, 1]


def test_an_inherited_range_may_grow_to_twice_the_rows():
    cutter = Cutter(4, LIMITS)
    cutter.inherit()
    pieces = [cutter.add(line(1)) for _ in range(9)]
    assert [piece.rows for piece in pieces if piece] == [8]


def test_a_boundary_of_the_parent_cuts():
    cutter = Cutter(4, LIMITS)
    cutter.inherit()
    for _ in range(3):
        assert cutter.add(line(1)) is None
    piece = cutter.boundary()
    assert piece is not None and piece.rows == 3


def test_a_range_that_shrank_below_a_quarter_merges_with_its_neighbour():
    cutter = Cutter(8, LIMITS)
    cutter.inherit()
    cutter.add(line(1))
    assert cutter.boundary() is None
    for _ in range(5):
        cutter.add(line(1))
    piece = cutter.boundary()
    assert piece is not None and piece.rows == 6


@given(
    st.lists(st.lists(st.integers(1, 200), min_size=1, max_size=8), max_size=12),
    st.integers(0, 7),
    st.booleans(),
    st.booleans(),
)
def test_many_lines_at_once_are_cut_as_the_lines_one_by_one_are(texts, rows, inherited, joined):
    one_by_one, whole = Cutter(rows, LIMITS), Cutter(rows, LIMITS)
    found, expected = [], []
    for sizes in texts:
        lines = [line(size) for size in sizes]
        if inherited:
            one_by_one.inherit()
            whole.inherit()
        expected += filter(None, map(one_by_one.add, lines))
        found += whole.add_text(b"".join(lines)) if joined else whole.add_lines(lines)
        if inherited:
            expected += filter(None, [one_by_one.boundary()])
            found += filter(None, [whole.boundary()])
    expected += filter(None, [one_by_one.finish()])
    found += filter(None, [whole.finish()])
    assert [(p.plaintext(), p.rows, p.size) for p in found] == [(p.plaintext(), p.rows, p.size) for p in expected]


def test_a_piece_knows_its_first_and_last_line_however_it_was_put_together():
    piece = Piece()
    for text, rows in ((b"a\nb\n", 2), (b"c\n", 1), (b"d\ne\n", 2)):
        piece.add(text, rows)
    assert (piece.first, piece.last, piece.rows) == (b"a\n", b"e\n", 5)


def test_an_empty_range_is_no_piece():
    cutter = Cutter(4, LIMITS)
    assert cutter.boundary() is None
    assert cutter.finish() is None


def test_pages_end_at_inherited_boundaries_or_at_twice_their_size():
    assert page_is_full(3, at_boundary=True, limits=LIMITS)
    assert not page_is_full(1, at_boundary=True, limits=LIMITS)
    assert not page_is_full(15, at_boundary=False, limits=LIMITS)
    assert page_is_full(16, at_boundary=False, limits=LIMITS)


def test_pages_without_boundaries_to_inherit_are_left_room_to_grow():
    assert not page_is_full(7, at_boundary=False, limits=LIMITS, inherited=False)
    assert page_is_full(8, at_boundary=False, limits=LIMITS, inherited=False)


def test_a_range_that_ends_where_the_parents_did_is_cut_there_though_it_is_full():
    cutter = Cutter(4, LIMITS)
    cutter.inherit()
    assert [cutter.add(line(1)) for _ in range(8)] == [None] * 8
    piece = cutter.boundary()
    assert piece is not None and piece.rows == 8


def test_a_range_of_few_but_large_rows_is_no_rest_to_be_merged():
    cutter = Cutter(40, LIMITS)
    cutter.inherit()
    cutter.add(line(300))
    piece = cutter.boundary()
    assert piece is not None and piece.rows == 1


def test_a_rest_of_a_table_that_never_filled_a_chunk_merges_with_what_comes():
    cutter = Cutter(0, LIMITS)
    cutter.inherit()
    cutter.add(line(20))
    assert cutter.boundary() is None
    cutter.add(line(20))
    piece = cutter.boundary()
    assert piece is not None and piece.rows == 2


@given(st.lists(st.text(st.characters(exclude_characters="\n", exclude_categories=["Cs"])), max_size=20))
def test_only_a_line_feed_parts_lines(texts):
    lines = [f"{text}\u2028\x85\r\n".encode() for text in texts]
    assert list(split_lines(b"".join(lines))) == lines
