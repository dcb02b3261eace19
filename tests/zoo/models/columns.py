"""Models by what their columns are: generated, defaulted, encrypted, oddly named, constrained, indexed, weathered."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower, Now, Upper

from tests.zoo.custom_fields import CollatedCharField, EncryptedTextField


class Generated(models.Model):
    """Columns that the database computes and nobody may write."""

    price = models.DecimalField(max_digits=10, decimal_places=2)
    total = models.GeneratedField(
        expression=F("price") * F("quantity"),
        output_field=models.DecimalField(max_digits=14, decimal_places=2),
        db_persist=True,
    )
    quantity = models.IntegerField()
    name = models.CharField(max_length=50)
    lowered = models.GeneratedField(
        expression=Lower("name"), output_field=models.CharField(max_length=50), db_persist=True, unique=True
    )

    def __str__(self) -> str:
        return self.name


class DatabaseDefaults(models.Model):
    """Columns whose defaults are the database's: a restored NULL must stay NULL."""

    number = models.IntegerField(null=True, db_default=7)
    text = models.CharField(max_length=50, null=True, db_default='it\'s \\ "quoted"')
    at = models.DateTimeField(null=True, db_default=Now())
    flag = models.BooleanField(null=True, db_default=True)
    amount = models.DecimalField(null=True, max_digits=6, decimal_places=3, db_default="1.500")
    touched = models.DateTimeField(auto_now=True)
    made = models.DateField(auto_now_add=True)

    def __str__(self) -> str:
        return f"defaults {self.pk}"


class Encrypted(models.Model):
    """Text that the database holds as ciphertext."""

    secret = EncryptedTextField(null=True)

    def __str__(self) -> str:
        return f"secret {self.pk}"


class Reserved(models.Model):
    """A table and columns named with reserved words, spaces and capitals."""

    order = models.IntegerField(db_column="order", null=True)
    group_by = models.CharField(max_length=50, db_column="group by", default="")
    where = models.TextField(db_column="WHERE", null=True)
    column = models.IntegerField(db_column="Column", null=True)
    fields = models.CharField(max_length=50, db_column="fields", default="")
    model = models.CharField(max_length=50, db_column="model", default="")
    exact = models.CharField(max_length=50, db_column="exact", default="")
    umlaut = models.CharField(max_length=50, db_column="größe", default="")
    next = models.ForeignKey("self", models.CASCADE, null=True, db_column="references")

    class Meta:
        db_table = "select"

    def __str__(self) -> str:
        return f"reserved {self.pk}"


class LongNames(models.Model):
    """Names as long as every engine can hold: 63 bytes."""

    a_column_whose_name_is_as_long_as_every_engine_can_hold_63_char = models.IntegerField(null=True)
    another_column_with_an_index_whose_name_has_to_be_cut_somewhere = models.CharField(
        max_length=50, db_index=True, default=""
    )

    class Meta:
        db_table = "zoo_a_table_whose_name_is_as_long_as_every_engine_can_hold_63xx"

    def __str__(self) -> str:
        return f"long {self.pk}"


class Collated(models.Model):
    """Texts under a collation that is not the database's default."""

    name = CollatedCharField(
        max_length=100,
        unique=True,
        collations={"sqlite": "NOCASE", "postgresql": "POSIX", "mysql": "utf8mb4_german2_ci"},
    )
    exact = CollatedCharField(
        max_length=100, default="", collations={"sqlite": "RTRIM", "postgresql": "C", "mysql": "utf8mb4_bin"}
    )

    def __str__(self) -> str:
        return str(self.name)


class Commented(models.Model):
    """Comments on a table and its columns, with all that needs quoting."""

    plain = models.IntegerField(db_comment="How many.")
    odd = models.CharField(max_length=50, db_comment='It\'s "odd": \\ `x` ü \U0001f6df;\nsecond line')

    class Meta:
        db_table_comment = 'The table\'s "comment"; with a semicolon'

    def __str__(self) -> str:
        return self.odd


class Constrained(models.Model):
    """Every kind of constraint that Django knows on all engines, and those that only some of them hold."""

    unit = models.CharField(max_length=10)
    low = models.IntegerField()
    high = models.IntegerField()
    name = models.CharField(max_length=50)
    code = models.CharField(max_length=20, null=True)
    active = models.BooleanField(default=True)
    rank = models.IntegerField(null=True)

    class Meta:
        unique_together = [("unit", "name")]
        constraints = [
            models.CheckConstraint(condition=Q(unit__in=["kg", "lb", "it's"]), name="zoo_unit_known"),
            models.CheckConstraint(condition=Q(low__lt=F("high")) | Q(low=0, high=0), name="zoo_low_high"),
            models.CheckConstraint(condition=~Q(name__startswith="100%"), name="zoo_no_percent"),
            models.UniqueConstraint(fields=["low", "high"], name="zoo_low_high_unique"),
            models.UniqueConstraint(fields=["name"], condition=Q(active=True), name="zoo_one_active_name"),
            models.UniqueConstraint(fields=["code"], nulls_distinct=False, name="zoo_code_one_null"),
            models.UniqueConstraint(Lower("code"), F("unit"), name="zoo_code_lowered"),
            models.UniqueConstraint(fields=["rank"], name="zoo_rank_deferred", deferrable=models.Deferrable.DEFERRED),
        ]

    def __str__(self) -> str:
        return self.name


class Indexed(models.Model):
    """Every kind of index that Django knows on all engines, and those that only some of them hold."""

    first = models.CharField(max_length=50, db_index=True)
    second = models.CharField(max_length=50)
    number = models.IntegerField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["second", "-number"], name="zoo_second_number_desc"),
            models.Index(Upper("first"), F("number").desc(), name="zoo_first_upper"),
            models.Index(fields=["number"], condition=Q(number__gt=10), name="zoo_number_large"),
            models.Index(fields=["second"], include=["first"], name="zoo_second_with_first"),
        ]

    def __str__(self) -> str:
        return self.first


class Weathered(models.Model):
    """A table that was renamed, lost a column, gained a late one and had its key widened.

    Its columns lie in another order than its fields, and on PostgreSQL its sequence keeps the old name.
    """

    first = models.CharField(max_length=50)
    added_in_the_middle = models.IntegerField(default=7)
    new_label = models.CharField(max_length=50, db_index=True)
    last = models.CharField(max_length=50, default="")

    def __str__(self) -> str:
        return self.new_label
