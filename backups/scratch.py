"""A database under a temporary alias of Django's, so that the project's own code can look at a restored copy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connections, router

from backups.engines.base import Engine


class SourceRouter:
    """Answers for a temporary alias as the project's routers answer for the alias that it was copied from.

    Without it, a router that names one alias would send nothing to the copy.
    """

    def __init__(self, alias: str, source: str) -> None:
        self._alias, self._source = alias, source

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        """Allow on the copy what is allowed on the source."""
        if db != self._alias:
            return None
        return bool(router.allow_migrate(self._source, app_label, **hints))

    def allow_relation(self, left: Any, right: Any, **hints: Any) -> bool | None:
        """Let rows of the copy refer to each other."""
        same = left._state.db == right._state.db == self._alias
        return True if same else None


@contextmanager
def registered(engine: Engine, source: str) -> Iterator[str]:
    """Register a database with Django for as long as one is inside; yields the alias to pass to ``using()``.

    ``engine`` is the database that was made, ``source`` the alias that it is a copy of.
    """
    alias = f"lifeboat_{secrets.token_hex(6)}"
    connections.settings[alias] = {**engine.settings, "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0}
    answers = SourceRouter(alias, source)
    router.routers.insert(0, answers)
    try:
        yield alias
    finally:
        router.routers.remove(answers)
        connections[alias].close()
        del connections[alias]
        del connections.settings[alias]


@contextmanager
def dropped_at_end(engine: Engine) -> Iterator[Engine]:
    """Drop a throw-away database at the end, whatever happens."""
    try:
        yield engine
    finally:
        engine.drop()
