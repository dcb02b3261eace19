"""The application's place in a Django project."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class BackupsConfig(AppConfig):
    """Backups that prove they restore."""

    name = "backups"
    label = "backups"
    verbose_name = _("Backups")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks."""
        # Imported late: the engines that they ask for import models.
        from backups.checks import register_checks

        register_checks()
