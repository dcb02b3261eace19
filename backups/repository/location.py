"""Which storage holds the repositories, and whether it is fit to."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.files.storage import FileSystemStorage, InvalidStorageError, Storage, storages

from backups.conf import STORAGE_ALIAS
from backups.exceptions import ConfigurationError
from backups.repository.storage import is_s3

_PUBLIC_ACLS = ("public-read", "public-read-write", "authenticated-read", "publicRead")


def configured_storage(alias: str = STORAGE_ALIAS) -> Storage:
    """Return the storage of the repositories; raise ConfigurationError where it is absent, public or misplaced."""
    storage, problem = _load(alias)
    found = [problem] if storage is None else [*_misplaced(storage, alias), *_public(storage, alias)]
    if storage is None or found:
        hint = (
            f'Set STORAGES["{alias}"] to a private storage, for example {{"BACKEND": '
            '"django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": "/var/backups/mysite"}}.'
        )
        raise ConfigurationError(" ".join(found), hint=hint)
    return storage


def storage_problems() -> list[tuple[str, str]]:
    """Return what is wrong with the configured storage as (sentence, hint); nothing where it is fit."""
    try:
        configured_storage()
    except ConfigurationError as error:
        return [(str(error), error.hint)]
    return []


def storage_doubts(alias: str = STORAGE_ALIAS) -> list[tuple[str, str]]:
    """Return what a storage would do to what it is given, or may do, as (sentence, hint); nothing for one that is proven."""
    storage, _ = _load(alias)
    if storage is None or isinstance(storage, FileSystemStorage):
        return []
    old = [_OLD] if any(kind.__module__.startswith("storages.") for kind in type(storage).__mro__) and _is_old() else []
    return [*old, *([] if is_s3(storage) else _of_others(storage, alias))]


def _of_others(storage: Storage, alias: str) -> list[tuple[str, str]]:
    name = f'STORAGES["{alias}"]'
    kinds = {kind.__name__ for kind in type(storage).__mro__}
    if "InMemoryStorage" in kinds:
        return [(f"{name} keeps everything in memory: it is gone when the process ends.", "Use it in tests only.")]
    if kinds & _DROPPING.keys():
        why = next(_DROPPING[kind] for kind in kinds & _DROPPING.keys())
        return [(f"{name} {why}.", "Mount that server as a folder and use local files, or use S3.")]
    found = []
    if getattr(storage, "gzip", False):
        found.append((f"{name} compresses some of what it is given.", 'Set its option "gzip" to False.'))
    for option in ("file_overwrite", "overwrite_files"):
        if getattr(storage, option, False):
            found.append(
                (f"{name} overwrites.", f'Set its option "{option}" to False: a name is never given other bytes.')
            )
    unproven = f"{name} is a {type(storage).__name__}, which is not among the storages that are proven."
    return [*found, (unproven, "Run manage.py check_storage; where all of it holds, silence this check.")]


_DROPPING = {
    "SFTPStorage": "loses all but the last piece of what is written in pieces, and says nothing where it may not delete",
    "FTPStorage": "leaves half of an object under its name where a connection breaks",
    "DropboxStorage": "renames where it is asked not to overwrite",
}
"""Storages of django-storages that cannot hold backups, and why."""

_OLD = (
    "django-storages 1.14.4 says that nothing exists where overwriting is on.",
    "Install another version of django-storages: 1.14.5 or newer.",
)


def _is_old() -> bool:
    try:
        return version("django-storages") == "1.14.4"
    except PackageNotFoundError:
        return False


def _load(alias: str) -> tuple[Storage | None, str]:
    if alias not in settings.STORAGES:
        return None, f'STORAGES["{alias}"] is not set, and backups are never put into another storage.'
    try:
        return storages[alias], ""
    except (InvalidStorageError, ImproperlyConfigured, ImportError, TypeError, OSError) as error:
        return None, f'STORAGES["{alias}"] cannot be loaded: {error}.'


def _misplaced(storage: Storage, alias: str) -> list[str]:
    if not isinstance(storage, FileSystemStorage):
        return []
    location = Path(storage.location).resolve()
    served = {"MEDIA_ROOT": settings.MEDIA_ROOT, "STATIC_ROOT": settings.STATIC_ROOT}
    found = [
        f'STORAGES["{alias}"] lies in {location}, inside {name}, which is served to the public.'
        for name, root in served.items()
        if root and location.is_relative_to(Path(root).resolve())
    ]
    if not found and not _options(alias).get("location"):
        found.append(f'STORAGES["{alias}"] has no location, so it would lie where the media files do.')
    return found


def _public(storage: Storage, alias: str) -> list[str]:
    options = _options(alias)
    acl = getattr(storage, "default_acl", None) or options.get("default_acl")
    given = getattr(storage, "object_parameters", None) or {}
    for name, value in (("default_acl", acl), ("object_parameters ACL", given.get("ACL"))):
        if value in _PUBLIC_ACLS:
            return [f'STORAGES["{alias}"] is public: its {name} is {value!r}.']
    if isinstance(storage, FileSystemStorage) and options.get("base_url"):
        return [f'STORAGES["{alias}"] is public: it has a base_url ({options["base_url"]!r}).']
    if getattr(storage, "querystring_auth", True) is False or getattr(storage, "custom_domain", None):
        return [f'STORAGES["{alias}"] is public: its URLs are not signed (querystring_auth, custom_domain).']
    return []


def _options(alias: str) -> dict[str, Any]:
    configured: Any = settings.STORAGES
    return dict(configured[alias].get("OPTIONS", {}))
