"""One model with every Django field class that does not need Pillow, nullable everywhere."""

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models


class AllFields(models.Model):
    """A column for every kind of value; keys and relations have models of their own."""

    big_integer = models.BigIntegerField(null=True)
    integer = models.IntegerField(null=True)
    small_integer = models.SmallIntegerField(null=True)
    positive_big_integer = models.PositiveBigIntegerField(null=True)
    positive_integer = models.PositiveIntegerField(null=True)
    positive_small_integer = models.PositiveSmallIntegerField(null=True)
    boolean = models.BooleanField(null=True)
    char = models.CharField(max_length=255, null=True)
    choice = models.CharField(max_length=1, null=True, choices=[("a", "Aft"), ("f", "Fore")])
    text = models.TextField(null=True)
    slug = models.SlugField(null=True, max_length=100, allow_unicode=True)
    email = models.EmailField(null=True)
    url = models.URLField(null=True, max_length=500)
    date = models.DateField(null=True)
    datetime = models.DateTimeField(null=True)
    time = models.TimeField(null=True)
    duration = models.DurationField(null=True)
    decimal_money = models.DecimalField(null=True, max_digits=10, decimal_places=2)
    decimal_fine = models.DecimalField(null=True, max_digits=30, decimal_places=15)
    decimal_whole = models.DecimalField(null=True, max_digits=20, decimal_places=0)
    decimal_fraction = models.DecimalField(null=True, max_digits=9, decimal_places=9)
    float = models.FloatField(null=True)
    binary = models.BinaryField(null=True)
    uuid = models.UUIDField(null=True)
    json = models.JSONField(null=True)
    json_encoded = models.JSONField(null=True, encoder=DjangoJSONEncoder)
    ip = models.GenericIPAddressField(null=True)
    ipv4 = models.GenericIPAddressField(null=True, protocol="ipv4")
    file_path = models.FilePathField(null=True, path="files", max_length=200)
    file = models.FileField(null=True, upload_to="files/%Y", max_length=200)

    def __str__(self) -> str:
        return f"fields {self.pk}"
