"""Fields whose columns have types that Django does not know: an enum, a domain, case-insensitive text."""

from typing import Any

from django.db import models

# Django's fields name no type arguments: they take none at run time.


class MoodField(models.CharField):  # type: ignore[type-arg]
    """A column of the enum ``zoo_pg_mood``."""

    def db_type(self, connection: Any) -> str:
        return "zoo_pg_mood"


class EvenField(models.IntegerField):  # type: ignore[type-arg]
    """A column of the domain ``zoo_pg_even``."""

    def db_type(self, connection: Any) -> str:
        return "zoo_pg_even"


class CITextField(models.TextField):  # type: ignore[type-arg]
    """A column of the extension type ``citext``."""

    def db_type(self, connection: Any) -> str:
        return "citext"
