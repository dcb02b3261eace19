"""The settings of Lifeboat, read lazily in one place into a frozen value."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from functools import lru_cache
from pathlib import PurePath
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


Fits = Callable[[Any], bool]


def _is(kind: type) -> Fits:
    return lambda value: isinstance(value, kind)


def _texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(entry, str) for entry in value)


def _number(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _time(value: Any, least: timedelta) -> bool:
    return isinstance(value, timedelta) and value >= least


def _retention(value: Any) -> bool:
    return isinstance(value, dict) and all(name in _KEPT and _number(value[name], 0) for name in value)


def _copies(value: Any) -> bool:
    return isinstance(value, dict) and all(
        isinstance(alias, str)
        and alias != STORAGE_ALIAS
        and isinstance(own, dict)
        and set(own) <= {"RETENTION"}
        and _retention(own.get("RETENTION", {}))
        for alias, own in value.items()
    )


_KEPT = ("last", "hourly", "daily", "weekly", "monthly")
_RULES: dict[str, tuple[str, Fits]] = {
    "SIGNING_KEY": ("a string", _is(str)),
    "SIGNING_KEY_FALLBACKS": ("a list of strings", _texts),
    "RECIPIENTS": ("a list of age or SSH public keys", _texts),
    "IDENTITY_FILE": ("a path", lambda value: value is None or isinstance(value, (str, PurePath))),
    "EXCLUDE": ("a list of model labels or table names", _texts),
    "EXCLUDE_DATA": ("a list of model labels or table names", _texts),
    "RETENTION": ("a dictionary of numbers", _is(dict)),
    "PROMISE": ("a dictionary of timedeltas", _is(dict)),
    "GRACE": ("a timedelta that is not below zero", lambda value: _time(value, timedelta(0))),
    "FULL_EVERY": ("a whole number above zero", lambda value: _number(value, 1)),
    "COPIES": ("a dictionary of storage aliases, each with {} or a RETENTION of its own", _copies),
    "SEAL_KEYS": ("a list of model labels or table names", _texts),
    "ALLOW_RESTORE_FROM_ADMIN": ("True or False", _is(bool)),
    "ALLOW_SIMULATED_FAILURE": ("True or False", _is(bool)),
}
_ENTRIES: dict[str, tuple[str, tuple[str, ...], Fits]] = {
    "RETENTION": ("a whole number", _KEPT, lambda value: _number(value, 0)),
    "PROMISE": (
        "a timedelta above zero",
        tuple(entry.name for entry in fields(Promise)),
        lambda value: _time(value, timedelta.resolution),
    ),
}
"""What the entries of a dictionary must be: in words, their keys, their values."""

_SECRET = {"SIGNING_KEY", "SIGNING_KEY_FALLBACKS", "SEAL_KEYS", "IDENTITY_FILE", "COPIES"}
"""Settings whose wrong value is not shown, since it may be a key or a password."""


def problems() -> list[str]:
    """Return a sentence for each key of ``settings.BACKUPS`` that is unknown or of the wrong type."""
    given = getattr(django_settings, "BACKUPS", {})
    if not isinstance(given, Mapping):
        return [f"BACKUPS is of type {type(given).__name__}; a dictionary was expected."]
    return [sentence for key, value in given.items() for sentence in _problems(key, value)]


def _problems(key: str, value: Any) -> Iterator[str]:
    if key not in _RULES:
        yield f"BACKUPS[{key!r}] is not a setting; known ones are {', '.join(sorted(_RULES))}."
        return
    wanted, fits = _RULES[key]
    if not fits(value):
        shown = f"of type {type(value).__name__}" if key in _SECRET else repr(value)
        yield f"BACKUPS[{key!r}] is {shown}; expected {wanted}."
    elif key in _ENTRIES:
        wanted, known, fits = _ENTRIES[key]
        for name, entry in value.items():
            if name not in known or not fits(entry):
                yield f"BACKUPS[{key!r}][{name!r}] is {entry!r}; expected {wanted} under one of {', '.join(known)}."


@lru_cache(maxsize=1)
def get_settings() -> BackupSettings:
    """Return the settings in force; raise ConfigurationError where one is wrong."""
    found = problems()
    if found:
        raise ConfigurationError(" ".join(found), hint="Correct BACKUPS in the settings.")
    given = dict(getattr(django_settings, "BACKUPS", {}))
    if "PROMISE" in given:
        given["PROMISE"] = Promise(**given["PROMISE"])
    for key, value in given.items():
        if isinstance(value, list):
            given[key] = tuple(value)
        elif isinstance(value, PurePath):
            given[key] = str(value)
    return BackupSettings(**given)


def _derive(text: str) -> bytes:
    """Return the signing key that a setting's text stands for; the label keeps it apart from other uses of the text."""
    return hmac.new(text.encode(), b"django-lifeboat signing key v1", hashlib.sha256).digest()


def _reset(*, setting: str, **_: Any) -> None:
    if setting in ("BACKUPS", "SECRET_KEY", "SECRET_KEY_FALLBACKS"):
        get_settings.cache_clear()


setting_changed.connect(_reset, dispatch_uid="backups.conf.reset")
