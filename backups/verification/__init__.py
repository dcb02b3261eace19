"""The proof: checks of a backup and of a restored copy of it, and how a project adds its own."""

from backups.verification.findings import Finding, Level, Result, Status
from backups.verification.registry import check
from backups.verification.verify import Subject, prove_database, verify

__all__ = ["Finding", "Level", "Result", "Status", "Subject", "check", "prove_database", "verify"]
