"""Settings of the demonstration project: each that differs between machines is read from the environment."""

import os
from pathlib import Path
from typing import Any

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


def _flag(name: str, *, default: bool) -> bool:
    return os.environ.get(name, str(default)).strip().lower() in {"1", "true", "yes", "on"}


def _secret_key(*, debug: bool) -> str:
    key = os.environ.get("SECRET_KEY", "")
    if not key and not debug:
        raise ImproperlyConfigured("SECRET_KEY is not set. Set it, since DEBUG is off.")
    return key or "for-demonstrations-only-and-known-to-everybody"


def _database(url: str) -> dict[str, Any]:
    config: dict[str, Any] = dict(dj_database_url.parse(url))
    if config["ENGINE"] == "django.db.backends.mysql":
        # Names and notes hold characters beyond three bytes; a server's own default may not.
        config.setdefault("OPTIONS", {}).setdefault("charset", "utf8mb4")
    return config


DEBUG = _flag("DEBUG", default=True)
SECRET_KEY = _secret_key(debug=DEBUG)
ALLOWED_HOSTS = [host for host in os.environ.get("ALLOWED_HOSTS", "").split(",") if host]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "shop",
    "backups",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# SQLite makes its file, but not the folder above it.
VAR_DIR.mkdir(exist_ok=True)
DATABASES = {"default": _database(os.environ.get("DATABASE_URL") or f"sqlite:///{VAR_DIR / 'db.sqlite3'}")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "backups": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": os.environ.get("BACKUPS_DIR") or VAR_DIR / "backups",
            # Backups hold every row of the shop: nobody but the owner reads them.
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    },
}

# The last two break or replace a database, which a demonstration wants and a production site does not.
BACKUPS = {
    # A key of its own, so that rotating SECRET_KEY, or learning it, is nothing to the backups.
    "SIGNING_KEY": os.environ.get("BACKUPS_SIGNING_KEY") or ("for-demonstrations-only" if DEBUG else ""),
    # Public keys, parted by commas; the identity lies where restores happen.
    "RECIPIENTS": [key for key in os.environ.get("BACKUPS_RECIPIENTS", "").split(",") if key],
    "IDENTITY_FILE": os.environ.get("BACKUPS_IDENTITY_FILE") or None,
    "ALLOW_RESTORE_FROM_ADMIN": DEBUG,
    "ALLOW_SIMULATED_FAILURE": DEBUG,
}

CELERY_BROKER_URL = os.environ.get("CELERY_BROKER_URL") or None
# Without a broker a task runs at once, in the process that asks for it.
CELERY_TASK_ALWAYS_EAGER = CELERY_BROKER_URL is None
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that accepts connections and never answers must not hang the admin.
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_timeout": 5, "socket_connect_timeout": 5}
CELERY_TIMEZONE = TIME_ZONE
