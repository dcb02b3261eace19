"""``manage.py simulate_failure``: break a database on purpose."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from backups.engines import engine_for
from backups.management.base import DatabaseCommand, Outcome
from backups.progress import Progress
from backups.services.failure import MODES, simulate_failure, typed_name


class Command(DatabaseCommand):
    """Break a database on purpose."""

    help = "Break a database on purpose, to see what a restore is worth. Needs BACKUPS['ALLOW_SIMULATED_FAILURE']."

    def add_options(self, parser: CommandParser) -> None:
        """Add --mode, --confirm, --share and --seed."""
        parser.add_argument("--mode", required=True, choices=MODES)
        parser.add_argument(
            "--confirm", metavar="NAME", help="The name of the database, for scripts; else it is asked for."
        )
        parser.add_argument(
            "--share", type=float, default=0.5, help="Which part of the rows delete-rows deletes; default 0.5."
        )
        parser.add_argument(
            "--seed", type=int, default=0, help="Which rows, which bytes: the same seed breaks the same way."
        )

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Ask for the name, then break it."""
        confirm = options["confirm"]
        if confirm is None:
            confirm = _ask(typed_name(engine_for(database))) if sys.stdin.isatty() else ""
        done = simulate_failure(
            database, options["mode"], confirm=confirm, share=options["share"], seed=options["seed"]
        )
        return Outcome({"database": database, "mode": options["mode"], "done": done}, [done])


def _ask(name: str) -> str:
    return input(f"This breaks the database {name}. Type its name to go on: ").strip()
