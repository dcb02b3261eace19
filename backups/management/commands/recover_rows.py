"""``manage.py recover_rows``: single rows of a backup back into the live database."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from backups.exceptions import ConfigurationError
from backups.management.base import DatabaseCommand, Outcome, asked
from backups.progress import Progress
from backups.recovery import Recovery, Request
from backups.services.recover import Recovered, plan_recovery, recover_rows


class Command(DatabaseCommand):
    """Bring rows back."""

    help = (
        "Bring rows that were deleted or spoilt back into the live database, in one transaction, with the parents that they "
        "need. What is live already is left as it is, unless --overwrite says otherwise."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add BACKUP, MODEL, PK and what to do about children, live rows and columns that are gone."""
        parser.add_argument("backup", help="An id, the beginning of one, latest, latest-verified.")
        parser.add_argument("model", help="A model such as shop.order, or the name of a table.")
        parser.add_argument(
            "pk", nargs="+", help="Primary keys; the parts of a composite one with commas between them."
        )
        parser.add_argument(
            "--with-children",
            action="store_true",
            help="Also the rows that pointed at them and are gone, and so on down.",
        )
        parser.add_argument(
            "--overwrite", action="store_true", help="Give rows that are live with other values those of the backup."
        )
        parser.add_argument(
            "--leave-out", action="append", default=[], metavar="COLUMN", help="A column that need not come back."
        )
        parser.add_argument("--dry-run", action="store_true", help="Print the plan, and do nothing.")
        parser.add_argument("--yes", action="store_true", help="Do not ask; for scripts.")

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Plan, ask, do."""
        request = Request(
            options["model"],
            tuple(options["pk"]),
            options["with_children"],
            options["overwrite"],
            tuple(options["leave_out"]),
        )
        if options["dry_run"]:
            plan = plan_recovery(database, options["backup"], request)
            return Outcome({**plan.as_json(), "written": 0, "id": None}, plan.sentences(), notes=list(plan.notes))
        shown: list[str] = []

        def agree(plan: Recovery) -> bool:
            shown.append(plan.backup)
            return options["yes"] or self._asked(plan, database)

        done = recover_rows(database, options["backup"], request, agree=agree, asked=asked())
        report = [] if shown and not options["yes"] else done.plan.sentences()
        return Outcome(
            {**done.plan.as_json(), "written": done.written, "id": done.run or None},
            [*report, f"Rows written to {database}: {done.written}."],
            _problems(done),
            list(done.notes),
        )

    def _asked(self, plan: Recovery, database: str) -> bool:
        if not sys.stdin.isatty():
            raise ConfigurationError(
                "Nobody can be asked here whether these rows may be written.", hint="Nothing was changed. Say --yes."
            )
        for line in plan.sentences():
            self.stderr.write(line)
        self.stderr.write(
            f"Write this to the live database {database} (rows: {len(plan.writes)})? Type yes: ", ending=""
        )
        self.stderr.flush()
        return sys.stdin.readline().strip().lower() == "yes"


def _problems(done: Recovered) -> list[str]:
    if not done.plan.kept:
        return []
    first = done.plan.kept[0].place
    return [
        f"Live with other values, and left as they are: {len(done.plan.kept)} of the rows, {first} among them. "
        "--overwrite gives them those of the backup."
    ]
