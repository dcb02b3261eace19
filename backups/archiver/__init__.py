"""A database → the repository: everything of a backup but its commit."""

from backups.archiver.archive import Request, archive

__all__ = ["Request", "archive"]
