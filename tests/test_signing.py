"""Signatures: whatever is changed, moved or passed off as something else is refused."""

import pytest

from backups.exceptions import FormatUnknown, ObjectDamaged, SignatureInvalid, WrongSigningKey
from backups.signing import Signer, fingerprint

KEY, OLD, OTHER = b"k" * 32, b"o" * 32, b"x" * 32
SIGNED = Signer([KEY]).sign("manifest", "repository", "backups/1", b"the body\nof it")


def opened(stored: bytes, kind: str = "manifest", repository: str = "repository", name: str = "backups/1") -> bytes:
    return Signer([KEY]).open(kind, repository, name, stored).body


def test_what_was_signed_opens():
    assert opened(SIGNED) == b"the body\nof it"


def test_every_flipped_bit_is_refused():
    for place in range(len(SIGNED)):
        for bit in range(8):
            changed = bytearray(SIGNED)
            changed[place] ^= 1 << bit
            with pytest.raises((ObjectDamaged, FormatUnknown)):
                opened(bytes(changed))


@pytest.mark.parametrize("end", range(0, len(SIGNED), 7))
def test_every_truncation_is_refused(end):
    with pytest.raises(ObjectDamaged):
        opened(SIGNED[:end])


@pytest.mark.parametrize("where", [{"kind": "event"}, {"repository": "another"}, {"name": "backups/2"}])
def test_a_signed_object_cannot_be_passed_off_elsewhere(where):
    with pytest.raises(SignatureInvalid):
        opened(SIGNED, **where)


def test_an_unknown_key_is_told_from_a_wrong_signature():
    with pytest.raises(WrongSigningKey, match=fingerprint(KEY)):
        Signer([OTHER]).open("manifest", "repository", "backups/1", SIGNED)


def test_an_earlier_key_is_believed_and_said_to_be_one():
    stored = Signer([OLD]).sign("manifest", "repository", "backups/1", b"body")
    assert Signer([KEY, OLD]).open("manifest", "repository", "backups/1", stored).fallback
    assert not Signer([OLD]).open("manifest", "repository", "backups/1", stored).fallback


def test_a_newer_format_is_refused_with_its_number():
    with pytest.raises(FormatUnknown, match="format version 2"):
        opened(SIGNED.replace(b"manifest 1 ", b"manifest 2 ", 1))


def test_no_part_of_the_key_is_in_the_object():
    assert KEY not in SIGNED and KEY.hex().encode() not in SIGNED
