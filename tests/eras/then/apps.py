"""Configuration."""

from django.apps import AppConfig


class ThenConfig(AppConfig):
    """The library, then."""

    name = "tests.eras.then"
    label = "library"
    default_auto_field = "django.db.models.BigAutoField"
