"""Which storages hold copies of a repository, and in which of all of them repositories are opened at the moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

from django.core.files.storage import FileSystemStorage, Storage

from backups.conf import STORAGE_ALIAS, get_settings
from backups.exceptions import ConfigurationError
from backups.repository.location import configured_storage

_WHEREABOUTS = ("bucket_name", "azure_container", "account_name", "endpoint_url", "location", "root_path")
_current = ContextVar("lifeboat_storage", default=STORAGE_ALIAS)


@contextmanager
def using(alias: str) -> Iterator[None]:
    """Have repositories opened in another storage while inside: in a copy, where the first storage is gone."""
    token = _current.set(alias or STORAGE_ALIAS)
    try:
        yield
    finally:
        _current.reset(token)


def current_alias() -> str:
    """Return the alias of the storage that repositories are opened in."""
    return _current.get()


def is_copy() -> bool:
    """Say whether that is another one than the first."""
    return current_alias() != STORAGE_ALIAS


def copy_storage(alias: str) -> Storage:
    """Return the storage of a copy; raise ConfigurationError where it is not fit, or is no other place than another one."""
    storage = configured_storage(alias)
    for other in (STORAGE_ALIAS, *get_settings().COPIES):
        with suppress(ConfigurationError):
            if other != alias and is_same_place(storage, configured_storage(other)):
                break
    else:
        return storage
    raise ConfigurationError(
        f'STORAGES["{alias}"] is the same place as STORAGES["{other}"], or one lies in the other, so it is no copy: what '
        "happens to the one happens to both.",
        hint=f'Let STORAGES["{alias}"] be another disk, machine or provider, or take it out of BACKUPS["COPIES"].',
    )


def copy_problems() -> list[tuple[str, str]]:
    """Return what is wrong with the storages of the copies, as (sentence, hint)."""
    found = []
    for alias in get_settings().COPIES:
        try:
            copy_storage(alias)
        except ConfigurationError as error:
            found.append((f"BACKUPS['COPIES'][{alias!r}]: {error}", error.hint))
    return found


def is_same_place(one: Storage, other: Storage) -> bool:
    """Say whether two storages are one place, or one lies in the other, as far as they tell."""
    if isinstance(one, FileSystemStorage) and isinstance(other, FileSystemStorage):
        first, second = Path(one.location).resolve(), Path(other.location).resolve()
        return first.is_relative_to(second) or second.is_relative_to(first)
    told = [(type(storage), *(getattr(storage, name, None) for name in _WHEREABOUTS)) for storage in (one, other)]
    return one is other or (told[0] == told[1] and any(told[0][1:]))
