"""The PostgreSQL engine: the server writes the lines itself, and takes rows back through COPY."""

from backups.exceptions import ConfigurationError

try:
    from backups.engines.postgresql.engine import PostgreSQL
except ModuleNotFoundError as error:
    if error.name != "psycopg":
        raise
    raise ConfigurationError(
        "PostgreSQL needs the driver psycopg 3, which is not installed.",
        hint="pip install 'django-lifeboat[postgresql]'",
    ) from error

ENGINE = PostgreSQL

__all__ = ["ENGINE", "PostgreSQL"]
