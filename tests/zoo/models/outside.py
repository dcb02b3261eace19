"""Models that the database, another model's trigger, a migration or another alias has a hand in."""

from django.db import models


class TreeRoot(models.Model):
    """An unmanaged model over a view."""

    name = models.CharField(max_length=100)

    class Meta:
        managed = False
        db_table = "zoo_tree_roots"

    def __str__(self) -> str:
        return self.name


class Traced(models.Model):
    """A table with triggers: each insert writes an ``AuditLine``, each update bumps ``version``."""

    name = models.CharField(max_length=100)
    version = models.IntegerField(default=0)

    def __str__(self) -> str:
        return self.name


class AuditLine(models.Model):
    """What the triggers of ``Traced`` write; a restore that lets them fire writes each line twice."""

    traced_id = models.BigIntegerField()
    what = models.CharField(max_length=200)

    def __str__(self) -> str:
        return self.what


class Starter(models.Model):
    """Rows that a data migration makes: a freshly migrated database is not empty."""

    key = models.CharField(max_length=50, unique=True)
    value = models.TextField()

    def __str__(self) -> str:
        return self.key


class AnalyticsEvent(models.Model):
    """Lives on the alias ``analytics``, where there is one."""

    name = models.CharField(max_length=100)
    at = models.DateTimeField()
    payload = models.JSONField(null=True)

    def __str__(self) -> str:
        return self.name
