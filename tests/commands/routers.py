"""A router that keeps the catalogue in a database of its own."""

from typing import Any


class CatalogueRouter:
    """The rows of ``backups`` live on the alias ``catalogue``, and nothing else does."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        return "catalogue" if model._meta.app_label == "backups" else None

    db_for_write = db_for_read

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool | None:
        return (db == "catalogue") == (app_label == "backups")
