"""Configuration."""

from django.apps import AppConfig


class GoneConfig(AppConfig):
    """Gone by now."""

    name = "tests.eras.gone"
    label = "gone"
    default_auto_field = "django.db.models.BigAutoField"
