"""A model whose table only ``migrate --run-syncdb`` makes."""

from django.db import models


class Unmigrated(models.Model):
    """A row of an app that has no migrations."""

    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label
