"""Settings of a site that a test made: few applications, so that a process begins quickly, and what its file says."""

import json
import os
from pathlib import Path
from typing import Any

SITE: dict[str, Any] = json.loads(Path(os.environ["LIFEBOAT_TEST_SITE"]).read_text())

SECRET_KEY = "for-tests-only"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django.contrib.sessions",
    "shop",
    "backups",
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
SILENCED_SYSTEM_CHECKS = ["backups.W002"]

globals().update(SITE)
