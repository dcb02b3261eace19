"""The demonstration project with django-dbbackup in it, which only measurements use."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "dbbackup"]
