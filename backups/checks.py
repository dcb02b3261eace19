"""Django's system checks of our settings. Each id is explained in docs/operations.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.core.checks import Warning as Alert
from django.db import connections

from backups.conf import STORAGE_ALIAS, get_settings, problems
from backups.engines import engine_class
from backups.exceptions import ConfigurationError
from backups.repository.age import configured_recipients
from backups.repository.location import storage_doubts, storage_problems
from backups.repository.places import copy_problems

TAG = "backups"
TASKS = "backups.tasks."
Configs = Sequence[AppConfig] | None


def check_storage(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """E001: the storage is absent, cannot be loaded, is public, or lies where files are served from."""
    return [Error(sentence, hint=hint, id="backups.E001") for sentence, hint in storage_problems()]


def check_storage_doubts(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """W010: the storage would overwrite, compress, lose or forget what it is given, or nobody has tried whether it does."""
    copies = () if problems() else get_settings().COPIES
    found = [doubt for alias in (STORAGE_ALIAS, *copies) for doubt in storage_doubts(alias)]
    return [Alert(sentence, hint=hint, id="backups.W010") for sentence, hint in found]


def check_settings(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """E002: a key of BACKUPS is unknown, or its value is of another type."""
    hint = "Correct BACKUPS in the settings. Nothing is backed up until then."
    return [Error(sentence, hint=hint, id="backups.E002") for sentence in problems()]


def check_encryption(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """E003: encryption is asked for and cannot be done; no backup is taken then, rather than one in plaintext."""
    if problems():
        return []
    try:
        configured_recipients()
    except ConfigurationError as error:
        return [Error(f"No backup can be taken. {error}", hint=error.hint, id="backups.E003")]
    return []


def check_recipients(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """W004: all is encrypted for one identity alone. W005: keys are to be sealed, and nothing is encrypted."""
    if problems():
        return []
    settings = get_settings()
    found: list[CheckMessage] = []
    if len(set(settings.RECIPIENTS)) == 1:
        found.append(
            Alert(
                "BACKUPS['RECIPIENTS'] names one recipient: whoever loses its identity has lost every backup.",
                hint="Add a second recipient whose identity is kept elsewhere, such as printed in a safe; earlier backups get "
                "it by rotate_recipients.",
                id="backups.W004",
            )
        )
    if settings.SEAL_KEYS and not settings.RECIPIENTS:
        found.append(
            Alert(
                "BACKUPS['SEAL_KEYS'] names tables, and BACKUPS['RECIPIENTS'] nobody: backups are stored in plaintext.",
                hint="Set RECIPIENTS, or take SEAL_KEYS out.",
                id="backups.W005",
            )
        )
    return found


def check_copies(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """E010: the storage of a copy is absent, public, misplaced, or the same place as the first."""
    if problems():
        return []
    return [Error(sentence, hint=hint, id="backups.E010") for sentence, hint in copy_problems()]


def check_engines(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """W001: a database is of an engine that cannot be backed up."""
    return [
        Alert(f"Database {alias!r} cannot be backed up. {problem}", hint=hint, id="backups.W001")
        for alias in list(connections.settings)
        for problem, hint in _engine_problems(alias)
    ]


def check_signing_key(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """W002: manifests are signed with a key that is derived from SECRET_KEY."""
    if problems() or get_settings().SIGNING_KEY:
        return []
    return [
        Alert(
            "BACKUPS['SIGNING_KEY'] is not set, so backups are signed with a key that is derived from SECRET_KEY. "
            "Whoever learns SECRET_KEY can forge a backup; and when SECRET_KEY is rotated, earlier backups open only as "
            "long as the old one stays in SECRET_KEY_FALLBACKS.",
            hint="Set BACKUPS['SIGNING_KEY'] to a long random text of its own, add the present SECRET_KEY to "
            "BACKUPS['SIGNING_KEY_FALLBACKS'], and keep a copy of both apart from this server: they are needed to restore.",
            id="backups.W002",
        )
    ]


def check_schedule(app_configs: Configs, **kwargs: Any) -> list[CheckMessage]:
    """W003: Celery has a schedule of backups and no broker, so nothing is ever run by it. Only with ``--deploy``."""
    try:
        from celery import current_app
    except ImportError:
        return []
    schedule = current_app.conf.beat_schedule or {}
    ours = [name for name, entry in schedule.items() if str(entry.get("task", "")).startswith(TASKS)]
    if not ours or current_app.conf.broker_write_url:
        return []
    return [
        Alert(
            f"Celery's schedule names backups ({', '.join(map(repr, ours))}), and no broker is set, so none of them is run.",
            hint="Set CELERY_BROKER_URL and run a worker and beat, or run manage.py backup_db and verify_backup by cron.",
            id="backups.W003",
        )
    ]


def register_checks() -> None:
    """Register every check; called once, when the application is ready."""
    for check in (
        check_storage,
        check_storage_doubts,
        check_settings,
        check_copies,
        check_encryption,
        check_recipients,
        check_engines,
        check_signing_key,
    ):
        register(check, TAG)
    register(check_schedule, TAG, deploy=True)


def _given() -> Mapping[str, Any]:
    given = getattr(settings, "BACKUPS", {})
    return given if isinstance(given, Mapping) else {}


def _engine_problems(alias: str) -> list[tuple[str, str]]:
    vendor = connections[alias].vendor
    if vendor == "unknown":
        return []  # Django's stand-in where DATABASES is empty.
    try:
        engine_class(vendor)
    except ConfigurationError as error:
        return [(str(error), error.hint)]
    except ImportError as error:
        return [(f"The engine for {vendor} cannot be loaded: {error}.", "Install what it needs.")]
    return []
