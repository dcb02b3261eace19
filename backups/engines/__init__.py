"""The engines, by Django's name of the vendor."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module

from django.conf import settings as django_settings
from django.db import connections
from django.db.utils import load_backend

from backups.engines.base import Engine
from backups.exceptions import ConfigurationError

_MODULES = {
    "sqlite": "backups.engines.sqlite",
    "postgresql": "backups.engines.postgresql",
    "mysql": "backups.engines.mysql",
}

EVERY_DATABASE = "all"


def aliases(asked: Iterable[str]) -> list[str]:
    """Return the aliases that somebody asked for, each once; ``all`` stands for every one of DATABASES."""
    asked = list(dict.fromkeys(asked))
    return list(django_settings.DATABASES) if EVERY_DATABASE in asked else asked


def engine_class(vendor: str) -> type[Engine]:
    """Return the engine of a vendor; its driver is imported only now."""
    if vendor not in _MODULES:
        raise ConfigurationError(
            f"There is no engine for {vendor!r}.", hint=f"Lifeboat backs up {', '.join(sorted(_MODULES))}."
        )
    found: type[Engine] = import_module(_MODULES[vendor]).ENGINE
    return found


def engine_for(alias: str) -> Engine:
    """Return the engine of an alias of DATABASES; the database need not be there."""
    if alias not in connections.settings:
        known = ", ".join(sorted(django_settings.DATABASES))
        raise ConfigurationError(f"There is no database {alias!r} in DATABASES.", hint=f"Known aliases: {known}.")
    settings = connections[alias].settings_dict
    vendor = load_backend(settings["ENGINE"]).DatabaseWrapper.vendor
    return engine_class(vendor)(alias, settings)
