"""The PostgreSQL engine: the server writes the lines itself, and takes rows back through COPY."""

from backups.engines.postgresql.engine import PostgreSQL

ENGINE = PostgreSQL

__all__ = ["ENGINE", "PostgreSQL"]
