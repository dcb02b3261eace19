"""SQLite."""

from backups.engines.sqlite.engine import SQLiteEngine

ENGINE = SQLiteEngine
