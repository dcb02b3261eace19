"""Single rows of a backup → the live database: what is needed is gathered and planned first, then done in one transaction."""

from backups.recovery.doing import carry_out
from backups.recovery.plan import Action, Planned, Recovery, Why
from backups.recovery.planning import Request, plan

__all__ = ["Action", "Planned", "Recovery", "Request", "Why", "carry_out", "plan"]
