"""Sealed bytes open with their key, in their place, whole; in no other way."""

import pytest

from backups.repository import frames, sealing
from tests.identities import Identity  # noqa: F401 (skips where the extra is missing)

KEY = bytes(range(32))
RUN = "20261122T164315Z-3f9a2c"


class Keys:
    """Keys as a keyring has them."""

    repository = "ab" * 16

    def id_key(self) -> bytes:
        return b"i" * 32

    def key_of(self, kind: str, run: str) -> bytes:
        return KEY


def test_sealed_bytes_are_other_ones_each_time_and_open_to_the_same():
    sealer = sealing.Sealed(Keys())
    first, second = (sealer.seal("chunk", "ab", RUN, b"rows" * 100) for _ in range(2))
    assert first != second and len(first) == len(second)
    assert sealer.open("chunk", "ab", RUN, first, 400) == sealer.open("chunk", "ab", RUN, second, 400) == b"rows" * 100


def test_rows_are_compressed_before_they_are_encrypted():
    sealed = sealing.Sealed(Keys()).seal("chunk", "ab", RUN, b"a" * 100_000)
    assert len(sealed) < 200 and b"aaaa" not in sealed


def test_ids_are_keyed_and_depend_on_the_content_alone():
    one, other = sealing.Sealed(Keys()), sealing.Sealed(type("Others", (Keys,), {"id_key": lambda self: b"o" * 32})())
    assert one.identify(b"x") == one.identify(b"x") != other.identify(b"x")
    assert one.identify(b"x") != sealing.Plain().identify(b"x") and len(one.identify(b"x")) == 64
    assert one.digest_of_slice(b"x") == "" and len(sealing.Plain().digest_of_slice(b"x")) == 64


@pytest.mark.parametrize(
    "place", [("page", "ab", RUN), ("chunk", "ac", RUN), ("chunk", "ab", "20261122T164315Z-3f9a2d")], ids=str
)
def test_what_is_moved_to_another_place_does_not_open(place):
    sealer = sealing.Sealed(Keys())
    sealed = sealer.seal("chunk", "ab", RUN, b"rows")
    with pytest.raises(frames.FrameError, match="tampered with or has rotted"):
        sealer.open(*place, sealed, 4)


def test_what_belongs_to_another_repository_does_not_open():
    sealed = sealing.Sealed(type("There", (Keys,), {"repository": "cd" * 16})()).seal("chunk", "ab", RUN, b"rows")
    with pytest.raises(frames.FrameError):
        sealing.Sealed(Keys()).open("chunk", "ab", RUN, sealed, 4)


def test_each_bit_counts_and_so_does_each_byte():
    bound = sealing.bound_to("chunk", "r", "ab", RUN)
    sealed = sealing.encrypt(KEY, bound, b"rows")
    spoilt = [bytes([*sealed[:n], sealed[n] ^ 1, *sealed[n + 1 :]]) for n in range(len(sealed))]
    for bytes_ in (*spoilt, sealed[:-1], sealed + b"x", b"", sealing.SEALED, sealed[:30]):
        with pytest.raises(frames.FrameError):
            sealing.decrypt(KEY, bound, bytes_)
    with pytest.raises(frames.FrameError):
        sealing.decrypt(bytes(32), bound, sealed)
    assert sealing.decrypt(KEY, bound, sealed) == b"rows"


def test_each_use_of_a_key_has_a_key_of_its_own():
    made = {sealing.derive(KEY, label, about) for label in ("index", "wrapping") for about in ("a", "b")}
    assert len(made) == 4 and KEY not in made
