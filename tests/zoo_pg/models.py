"""Models with ``django.contrib.postgres``'s fields, constraints and indexes, and with types of the database's own."""

from django.contrib.postgres import fields
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.indexes import BrinIndex, GinIndex, GistIndex, HashIndex, OpClass, SpGistIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from tests.zoo_pg.custom_fields import CITextField, EvenField, MoodField


class Arrays(models.Model):
    """Arrays of many types, nullable outside; inside, PostgreSQL always permits NULL."""

    integers = fields.ArrayField(models.IntegerField(null=True), null=True)
    texts = fields.ArrayField(models.CharField(max_length=100), null=True, default=list)
    nested = fields.ArrayField(fields.ArrayField(models.IntegerField()), null=True)
    dates = fields.ArrayField(models.DateField(), null=True)
    datetimes = fields.ArrayField(models.DateTimeField(), null=True)
    decimals = fields.ArrayField(models.DecimalField(max_digits=30, decimal_places=15), null=True)
    floats = fields.ArrayField(models.FloatField(), null=True)
    booleans = fields.ArrayField(models.BooleanField(null=True), null=True)
    uuids = fields.ArrayField(models.UUIDField(), null=True)
    jsons = fields.ArrayField(models.JSONField(), null=True)
    binaries = fields.ArrayField(models.BinaryField(), null=True)
    sized = fields.ArrayField(models.SmallIntegerField(), size=3, null=True)
    moods = fields.ArrayField(MoodField(max_length=20), null=True)

    class Meta:
        required_db_vendor = "postgresql"
        indexes = [GinIndex(fields=["texts"], name="zoo_pg_arrays_texts")]

    def __str__(self) -> str:
        return f"arrays {self.pk}"


class Store(models.Model):
    """Keys and values as text."""

    data = fields.HStoreField(null=True)

    class Meta:
        required_db_vendor = "postgresql"

    def __str__(self) -> str:
        return f"store {self.pk}"


class Ranges(models.Model):
    """A range of every kind that Django knows."""

    integers = fields.IntegerRangeField(null=True)
    big_integers = fields.BigIntegerRangeField(null=True)
    decimals = fields.DecimalRangeField(null=True)
    datetimes = fields.DateTimeRangeField(null=True)
    dates = fields.DateRangeField(null=True)

    class Meta:
        required_db_vendor = "postgresql"
        indexes = [GistIndex(fields=["integers"], name="zoo_pg_ranges_integers")]

    def __str__(self) -> str:
        return f"ranges {self.pk}"


class Searched(models.Model):
    """A search vector that the application writes, and one that the database computes."""

    title = models.CharField(max_length=100)
    written = SearchVectorField(null=True)
    computed = models.GeneratedField(
        expression=SearchVector("title", config="english"), output_field=SearchVectorField(), db_persist=True
    )

    class Meta:
        required_db_vendor = "postgresql"
        indexes = [GinIndex(fields=["written"], name="zoo_pg_written"), GinIndex(F("computed"), name="zoo_pg_computed")]

    def __str__(self) -> str:
        return self.title


class Booking(models.Model):
    """No two bookings of a room overlap, but for cancelled ones."""

    room = models.IntegerField()
    during = fields.DateTimeRangeField()
    cancelled = models.BooleanField(default=False)

    class Meta:
        required_db_vendor = "postgresql"
        constraints = [
            ExclusionConstraint(
                name="zoo_pg_no_overlap",
                expressions=[("room", fields.RangeOperators.EQUAL), ("during", fields.RangeOperators.OVERLAPS)],
                condition=Q(cancelled=False),
                deferrable=models.Deferrable.DEFERRED,
            )
        ]

    def __str__(self) -> str:
        return f"{self.room} {self.during}"


class Typed(models.Model):
    """Columns of types that this database made."""

    mood = MoodField(max_length=20, null=True)
    even = EvenField(null=True)
    nickname = CITextField(unique=True)

    class Meta:
        required_db_vendor = "postgresql"

    def __str__(self) -> str:
        return str(self.nickname)


class MoodKey(models.Model):
    """An enum as key: its order is that of its labels' making, not of their letters."""

    mood = MoodField(max_length=20, primary_key=True)

    class Meta:
        required_db_vendor = "postgresql"

    def __str__(self) -> str:
        return str(self.mood)


class Extremes(models.Model):
    """Values that psycopg or Django refuse to read."""

    datetime = models.DateTimeField(null=True)
    date = models.DateField(null=True)
    time = models.TimeField(null=True)
    duration = models.DurationField(null=True)
    decimal = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    float = models.FloatField(null=True)
    json = models.JSONField(null=True)

    class Meta:
        required_db_vendor = "postgresql"

    def __str__(self) -> str:
        return f"extremes {self.pk}"


class IndexedPg(models.Model):
    """Every kind of index that only PostgreSQL has."""

    name = models.CharField(max_length=100)
    number = models.IntegerField()
    data = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)

    class Meta:
        required_db_vendor = "postgresql"
        indexes = [
            BrinIndex(fields=["number"], pages_per_range=4, name="zoo_pg_brin"),
            HashIndex(fields=["name"], fillfactor=70, name="zoo_pg_hash"),
            SpGistIndex(OpClass("address", name="inet_ops"), name="zoo_pg_spgist"),
            GinIndex(fields=["data"], opclasses=["jsonb_path_ops"], name="zoo_pg_gin_path"),
            GinIndex(OpClass(Lower("name"), name="gin_trgm_ops"), name="zoo_pg_trigrams"),
            models.Index(fields=["name"], opclasses=["text_pattern_ops"], name="zoo_pg_pattern"),
            models.Index(
                Lower("name"),
                F("number").desc(nulls_last=True),
                include=["data"],
                condition=Q(number__gt=0),
                name="zoo_pg_all_at_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name
