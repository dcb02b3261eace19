"""MariaDB 10.6+ and MySQL 8."""

from backups.engines.mysql.engine import MySqlEngine

ENGINE = MySqlEngine

__all__ = ["ENGINE", "MySqlEngine"]
