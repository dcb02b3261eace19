"""The catalogue in Django's admin: read-only lists and pages, and three verbs that are done in the background."""

from backups.admin.backup import BackupAdmin
from backups.admin.check import CheckAdmin
from backups.admin.copy import CopyAdmin
from backups.admin.restore import RestoreAdmin
from backups.admin.verification import VerificationAdmin

__all__ = ["BackupAdmin", "CheckAdmin", "CopyAdmin", "RestoreAdmin", "VerificationAdmin"]
