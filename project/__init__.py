"""The demonstration project: a shop whose database is backed up."""

from importlib.util import find_spec

__all__: list[str] = []

# Celery is an extra: without it the project works, and only the schedule is missing.
if find_spec("celery") is not None:
    from project.celery import app as celery_app

    __all__ += ["celery_app"]
