"""Which storage holds the repositories, and whether it is fit to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages

from backups.conf import STORAGE_ALIAS
from backups.exceptions import ConfigurationError

_HINT = (
    f'Set STORAGES["{STORAGE_ALIAS}"] to a private storage, for example {{"BACKEND": '
    '"django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "/var/backups/mysite"}}.'
)
_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read", "publicRead")


def configured_storage() -> Storage:
    """Return the storage of the repositories; raise ConfigurationError where it is absent, public or misplaced."""
    storage, problem = _load()
    found = [problem] if storage is None else [*_misplaced(storage), *_public(storage)]
    if storage is None or found:
        raise ConfigurationError(" ".join(found), hint=_HINT)
    return storage


def storage_problems() -> list[tuple[str, str]]:
    """Return what is wrong with the configured storage as (sentence, hint); nothing where it is fit."""
    try:
        configured_storage()
    except ConfigurationError as error:
        return [(str(error), error.hint)]
    return []


def _load() -> tuple[Storage | None, str]:
    if STORAGE_ALIAS not in settings.STORAGES:
        return None, f'STORAGES["{STORAGE_ALIAS}"] is not set, and backups are never put into another storage.'
    try:
        return storages[STORAGE_ALIAS], ""
    except (InvalidStorageError, ImproperlyConfigured, ImportError, TypeError, OSError) as error:
        return None, f'STORAGES["{STORAGE_ALIAS}"] cannot be loaded: {error}.'


def _misplaced(storage: Storage) -> list[str]:
    if not isinstance(storage, FileSystemStorage):
        return []
    location = Path(storage.location).resolve()
    served = {"MEDIA_ROOT": settings.MEDIA_ROOT, "STATIC_ROOT": settings.STATIC_ROOT}
    found = [
        f'STORAGES["{STORAGE_ALIAS}"] lies in {location}, inside {name}, which is served to the public.'
        for name, root in served.items()
        if root and location.is_relative_to(Path(root).resolve())
    ]
    if not found and not _options().get("location"):
        found.append(f'STORAGES["{STORAGE_ALIAS}"] has no location, so it would lie where the media files do.')
    return found


def _public(storage: Storage) -> list[str]:
    options = _options()
    acl = getattr(storage, "default_acl", None) or options.get("default_acl")
    if acl in _PUBLIC_ACLS:
        return [f'STORAGES["{STORAGE_ALIAS}"] is public: its default_acl is {acl!r}.']
    if isinstance(storage, FileSystemStorage) and options.get("base_url"):
        return [f'STORAGES["{STORAGE_ALIAS}"] is public: it has a base_url ({options["base_url"]!r}).']
    if getattr(storage, "querystring_auth", True) is False or getattr(storage, "custom_domain", None):
        return [f'STORAGES["{STORAGE_ALIAS}"] is public: its URLs are not signed (querystring_auth, custom_domain).']
    return []


def _options() -> dict[str, Any]:
    configured: Any = settings.STORAGES
    return dict(configured[STORAGE_ALIAS].get("OPTIONS", {}))
