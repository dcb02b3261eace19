"""The Celery application, and when backups are taken and proven."""

import os

from celery import Celery
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

app.conf.beat_schedule = {
    "back up every database each hour": {
        "task": "backups.tasks.back_up",
        "schedule": crontab(minute=0),
        "kwargs": {"database": "all"},
    },
    # Half past, so that the proof does not meet the backup that begins on the hour.
    "restore the latest backup each night, to prove it": {
        "task": "backups.tasks.verify",
        "schedule": crontab(hour=3, minute=30),
        "kwargs": {"backup": "latest", "database": "all", "level": "restore"},
    },
    # After the proof of the night, which keeps the backup that it has proven.
    "remove what the policy does not keep, each morning": {
        "task": "backups.tasks.prune",
        "schedule": crontab(hour=5, minute=15),
        "kwargs": {"database": "all"},
    },
}
