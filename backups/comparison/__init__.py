"""Two states of one database, compared by walking what differs: two backups, or a backup and the live database."""

from backups.comparison.compare import LIVE, compare_backups, compare_live
from backups.comparison.difference import Difference, RowChange, TableDifference, chosen

__all__ = ["LIVE", "Difference", "RowChange", "TableDifference", "chosen", "compare_backups", "compare_live"]
