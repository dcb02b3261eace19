"""The settings of Lifeboat, read lazily in one place into a frozen value."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from typing import Any

from django.conf import settings as django_settings
from django.core.signals import setting_changed

from backups.exceptions import ConfigurationError

STORAGE_ALIAS = "backups"


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised: how old the newest backup may be, how old the newest proof, how long a restore may take."""

    backup_every: timedelta = timedelta(hours=1)
    verified_every: timedelta = timedelta(days=1)
    restore_within: timedelta = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class BackupSettings:
    """``settings.BACKUPS``, checked. Each key is documented in the README."""

    SIGNING_KEY: str = ""
    SIGNING_KEY_FALLBACKS: tuple[str, ...] = ()
    RECIPIENTS: tuple[str, ...] = ()
    IDENTITY_FILE: str | None = None
    EXCLUDE: tuple[str, ...] = ()
    EXCLUDE_DATA: tuple[str, ...] = ("sessions.session",)
    RETENTION: Mapping[str, int] = field(
        default_factory=lambda: {"last": 7, "hourly": 24, "daily": 14, "weekly": 8, "monthly": 12}
    )
    PROMISE: Promise = field(default_factory=Promise)
    GRACE: timedelta = timedelta(hours=24)
    FULL_EVERY: int = 30
    COPIES: Mapping[str, Any] = field(default_factory=dict)
    SEAL_KEYS: tuple[str, ...] = ()
    ALLOW_RESTORE_FROM_ADMIN: bool = False
    ALLOW_SIMULATED_FAILURE: bool = False

    def signing_keys(self) -> tuple[bytes, ...]:
        """The key that signs, then those that are still believed; 32 bytes each."""
        if self.SIGNING_KEY:
            return tuple(_derive(text) for text in (self.SIGNING_KEY, *self.SIGNING_KEY_FALLBACKS))
        secrets = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
        return tuple(_derive(str(text)) for text in (*secrets, *self.SIGNING_KEY_FALLBACKS))


_TYPES: dict[str, tuple[type, str]] = {
    "SIGNING_KEY": (str, "a string"),
    "SIGNING_KEY_FALLBACKS": (list, "a list of strings"),
    "RECIPIENTS": (list, "a list of age public keys"),
    "EXCLUDE": (list, "a list of model labels or table names"),
    "EXCLUDE_DATA": (list, "a list of model labels or table names"),
    "RETENTION": (dict, "a dictionary of numbers"),
    "PROMISE": (dict, "a dictionary of timedeltas"),
    "GRACE": (timedelta, "a timedelta"),
    "FULL_EVERY": (int, "a whole number above zero"),
    "COPIES": (dict, "a dictionary of storage aliases"),
    "SEAL_KEYS": (list, "a list of model labels or table names"),
    "ALLOW_RESTORE_FROM_ADMIN": (bool, "True or False"),
    "ALLOW_SIMULATED_FAILURE": (bool, "True or False"),
}


def problems() -> list[str]:
    """Return a sentence for each key of ``settings.BACKUPS`` that is unknown or of the wrong type."""
    given = getattr(django_settings, "BACKUPS", {})
    if not isinstance(given, Mapping):
        return [f"BACKUPS is of type {type(given).__name__}; a dictionary was expected."]
    known = {entry.name for entry in fields(BackupSettings)}
    found = [
        f"BACKUPS[{key!r}] is not a setting; known ones are {', '.join(sorted(known))}."
        for key in given
        if key not in known
    ]
    for key, value in given.items():
        found += _problem(key, value)
    return found


def _problem(key: str, value: object) -> list[str]:
    if key == "IDENTITY_FILE":
        return [] if value is None or isinstance(value, str) else [f"BACKUPS[{key!r}] is {value!r}; expected a path."]
    if key not in _TYPES:
        return []
    kind, wanted = _TYPES[key]
    shown = "set to another type" if "KEY" in key else repr(value)
    if kind is list and isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value):
        return []
    right = kind is not list and isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    if right and (key != "FULL_EVERY" or value > 0):  # type: ignore[operator]
        return _promise_problems(value) if key == "PROMISE" else []
    return [f"BACKUPS[{key!r}] is {shown}; expected {wanted}."]


def _promise_problems(value: Any) -> list[str]:
    known = {entry.name for entry in fields(Promise)}
    return [
        f"BACKUPS['PROMISE'][{key!r}] is {entry!r}; expected a timedelta under one of {', '.join(sorted(known))}."
        for key, entry in value.items()
        if key not in known or not isinstance(entry, timedelta)
    ]


@lru_cache(maxsize=1)
def get_settings() -> BackupSettings:
    """Return the settings in force; raise ConfigurationError where one is wrong."""
    found = problems()
    if found:
        raise ConfigurationError(" ".join(found), hint="Correct BACKUPS in the settings.")
    given = dict(getattr(django_settings, "BACKUPS", {}))
    if "PROMISE" in given:
        given["PROMISE"] = Promise(**given["PROMISE"])
    for key, (kind, _) in _TYPES.items():
        if kind is list and key in given:
            given[key] = tuple(given[key])
    return BackupSettings(**given)


def _derive(text: str) -> bytes:
    """Return the signing key that a setting's text stands for; the label keeps it apart from other uses of the text."""
    return hmac.new(text.encode(), b"django-lifeboat signing key v1", hashlib.sha256).digest()


def _reset(*, setting: str, **_: Any) -> None:
    if setting in ("BACKUPS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        get_settings.cache_clear()


setting_changed.connect(_reset, dispatch_uid="backups.conf.reset")
