"""Wrapping keys with age: recipients, who are named in the settings, and identities, which lie where restores happen."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from backups.conf import get_settings
from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged

PASSPHRASE = "BACKUPS_IDENTITY_PASSPHRASE"  # noqa: S105 (the name of a variable)
_MAGIC = (b"age-encryption.org/v1", b"-----BEGIN AGE ENCRYPTED FILE-----")
_SSH = (b"-----BEGIN OPENSSH PRIVATE KEY-----", b"-----BEGIN RSA PRIVATE KEY-----")
_NOBODY = "No matching keys found"  # what age says where a file is for others
_ask: Callable[[str], str] | None = None


def may_ask(how: Callable[[str], str]) -> None:
    """Let a passphrase be asked for: only where somebody sits at a terminal."""
    global _ask
    _ask = how


def configured_recipients() -> tuple[str, ...]:
    """Return the recipients of the settings, each once and without a comment; empty where nothing is to be encrypted.

    Raises ConfigurationError where the extra is missing or one of them is no public key.
    """
    given = get_settings().RECIPIENTS
    if not given:
        return ()
    _require_extra()
    return tuple(dict.fromkeys(_checked(number, text) for number, text in enumerate(given)))


def wrap(payload: bytes, recipients: Iterable[str]) -> bytes:
    """Return an age file that each of the recipients can open."""
    import pyrage

    return bytes(pyrage.encrypt(payload, [_recipient(text) for text in recipients]))


def unwrap(name: str, wrapped: bytes, identities: Sequence[Any]) -> bytes:
    """Return what an age file holds; raise CannotOpen where it is for others, ObjectDamaged where it is not whole."""
    import pyrage

    try:
        return bytes(pyrage.decrypt(wrapped, identities))
    except pyrage.DecryptError as error:
        if str(error) == _NOBODY:
            raise CannotOpen(f"{name} is wrapped for other recipients than the identity in {_place()}.") from None
        raise ObjectDamaged(name, f"age cannot open it ({error})") from None


def identities() -> Sequence[Any]:
    """Return the identities of IDENTITY_FILE; raise CannotOpen where none is set, ConfigurationError where it is unusable."""
    place = get_settings().IDENTITY_FILE
    if not place:
        raise CannotOpen(
            "What lies here is encrypted, and BACKUPS['IDENTITY_FILE'] names no identity that could open it."
        )
    _require_extra()
    path = Path(place).expanduser()
    try:
        found = path.stat()
        return _read(path, found.st_mtime_ns, found.st_size)
    except OSError as error:
        raise ConfigurationError(
            f"BACKUPS['IDENTITY_FILE'] cannot be read: {path}: {error.strerror}.",
            hint="Nothing was changed. It names an age identity file, or an SSH private key, on this host.",
        ) from None


@lru_cache(maxsize=4)
def _read(path: Path, changed: int, size: int) -> tuple[Any, ...]:
    """Read a file once as long as it stays the same: its passphrase is slow by intent, and asked for but once."""
    import pyrage

    data = path.read_bytes()
    try:
        if data.startswith(_SSH):
            return (pyrage.ssh.Identity.from_buffer(data),)
        text = (_unlocked(path, data) if data.startswith(_MAGIC) else data).decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
        found = tuple(pyrage.x25519.Identity.from_str(line) for line in lines)
    except pyrage.IdentityError as error:
        raise _unusable(path, str(error)) from None
    if not found:
        raise _unusable(path, "it is empty")
    return found


def _unusable(path: Path, reason: str) -> ConfigurationError:
    hint = "Expected: an age identity file (age-keygen -o FILE), one protected by a passphrase (age -p), or an SSH private key."
    if "decrypted first" in reason:
        reason = "an SSH key with a passphrase is not supported"
        hint = "Copy it to a safe place and take the passphrase off the copy: ssh-keygen -p -f COPY."
    return ConfigurationError(f"BACKUPS['IDENTITY_FILE'] holds no usable identity: {path}: {reason}.", hint=hint)


def _unlocked(path: Path, data: bytes) -> bytes:
    import pyrage

    given = os.environ.get(PASSPHRASE)
    if given is None and _ask is None:
        raise ConfigurationError(
            f"The identity file {path} is protected by a passphrase, and there is no terminal to ask for it.",
            hint=f"Set the environment variable {PASSPHRASE} for this one command.",
        )
    secret = given if given is not None or _ask is None else _ask(f"Passphrase of {path}: ")
    try:
        return bytes(pyrage.passphrase.decrypt(data, secret))
    except pyrage.DecryptError:
        raise ConfigurationError(
            f"The passphrase does not open the identity file {path}.",
            hint=f"Nothing was changed. Try again; {PASSPHRASE} in the environment goes before the terminal.",
        ) from None


def _require_extra() -> None:
    try:
        import cryptography  # noqa: F401
        import pyrage  # noqa: F401
    except ImportError as error:
        raise ConfigurationError(
            f"Encryption needs what is not installed here: {error}. Nothing was stored or opened.",
            hint='pip install "django-lifeboat[encryption]"',
        ) from None


def _checked(number: int, text: str) -> str:
    import pyrage

    where = f"BACKUPS['RECIPIENTS'][{number}]"
    hint = "Nothing was stored. Recipients are age public keys (age1…) or SSH public keys (ssh-ed25519 …, ssh-rsa …)."
    if "SECRET-KEY" in text.upper() or "PRIVATE KEY" in text.upper():
        raise ConfigurationError(
            f"{where} is a secret key.",
            hint="Nothing was stored. Name its public key (age-keygen -y FILE); this one may have been seen: make another.",
        )
    cleaned = " ".join(text.split()[:2]) if text.strip().startswith("ssh-") else text.strip()
    try:
        _recipient(cleaned)
    except pyrage.RecipientError as error:
        raise ConfigurationError(f"{where} is no public key: {text[:40]!r} ({error}).", hint=hint) from None
    return cleaned


def _recipient(text: str) -> Any:
    import pyrage

    return (pyrage.ssh if text.startswith("ssh-") else pyrage.x25519).Recipient.from_str(text)


def _place() -> str:
    return str(get_settings().IDENTITY_FILE)
