"""A restored copy for the project's own code: under a temporary alias, or for one thread in the place of its alias."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

from django.db import connections, router
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import load_backend

from backups.engines.base import Engine
from backups.exceptions import TargetError

_NOWHERE = "django.db.backends.dummy"


class SourceRouter:
    """Answers for a temporary alias as the project's routers answer for the alias that it was copied from.

    Without it, a router that names one alias would send nothing to the copy.
    """

    def __init__(self, alias: str, source: str) -> None:
        self._alias, self._source = alias, source

    def db_for_write(self, model: Any, *, instance: Any = None, **hints: Any) -> str | None:
        """Let what goes with a row of the copy go to the copy, whichever alias the project gives its model."""
        return self._alias if instance is not None and instance._state.db == self._alias else None

    db_for_read = db_for_write

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Allow on the copy what is allowed on the source."""
        if db != self._alias:
            return None
        return bool(router.allow_migrate(self._source, app_label, **hints))

    def allow_relation(self, left: Any, right: Any, **hints: Any) -> bool | None:
        """Let rows of the copy refer to each other."""
        same = left._state.db == right._state.db == self._alias
        return True if same else None


class _Aliases:
    """The temporary aliases beside the project's own, for threads that come and go.

    Django's mapping is exchanged and never changed: another thread may be walking through it, and it is the very object
    that ``settings.DATABASES`` is, where no temporary alias has any business.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._project: dict[str, Any] = {}
        self._temporary: dict[str, Any] = {}

    def add(self, alias: str, settings: dict[str, Any]) -> None:
        with self._lock:
            if not self._temporary:
                self._project = connections.settings
            self._temporary[alias] = settings
            self._exchange()

    def remove(self, alias: str) -> None:
        with self._lock:
            del self._temporary[alias]
            self._exchange()

    def _exchange(self) -> None:
        connections.settings = {**self._project, **self._temporary} if self._temporary else self._project


_ALIASES = _Aliases()


@contextmanager
def registered(engine: Engine, source: str) -> Iterator[str]:
    """Register a database with Django for as long as one is inside; yields the alias to pass to ``using()``.

    ``engine`` is the database that was made, ``source`` the alias that it is a copy of.
    """
    alias = f"lifeboat_{secrets.token_hex(6)}"
    settings = {**engine.settings, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0}
    answers = SourceRouter(alias, source)
    with engine.lent(alias) as lent:
        # Another thread would open a connection of its own, which does not lead to the copy.
        _ALIASES.add(alias, settings if lent is None else {**settings, "ENGINE": _NOWHERE})
        if lent:
            connections[alias] = lent
        router.routers.insert(0, answers)
        try:
            yield alias
        finally:
            router.routers.remove(answers)
            connections[alias].close()
            del connections[alias]
            _ALIASES.remove(alias)


@contextmanager
def standing_in(engine: Engine, alias: str) -> Iterator[None]:
    """Have an alias mean another database for as long as one is inside, in this thread alone.

    For code that changes the copy and may forget to say which database it means: what it sends to the alias, or by
    default, goes to the copy, and what it sends to any other alias is refused, for these lead to living databases.
    """
    usual = {name: connections[name] for name in connections.settings}
    settings = {**engine.settings, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0}
    copy = load_backend(settings["ENGINE"]).DatabaseWrapper(settings, alias=alias)
    for name, connection in usual.items():
        connections[name] = copy if name == alias else _refusing(connection)
    try:
        yield
    finally:
        for name, connection in usual.items():
            connections[name] = connection
        copy.close()


def _refusing(usual: BaseDatabaseWrapper) -> BaseDatabaseWrapper:
    """Return a connection that can be asked what it is, and does not connect."""

    def refuse(self: BaseDatabaseWrapper) -> None:
        raise TargetError(f"It asks the database of alias {self.alias!r}, which is living and no part of the restore.")

    kind = type("Refusing", (type(usual),), {"ensure_connection": refuse})
    refusing: BaseDatabaseWrapper = kind(usual.settings_dict, alias=usual.alias)
    return refusing


@contextmanager
def dropped_at_end(engine: Engine) -> Iterator[Engine]:
    """Drop a throw-away database at the end, whatever happens."""
    try:
        yield engine
    finally:
        engine.drop()
