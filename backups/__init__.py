"""Lifeboat: database backups for Django that prove they restore."""

__version__ = "0.1.0"
