"""How an object's plaintext becomes stored bytes, and what its id is.

``Plain`` compresses only. An encrypting sealer has the same three methods and other ids.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

from backups.repository import frames


class Sealer(Protocol):
    """Turns plaintext into stored bytes and back. Open raises ``frames.FrameError`` for bytes that do not open."""

    def identify(self, plaintext: bytes) -> str:
        """Return the id: 64 hexadecimal digits that depend on the content alone."""

    def seal(self, kind: str, ident: str, plaintext: bytes) -> bytes:
        """Return the bytes to store."""

    def open(self, kind: str, ident: str, stored: bytes, size: int) -> bytes:
        """Return the plaintext of ``size`` bytes."""


class Plain:
    """No encryption: a zstd frame, named by the SHA-256 of its content."""

    def identify(self, plaintext: bytes) -> str:
        """Return the SHA-256 of the content."""
        return hashlib.sha256(plaintext).hexdigest()

    def seal(self, kind: str, ident: str, plaintext: bytes) -> bytes:
        """Compress."""
        return frames.compress(plaintext)

    def open(self, kind: str, ident: str, stored: bytes, size: int) -> bytes:
        """Decompress."""
        return frames.decompress(stored, size)
