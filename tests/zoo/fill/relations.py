"""Rows of trees, cycles, inheritance, many-to-many relations, hidden rows and generic keys."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib.contenttypes.models import ContentType
from django.db import models

from tests.zoo.fill.insert import unchecked_references
from tests.zoo.models import (
    Animal,
    Authorship,
    Book,
    Cat,
    Chapter,
    Chicken,
    Egg,
    LoudCat,
    Mammal,
    Note,
    Person,
    Shelf,
    SoftDeleted,
    Tag,
    Tree,
    UuidKey,
)


def fill_relations(using: str) -> None:
    """Each of the models in ``models/relations.py``."""
    _tree(using)
    _cycle(using)
    _inheritance(using)
    _many_to_many(using)
    _hidden(using)
    _generic(using)


def _saved(using: str, row: Any) -> Any:
    row.save(using=using)
    return row


def _tree(using: str) -> None:
    parent = None
    for depth in range(12):
        parent = _saved(using, Tree(name=f"depth {depth:02}", parent=parent))
    rows = [_saved(using, Tree(name=name)) for name in ("early child", "late parent", "its own parent", "it's\n")]
    child, late, own, _ = rows
    trees = Tree.objects.using(using)
    trees.filter(pk=child.pk).update(parent=late)  # refers forward, to a larger key
    trees.filter(pk=late.pk).update(parent=child)  # and back
    trees.filter(pk=own.pk).update(parent=own)


def _cycle(using: str) -> None:
    with unchecked_references(using):
        for n in (1, 2, 3):
            Chicken(pk=100 + n, hatched_from_id=200 + n, name=f"chicken {n}").save(using=using, force_insert=True)
            Egg(pk=200 + n, laid_by_id=101 + n % 3).save(using=using, force_insert=True)
    Egg.objects.using(using).filter(pk=201).update(twin_id=202)
    Egg.objects.using(using).filter(pk=202).update(twin_id=201)


def _inheritance(using: str) -> None:
    _saved(using, Animal(name="only an animal"))
    _saved(using, Mammal(name="only a mammal", legs=2))
    cats = [_saved(using, Cat(name=f"cat {n}", lives=n)) for n in range(3)]
    cats.append(_saved(using, LoudCat(name="LOUD")))
    cats[0].enemies.add(cats[1], cats[3])
    cats[1].enemies.add(cats[2])


def _many_to_many(using: str) -> None:
    tags = list(Tag.objects.using(using).order_by("pk"))
    people = [_saved(using, Person(name=name)) for name in ("Ada", "Bé", "it's", "")]
    books = [_saved(using, Book(title=f"book {n}")) for n in range(3)]

    for book in books:
        book.tags.add(*tags)
    # Put back later, these links have keys that no one would count up again.
    books[0].tags.remove(tags[1], tags[3])
    books[0].tags.add(tags[1])
    books[2].tags.clear()
    books[1].shelved_with.add(*UuidKey.objects.using(using).filter(pk__in=[UUID(int=0), UUID(int=1)]))

    chapters = [_saved(using, Chapter(book=books[0], title=title)) for title in ("third", "first", "second")]
    books[0].set_chapter_order([chapters[1].pk, chapters[2].pk, chapters[0].pk], using=using)

    people[0].friends.add(people[1], people[2])
    people[0].follows.add(people[0], people[3])
    for role, book, person, share in (
        ("author", 0, 0, "0.5000"),
        ("deleted", 0, 1, None),
        ("author", 0, 0, None),
        ("editor", 1, 2, "0.3333"),
    ):
        share_or_null = None if share is None else Decimal(share)
        _saved(using, Authorship(book=books[book], person=people[person], role=role, share=share_or_null))
    Authorship.objects.using(using).filter(role="deleted").delete()


def _hidden(using: str) -> None:
    gone = datetime(2024, 1, 1, tzinfo=UTC)
    everything: models.QuerySet[SoftDeleted] = models.QuerySet(SoftDeleted, using=using)
    everything.bulk_create(
        [
            SoftDeleted(name=" spaces that save() would strip "),
            SoftDeleted(name="hidden", deleted_at=gone),
            SoftDeleted(name="alive"),
            SoftDeleted(name="hidden last", deleted_at=gone),
        ]
    )
    ids = list(everything.order_by("pk").values_list("pk", flat=True))
    shelf = _saved(using, Shelf(name="with hidden things", favourite_id=ids[1]))
    _saved(using, Shelf(name="empty"))
    through = Shelf.items.through
    through._base_manager.using(using).bulk_create([through(shelf_id=shelf.pk, softdeleted_id=item) for item in ids])


def _generic(using: str) -> None:
    kinds = ContentType.objects.db_manager(using)
    cat = Cat.objects.using(using).order_by("pk")[0]
    gone = _saved(using, ContentType(app_label="gone", model="invoice"))
    for kind, key, body in (
        (kinds.get_for_model(Animal), cat.pk, "on an animal"),
        (kinds.get_for_model(UuidKey), UUID(int=0), "on a UUID"),
        (kinds.get_for_model(LoudCat, for_concrete_model=False), cat.pk, "on a proxy"),
        (kinds.get_for_model(Tree), 987_654, "on nothing"),
        (gone, 1, "on a row of a removed app"),
    ):
        _saved(using, Note(content_type=kind, object_id=str(key), body=body))
