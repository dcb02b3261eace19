"""A router for a second database, and for an app that only PostgreSQL can hold."""

from typing import Any

from django.db import connections
from django.db.models import Model

ANALYTICS = "analytics"
ANALYTICS_MODELS = frozenset({"analyticsevent"})


def _has_analytics() -> bool:
    return ANALYTICS in connections.databases


class ZooRouter:
    """``AnalyticsEvent`` lives on ``analytics`` and nothing else of the zoo does; ``zoo_pg`` is PostgreSQL's.

    Where the alias ``analytics`` is not configured, the zoo is whole in one database.
    """

    def db_for_read(self, model: type[Model], **hints: Any) -> str | None:
        return ANALYTICS if self._is_analytics(model._meta.app_label, model._meta.model_name) else None

    def db_for_write(self, model: type[Model], **hints: Any) -> str | None:
        return self.db_for_read(model, **hints)

    def allow_migrate(self, db: str, app_label: str, model_name: str | None = None, **hints: Any) -> bool | None:
        if app_label == "zoo_pg" and connections[db].vendor != "postgresql":
            return False
        if not _has_analytics() or not app_label.startswith("zoo"):
            return None
        return (db == ANALYTICS) == self._is_analytics(app_label, model_name)

    @staticmethod
    def _is_analytics(app_label: str, model_name: str | None) -> bool:
        return app_label == "zoo" and model_name in ANALYTICS_MODELS and _has_analytics()
