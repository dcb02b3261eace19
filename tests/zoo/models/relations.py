"""Models by how they refer to one another: trees, cycles, inheritance, many-to-many, hidden rows, generic keys."""

from typing import Any

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models


class Tree(models.Model):
    """A row that refers to its own table."""

    parent = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="children")
    name = models.CharField(max_length=100)

    class Meta:
        ordering = ["-name"]  # a reader that trusts the default ordering does not read in key order

    def __str__(self) -> str:
        return self.name


class Chicken(models.Model):
    """Half of a cycle that neither side can leave empty."""

    hatched_from = models.ForeignKey("zoo.Egg", models.CASCADE, related_name="hatched")
    name = models.CharField(max_length=100)

    def __str__(self) -> str:
        return self.name


class Egg(models.Model):
    """The other half."""

    laid_by = models.ForeignKey(Chicken, models.CASCADE, related_name="laid")
    twin = models.OneToOneField("self", models.SET_NULL, null=True)

    def __str__(self) -> str:
        return f"egg {self.pk}"


class Animal(models.Model):
    """The root of multi-table inheritance."""

    name = models.CharField(max_length=100)
    notes = GenericRelation("zoo.Note")

    def __str__(self) -> str:
        return self.name


class Mammal(Animal):
    """One level down, with a named parent link."""

    as_animal = models.OneToOneField(Animal, models.CASCADE, parent_link=True, primary_key=True)
    legs = models.SmallIntegerField(default=4)


class Cat(Mammal):
    """Two levels down."""

    lives = models.SmallIntegerField(default=9)
    enemies = models.ManyToManyField("self", symmetrical=True)


class LoudCat(Cat):
    """A proxy, which has no table."""

    class Meta:
        proxy = True


class Tag(models.Model):
    """The far side of several many-to-many relations."""

    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class Person(models.Model):
    """Many-to-many to itself, both ways and one way."""

    name = models.CharField(max_length=100)
    friends = models.ManyToManyField("self")
    follows = models.ManyToManyField("self", symmetrical=False, related_name="followers")

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    """Many-to-many without a through model, with one, and with an odd table name."""

    title = models.CharField(max_length=200)
    tags = models.ManyToManyField(Tag)
    authors = models.ManyToManyField(Person, through="zoo.Authorship")
    shelved_with = models.ManyToManyField("zoo.UuidKey", db_table="zoo group by")

    def __str__(self) -> str:
        return self.title


class Authorship(models.Model):
    """An explicit through model; the same pair may occur more than once."""

    book = models.ForeignKey(Book, models.CASCADE)
    person = models.ForeignKey(Person, models.CASCADE)
    role = models.CharField(max_length=50)
    share = models.DecimalField(max_digits=5, decimal_places=4, null=True)

    def __str__(self) -> str:
        return self.role


class Chapter(models.Model):
    """A row with a place among its siblings, in a column that no field of the class declares."""

    book = models.ForeignKey(Book, models.CASCADE)
    title = models.CharField(max_length=100)

    class Meta:
        order_with_respect_to = "book"

    def __str__(self) -> str:
        return self.title


class LivingManager(models.Manager["SoftDeleted"]):
    """Hides the rows that were deleted softly."""

    def get_queryset(self) -> models.QuerySet["SoftDeleted"]:
        return super().get_queryset().filter(deleted_at__isnull=True)


class SoftDeleted(models.Model):
    """A model whose default manager, and base manager, hide rows."""

    name = models.CharField(max_length=100)
    deleted_at = models.DateTimeField(null=True)

    objects = LivingManager()

    class Meta:
        base_manager_name = "objects"
        default_manager_name = "objects"

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Changes what it saves, as models in the wild do: a restore must not come through here."""
        self.name = self.name.strip()
        super().save(*args, **kwargs)


class Shelf(models.Model):
    """Links to rows that their own manager hides, by foreign key and by many-to-many."""

    name = models.CharField(max_length=100)
    favourite = models.ForeignKey(SoftDeleted, models.CASCADE, null=True, related_name="favoured")
    items = models.ManyToManyField(SoftDeleted)

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """A generic foreign key: a content type and a key as text, which nothing enforces."""

    content_type = models.ForeignKey(ContentType, models.CASCADE)
    object_id = models.CharField(max_length=100)
    target = GenericForeignKey("content_type", "object_id")
    body = models.TextField()

    class Meta:
        indexes = [models.Index(fields=["content_type", "object_id"], name="zoo_note_target")]

    def __str__(self) -> str:
        return self.body
