"""A backup of one engine as another engine's database holds it, by way of the project's migrations."""

from backups.recast.building import plain_facts, recast
from backups.recast.contents import Recast, comparable

__all__ = ["Recast", "comparable", "plain_facts", "recast"]
