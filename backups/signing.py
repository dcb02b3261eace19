"""Signed objects: a header line with the signature, then the body it covers.

    lifeboat manifest 1 5f0c… 9be1…\\n<body>

says kind, format version, fingerprint of the key, and HMAC-SHA-256 over kind, version, repository id, the object's name
and the body, so that no object can be passed off as another or in another place. It is checked before the body is
parsed.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from backups.exceptions import FormatUnknown, ObjectDamaged, SignatureInvalid, WrongSigningKey

FORMAT = 1
_MAGIC = b"lifeboat"


@dataclass(frozen=True, slots=True)
class Opened:
    """A body whose signature was right. ``fallback`` says that an earlier key vouched for it."""

    body: bytes
    fallback: bool


class Signer:
    """Signs with the first key, believes them all. ``keys`` are 32 bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = list(keys)

    @property
    def key(self) -> bytes:
        """The key that signs."""
        return self._keys[0]

    @property
    def fingerprint(self) -> str:
        """The fingerprint of the key that signs."""
        return fingerprint(self.key)

    def key_of(self, found: str) -> bytes | None:
        """Return our key with that fingerprint, or None."""
        return next((key for key in self._keys if fingerprint(key) == found), None)

    def sign(self, kind: str, repository: str, name: str, body: bytes) -> bytes:
        """Return the stored form of a signed object."""
        key = self._keys[0]
        mac = _mac(key, kind, FORMAT, repository, name, body)
        return (
            b" ".join((_MAGIC, kind.encode(), b"%d" % FORMAT, fingerprint(key).encode(), mac.encode())) + b"\n" + body
        )

    def open(self, kind: str, repository: str, name: str, stored: bytes) -> Opened:
        """Return the body; raise where the header, the version, the key or the signature is not right."""
        header, _, body = stored.partition(b"\n")
        words = header.decode("ascii", "replace").split(" ")
        if len(words) != 5 or words[0] != _MAGIC.decode() or not words[2].isdigit():
            raise ObjectDamaged(name, "it does not begin with a signature")
        if int(words[2]) > FORMAT:
            raise FormatUnknown(f"{name} is of format version {words[2]}; this version reads up to {FORMAT}.")
        return self._check(kind, repository, name, words, body)

    def _check(self, kind: str, repository: str, name: str, words: list[str], body: bytes) -> Opened:
        for place, key in enumerate(self._keys):
            if fingerprint(key) != words[3]:
                continue
            mac = _mac(key, kind, int(words[2]), repository, name, body)
            if words[1] == kind and hmac.compare_digest(mac.encode(), words[4].encode()):
                return Opened(body, fallback=place > 0)
            raise SignatureInvalid(name, "its signature does not fit, so it was tampered with or has rotted")
        raise WrongSigningKey(name, f"it was signed with another key (fingerprint {words[3][:16]})")


def unverified(name: str, stored: bytes) -> bytes:
    """Return the body of a signed object, whoever signed it; only for what proves itself in another way."""
    header, _, body = stored.partition(b"\n")
    if not header.startswith(_MAGIC + b" "):
        raise ObjectDamaged(name, "it does not begin with a signature")
    return body


def fingerprint(key: bytes) -> str:
    """Name a key without telling it: 16 hexadecimal digits."""
    return hashlib.sha256(b"lifeboat key fingerprint" + key).hexdigest()[:16]


def _mac(key: bytes, kind: str, version: int, repository: str, name: str, body: bytes) -> str:
    bound = "\n".join(("lifeboat", kind, str(version), repository, name, "")).encode()
    return hmac.new(key, bound + body, hashlib.sha256).hexdigest()
