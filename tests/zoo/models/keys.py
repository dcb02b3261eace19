"""Models by kind of primary key, and foreign keys to each kind."""

import uuid

from django.db import models


class SmallAutoKey(models.Model):
    """A 16-bit counter."""

    id = models.SmallAutoField(primary_key=True)
    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class AutoKey(models.Model):
    """A 32-bit counter; its rows include zero, negative ones and one far above the counter."""

    id = models.AutoField(primary_key=True)
    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class BigAutoKey(models.Model):
    """A 64-bit counter."""

    id = models.BigAutoField(primary_key=True)
    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class HighWater(models.Model):
    """A table whose counter stands above its largest key, since its last rows were deleted."""

    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class UuidKey(models.Model):
    """A UUID as key."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class CharKey(models.Model):
    """Text as key: the engine's collation decides the order, and which texts are equal."""

    name = models.CharField(max_length=200, primary_key=True)
    label = models.CharField(max_length=100, default="")

    def __str__(self) -> str:
        return self.name


class SlugKey(models.Model):
    """Text as key that is also a foreign key to text as key."""

    slug = models.OneToOneField(CharKey, models.CASCADE, primary_key=True, db_column="the slug")

    def __str__(self) -> str:
        return str(self.pk)


class DateKey(models.Model):
    """A moment as key."""

    at = models.DateTimeField(primary_key=True)
    label = models.CharField(max_length=100, default="")

    def __str__(self) -> str:
        return str(self.at)


class DecimalKey(models.Model):
    """A decimal as key."""

    amount = models.DecimalField(max_digits=12, decimal_places=4, primary_key=True)

    def __str__(self) -> str:
        return str(self.amount)


class Snowflake(models.Model):
    """A 64-bit key that the application hands out, negative ones included."""

    id = models.BigIntegerField(primary_key=True)
    label = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.label


class OneToOneKey(models.Model):
    """A key that is a foreign key."""

    snowflake = models.OneToOneField(Snowflake, models.CASCADE, primary_key=True)
    label = models.CharField(max_length=100, default="")

    def __str__(self) -> str:
        return self.label


class Seat(models.Model):
    """A composite key of three kinds, declared in another order than its columns."""

    pk = models.CompositePrimaryKey("hall", "row", "number")
    number = models.IntegerField()
    label = models.CharField(max_length=100, default="")
    row = models.CharField(max_length=10)
    hall = models.UUIDField()

    def __str__(self) -> str:
        return self.label


class Reading(models.Model):
    """A composite key with a foreign key and a moment in it."""

    pk = models.CompositePrimaryKey("sensor", "taken_at")
    sensor = models.ForeignKey(Snowflake, models.CASCADE)
    taken_at = models.DateTimeField()
    value = models.FloatField(null=True)

    def __str__(self) -> str:
        return f"{self.sensor_id} {self.taken_at}"


class KeyHolder(models.Model):
    """Foreign keys to each kind of key, and one to a unique column that is no key."""

    auto = models.ForeignKey(AutoKey, models.CASCADE, null=True)
    big_auto = models.ForeignKey(BigAutoKey, models.SET_NULL, null=True)
    small_auto = models.ForeignKey(SmallAutoKey, models.PROTECT, null=True)
    uuid = models.ForeignKey(UuidKey, models.RESTRICT, null=True)
    char = models.ForeignKey(CharKey, models.SET_DEFAULT, null=True, default=None)
    date = models.ForeignKey(DateKey, models.CASCADE, null=True)
    decimal = models.ForeignKey(DecimalKey, models.CASCADE, null=True)
    snowflake = models.ForeignKey(Snowflake, models.DO_NOTHING, null=True)
    unenforced = models.ForeignKey(
        Snowflake, models.DO_NOTHING, null=True, db_constraint=False, related_name="unenforced"
    )
    tag = models.ForeignKey("zoo.Tag", models.CASCADE, null=True, to_field="name")

    def __str__(self) -> str:
        return f"holder {self.pk}"
