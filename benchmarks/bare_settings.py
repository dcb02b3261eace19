"""The demonstration project without its shop, for databases of other tables: nothing of the shop is expected in them."""

from project.settings import *  # noqa: F403
from project.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [app for app in OURS if app != "shop"]
