"""Identities to open encrypted backups with: age's, SSH's, and ones that a passphrase protects."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pyrage = pytest.importorskip("pyrage")
pytest.importorskip("cryptography")

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa  # noqa: E402


@dataclass(frozen=True)
class Identity:
    """A file with a secret key, and its public key."""

    path: Path
    public: str


def age_identity(folder: Path, name: str = "identity") -> Identity:
    """Make an identity file as age-keygen writes it."""
    made = pyrage.x25519.Identity.generate()
    path = folder / f"{name}.txt"
    path.write_text(f"# created: 2026-11-22T16:43:15Z\n# public key: {made.to_public()}\n{made}\n")
    return Identity(path, str(made.to_public()))


def protected_identity(folder: Path, passphrase: str, *, armored: bool = False) -> Identity:
    """Make an identity file and protect it by a passphrase, as ``age -p`` does."""
    plain = age_identity(folder, "protected")
    plain.path.write_bytes(pyrage.passphrase.encrypt(plain.path.read_bytes(), passphrase, armored=armored))
    return plain


def ssh_identity(folder: Path, kind: str = "ed25519", passphrase: bytes = b"") -> Identity:
    """Make an SSH key pair as ssh-keygen writes it."""
    key: Any = ed25519.Ed25519PrivateKey.generate() if kind == "ed25519" else rsa.generate_private_key(65537, 2048)
    path = folder / f"id_{kind}"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption())
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return Identity(path, f"{public.decode()} ada@example.org")
