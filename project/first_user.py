"""Make the demonstration's first superuser: `python -m project.first_user`."""

import os
import sys

import django
from django.conf import settings

NAME = "admin"
PASSWORD = "admin"  # noqa: S105 - a demonstration's, refused where DEBUG is off


def make_first_user() -> str:
    """Make the superuser admin/admin where there is none yet, and say in a sentence what was done."""
    from django.contrib.auth.models import User

    if not settings.DEBUG:
        return "No superuser was made, since DEBUG is off: make one with `manage.py createsuperuser`."
    if User.objects.filter(is_superuser=True).exists():
        return "There is a superuser already."
    User.objects.create_superuser(NAME, password=PASSWORD)
    return f"Made the superuser {NAME!r} with the password {PASSWORD!r}."


def main() -> None:
    """Set Django up, make the user, and print the sentence."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    django.setup()
    sys.stdout.write(make_first_user() + "\n")


if __name__ == "__main__":
    main()
