"""Settings of the tests: the demonstration project's, with everything that they write in a temporary folder."""

import atexit
import os
import shutil
import tempfile
from importlib.util import find_spec
from pathlib import Path

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS, STORAGES
from tests.zoo import SILENCED_SYSTEM_CHECKS  # noqa: F401

# Commands that a test starts as processes of their own inherit the folder, and with it the databases.
if "LIFEBOAT_TESTS_DIR" not in os.environ:
    os.environ["LIFEBOAT_TESTS_DIR"] = tempfile.mkdtemp(prefix="lifeboat-tests-")
    atexit.register(shutil.rmtree, os.environ["LIFEBOAT_TESTS_DIR"], ignore_errors=True)
# Tests that run side by side have a folder each.
TESTS_DIR = Path(os.environ["LIFEBOAT_TESTS_DIR"], os.environ.get("PYTEST_XDIST_WORKER", "alone"))
TESTS_DIR.mkdir(exist_ok=True)

DEBUG = False
SECRET_KEY = "for-tests-only"
ALLOWED_HOSTS = ["*"]

# A file, not memory: backups of files, and other processes, are what is tested.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": TESTS_DIR / "db.sqlite3",
        "TEST": {"NAME": TESTS_DIR / "test.sqlite3"},
    }
}

INSTALLED_APPS = [
    *INSTALLED_APPS,
    "tests.zoo",
    "tests.zoo.bare",
    # Their fields need the driver even to be imported.
    *(["django.contrib.postgres", "tests.zoo_pg"] if find_spec("psycopg") else []),
]
DATABASE_ROUTERS = ["tests.zoo.router.ZooRouter"]

STORAGES = {
    **STORAGES,
    "backups": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": TESTS_DIR / "backups",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

BACKUPS = {"ALLOW_RESTORE_FROM_ADMIN": True, "ALLOW_SIMULATED_FAILURE": True}

# What a task would do, it does at once; tests with a real worker set a broker themselves.
CELERY_BROKER_URL = None
CELERY_TASK_ALWAYS_EAGER = True
CELERY_TASK_EAGER_PROPAGATES = True

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
