"""Frames: what goes in comes out, every flipped bit and every bomb is refused, memory is bounded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.repository.frames import FrameError, compress, decompress, zstd


@given(st.binary(max_size=5000))
def test_what_goes_in_comes_out(data):
    assert decompress(compress(data), len(data)) == data


def test_a_frame_states_the_size_of_its_content():
    assert zstd.get_frame_info(compress(b"x" * 5000)).decompressed_size == 5000


@pytest.mark.parametrize(
    "change", [lambda f: f[:-1], lambda f: f + b"x", lambda f: f + f, lambda f: b"", lambda f: b"PK"]
)
def test_what_is_not_one_whole_frame_is_refused(change):
    with pytest.raises(FrameError):
        decompress(change(compress(b"some rows\n" * 100)), 1000)


@pytest.mark.parametrize("claimed", [0, 10, 999, 1001])
def test_another_size_than_the_expected_one_is_refused(claimed):
    with pytest.raises(FrameError):
        decompress(compress(b"some rows\n" * 100), claimed)


def test_a_bomb_takes_no_more_memory_than_was_expected():
    bomb = compress(b"\0" * 50_000_000)
    assert len(bomb) < 10_000
    with pytest.raises(FrameError):
        decompress(bomb, 1000)
