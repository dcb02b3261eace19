"""What all commands share: databases, JSON, progress, and how an outcome becomes an exit status.

Exit status: 0 done; 1 could not do it (a sentence on standard error); 3 did it and found a problem.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups.exceptions import BackupsError
from backups.management.terminal import progress_bar
from backups.progress import Progress, silent
from backups.services.catalog import Asked

EVERY_DATABASE = "all"
COULD_NOT = 1
FOUND_A_PROBLEM = 3


@dataclass(slots=True)
class Outcome:
    """What a command did for one database: its JSON, its report for people, and the problems that it found."""

    document: Any
    report: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


class DatabaseCommand(BaseCommand):
    """A command that does one verb for one or more databases. Subclasses write ``perform``."""

    # On the worst day nothing else of the project need be in order; what a verb needs it checks itself.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False
    # What a command is asked for is shown at any verbosity where it is an answer, not a report of what was done.
    answers = False

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what every command takes, then the command's own."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "Exit status: 0 done; 1 could not do it; 3 did it and found a problem."
        parser.add_argument(
            "--database",
            action="append",
            metavar="ALIAS",
            dest="databases",
            help="Alias of DATABASES; repeat it for several, or say 'all'. Default: default.",
        )
        parser.add_argument("--json", action="store_true", help="Print one JSON document and nothing else.")
        self.add_options(parser)

    def add_options(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""

    @abstractmethod
    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Do the verb for one database."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the verb for each database and print what came of it; one that fails does not stop the others."""
        databases = _aliases(options["databases"])
        outcomes: list[Outcome] = []
        errors: list[BackupsError] = []
        for database in databases:
            try:
                with _watching(options) as progress:
                    outcomes.append(self.perform(database, options, progress))
            except BackupsError as error:
                errors.append(error)
                outcomes.append(Outcome({"error": str(error), "hint": error.hint}))
        if options["json"]:
            documents = [outcome.document for outcome in outcomes]
            several = len(databases) > 1 or EVERY_DATABASE in (options["databases"] or ())
            self.stdout.write(json.dumps(documents if several else documents[0], ensure_ascii=False, default=str))
        elif options["verbosity"] > 0 or self.answers:
            self._report(outcomes)
        for note in (note for outcome in outcomes for note in outcome.notes):
            self.stderr.write(f"Note: {note}")
        self._leave(outcomes, errors)

    def _report(self, outcomes: list[Outcome]) -> None:
        for line in (line for outcome in outcomes for line in outcome.report):
            self.stdout.write(line)

    def _leave(self, outcomes: list[Outcome], errors: list[BackupsError]) -> None:
        if errors:
            sentences = [f"{error}\n{error.hint}".strip() for error in errors]
            notes = [note for error in errors for note in getattr(error, "__notes__", [])]
            raise CommandError("\n".join([*sentences, *notes]), returncode=COULD_NOT)
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        if problems:
            raise CommandError("\n".join(problems), returncode=FOUND_A_PROBLEM)


def asked() -> Asked:
    """Return who asks: the user of this terminal."""
    try:
        return Asked(getpass.getuser(), "command")
    except (KeyError, OSError):
        # A container's user need not have a name.
        return Asked("", "command")


def duration(text: str) -> timedelta:
    """Read ``90``, ``90s``, ``15m``, ``2h`` or ``1d``; for argparse."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    if not number.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no duration; write 90s, 15m, 2h or 1d.")
    return timedelta(seconds=int(number) * units[unit])


def _aliases(asked_for: list[str] | None) -> list[str]:
    if not asked_for:
        return ["default"]
    if EVERY_DATABASE in asked_for:
        return list(settings.DATABASES)
    return list(dict.fromkeys(asked_for))


@contextmanager
def _watching(options: dict[str, Any]) -> Iterator[Progress]:
    if options["json"] or options["verbosity"] < 1 or not sys.stderr.isatty():
        yield silent
        return
    with progress_bar() as progress:
        yield progress
