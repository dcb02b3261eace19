"""A database → the repository: everything of a backup but its commit."""

from backups.archiver.archive import Request, archive
from backups.archiver.writer import Journal

__all__ = ["Journal", "Request", "archive"]
