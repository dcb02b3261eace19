"""The bare app's place in Django's app registry."""

from django.apps import AppConfig


class BareConfig(AppConfig):
    """An app whose tables ``migrate --run-syncdb`` makes."""

    name = "tests.zoo.bare"
    label = "zoo_bare"
    default_auto_field = "django.db.models.AutoField"
