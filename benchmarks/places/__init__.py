"""Database servers to measure on, and what their own tools can do."""

from benchmarks.places.base import PREFIX, Place, Rival
from benchmarks.places.mariadb import MariaDB
from benchmarks.places.postgresql import PostgreSQL
from benchmarks.places.sqlite import SQLite

__all__ = ["PREFIX", "MariaDB", "Place", "PostgreSQL", "Rival", "SQLite"]
