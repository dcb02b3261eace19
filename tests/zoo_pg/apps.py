"""The PostgreSQL zoo's place in Django's app registry."""

from django.apps import AppConfig


class ZooPgConfig(AppConfig):
    """Everything awkward that only PostgreSQL has."""

    name = "tests.zoo_pg"
    label = "zoo_pg"
    default_auto_field = "django.db.models.BigAutoField"
