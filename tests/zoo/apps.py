"""The zoo's place in Django's app registry."""

from django.apps import AppConfig


class ZooConfig(AppConfig):
    """Everything awkward that the three engines have in common."""

    name = "tests.zoo"
    label = "zoo"
    default_auto_field = "django.db.models.BigAutoField"
