"""A backup of one engine as another engine's database holds it, by way of the project's migrations."""

from backups.recast.building import plain_facts, recast
from backups.recast.contents import Recast, comparable
from backups.recast.moments import Zones, tzinfo_of

__all__ = ["Recast", "Zones", "comparable", "plain_facts", "recast", "tzinfo_of"]
