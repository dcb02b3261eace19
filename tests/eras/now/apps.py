"""Configuration."""

from django.apps import AppConfig


class NowConfig(AppConfig):
    """The library, now."""

    name = "tests.eras.now"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"
