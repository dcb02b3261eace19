"""Model fields whose Python value is not what the database holds, or whose column differs by engine."""

import base64
import hashlib
from collections.abc import Mapping
from itertools import count
from typing import Any

from django.db import models

# Django's fields name no type arguments: they take none at run time.

CIPHER_KEY = b"the zoo's toy key"
CIPHER_PREFIX = "toy$"


def _key_stream(length: int) -> bytes:
    stream = b""
    for block in count():
        if len(stream) >= length:
            return stream[:length]
        stream += hashlib.sha256(CIPHER_KEY + str(block).encode()).digest()
    raise AssertionError("count() never ends")


def _xor(data: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(data, _key_stream(len(data)), strict=True))


def encrypt(plain: str) -> str:
    """The ciphertext that the database holds for a text: reversible, deterministic and not secure."""
    return CIPHER_PREFIX + base64.b64encode(_xor(plain.encode())).decode()


def decrypt(cipher: str) -> str:
    """The text for a ciphertext; raises ValueError for a value that ``encrypt`` did not make."""
    if not cipher.startswith(CIPHER_PREFIX):
        raise ValueError("not a ciphertext of the zoo")
    return _xor(base64.b64decode(cipher.removeprefix(CIPHER_PREFIX))).decode()


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]
    """Text that is encrypted at rest: a backup must carry the ciphertext, never the text."""

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> str | None:
        return None if value is None else decrypt(value)

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return None if prepared is None else encrypt(prepared)


class CollatedCharField(models.CharField):  # type: ignore[type-arg]
    """A CharField whose collation differs by engine, since no name of one is known to all of them."""

    def __init__(self, *args: Any, collations: Mapping[str, str], **kwargs: Any) -> None:
        self.collations = dict(collations)
        super().__init__(*args, **kwargs)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        return name, path, args, {**kwargs, "collations": self.collations}

    def db_parameters(self, connection: Any) -> Any:
        return {**super().db_parameters(connection), "collation": self.collations.get(connection.vendor)}
