"""How an object's plaintext becomes stored bytes, and what its id is.

``Plain`` compresses only; ``Sealed`` compresses and encrypts, and its ids are keyed. Which of them wrote an object is in
its first bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import Protocol

from backups.repository import frames

SEALED = b"lifeboat sealed 1\n"
"""What sealed bytes begin with; a zstd frame never does."""
VERSION = 1
_NONCE = 12  # bytes, drawn anew for each object
_LABELS = {"index": b"django-lifeboat index key v1", "wrapping": b"django-lifeboat id key wrapping v1"}


class Sealer(Protocol):
    """Turns plaintext into stored bytes and back. Open raises ``frames.FrameError`` for bytes that do not open."""

    def identify(self, plaintext: bytes) -> str:
        """Return the id: 64 hexadecimal digits that depend on the content alone."""

    def digest_of_slice(self, plaintext: bytes) -> str:
        """Return what a manifest says of a part of a chunk; empty where that would help to guess it."""

    def seal(self, kind: str, ident: str, run: str, plaintext: bytes) -> bytes:
        """Return the bytes to store."""

    def open(self, kind: str, ident: str, run: str, stored: bytes, size: int) -> bytes:
        """Return the plaintext of ``size`` bytes."""


class Keys(Protocol):
    """The keys of one repository, each 32 bytes; raise CannotOpen where there is no identity that opens one."""

    repository: str

    def id_key(self) -> bytes:
        """Return the key of all ids."""

    def key_of(self, kind: str, run: str) -> bytes:
        """Return the key that objects of a kind are sealed with by a run."""


class Plain:
    """No encryption: a zstd frame, named by the SHA-256 of its content."""

    def identify(self, plaintext: bytes) -> str:
        """Return the SHA-256 of the content."""
        return hashlib.sha256(plaintext).hexdigest()

    def digest_of_slice(self, plaintext: bytes) -> str:
        """Return its SHA-256."""
        return hashlib.sha256(plaintext).hexdigest()

    def seal(self, kind: str, ident: str, run: str, plaintext: bytes) -> bytes:
        """Compress."""
        return frames.compress(plaintext)

    def open(self, kind: str, ident: str, run: str, stored: bytes, size: int) -> bytes:
        """Decompress."""
        return frames.decompress(stored, size)


class Sealed:
    """A zstd frame under AES-256-GCM, named by the HMAC-SHA-256 of its content under the id key."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    def identify(self, plaintext: bytes) -> str:
        """Return the HMAC of the content."""
        return hmac.new(self._keys.id_key(), plaintext, hashlib.sha256).hexdigest()

    def digest_of_slice(self, plaintext: bytes) -> str:
        """Return nothing: a table of a few rows could be guessed by its digest. The whole chunk is authenticated."""
        return ""

    def seal(self, kind: str, ident: str, run: str, plaintext: bytes) -> bytes:
        """Compress, then encrypt, bound to kind, repository, id and run."""
        bound = bound_to(kind, self._keys.repository, ident, run)
        return encrypt(self._keys.key_of(kind, run), bound, frames.compress(plaintext))

    def open(self, kind: str, ident: str, run: str, stored: bytes, size: int) -> bytes:
        """Decrypt, then decompress."""
        bound = bound_to(kind, self._keys.repository, ident, run)
        return frames.decompress(decrypt(self._keys.key_of(kind, run), bound, stored), size)


def is_sealed(stored: bytes) -> bool:
    """Say whether stored bytes are encrypted."""
    return stored.startswith(SEALED)


def bound_to(kind: str, repository: str, ident: str, run: str) -> bytes:
    """Return the associated data of an object, so that it opens in its own place alone."""
    return "\n".join(("lifeboat", str(VERSION), kind, repository, ident, run)).encode()


def encrypt(key: bytes, bound: bytes, data: bytes) -> bytes:
    """Return sealed bytes, each time with a nonce of their own."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return b"".join((SEALED, nonce, AESGCM(key).encrypt(nonce, data, bound)))


def decrypt(key: bytes, bound: bytes, stored: bytes) -> bytes:
    """Return what was sealed; raise FrameError where the key, the place or a single bit is another."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start = len(SEALED) + _NONCE
    try:
        if not is_sealed(stored) or len(stored) < start + 16:
            raise InvalidTag
        return AESGCM(key).decrypt(stored[len(SEALED) : start], stored[start:], bound)
    except InvalidTag:
        raise frames.FrameError("it does not open with its key, so it was tampered with or has rotted") from None


def derive(key: bytes, label: str, about: str) -> bytes:
    """Return the key for one use of another key, by HKDF-SHA-256: the ``index`` of a run, the ``wrapping`` of the id key."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=32, salt=None, info=b"\n".join((_LABELS[label], about.encode()))).derive(key)
