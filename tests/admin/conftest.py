"""Fixtures of the admin: rows of a catalogue, users with some permissions, clients that are logged in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from tests.catalogue import catalogue

__all__ = ["catalogue"]

PASSWORD = "admin"
Login = Callable[..., Client]


@pytest.fixture
def login(catalogue: Path) -> Login:
    """Return a function that makes a staff user with these permissions of this app, and a client of theirs."""

    def make(*codenames: str, enforce_csrf_checks: bool = False) -> Client:
        user = User.objects.create_user("ada", password=PASSWORD, is_staff=True)
        permissions = Permission.objects.filter(content_type__app_label="backups", codename__in=codenames)
        assert permissions.count() == len(codenames)
        user.user_permissions.set(permissions)
        return _client(user, enforce_csrf_checks)

    return make


@pytest.fixture
def superuser(catalogue: Path) -> Client:
    """A client of one who may do everything."""
    return _client(User.objects.create_superuser("root", password=PASSWORD), False)


def _client(user: User, enforce_csrf_checks: bool) -> Client:
    client = Client(enforce_csrf_checks=enforce_csrf_checks)
    client.force_login(user)
    return client
