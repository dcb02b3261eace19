"""What all commands share: databases, JSON, progress, and how an outcome becomes an exit status.

Exit status: 0 done; 1 could not do it (a sentence on standard error); 3 did it and found a problem.
"""

from __future__ import annotations

import argparse
import gc
import getpass
import json
import os
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backups.engines import EVERY_DATABASE, aliases
from backups.exceptions import BackupsError
from backups.management.terminal import progress_bar
from backups.progress import Progress, silent
from backups.repository import age
from backups.repository.places import using
from backups.services.catalog import Asked

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
    # Whether its verb is done to databases; else it is done once.
    takes_databases = True
    # Whether it can work on a copy in another storage, in the place of the first.
    reads_copies = False

    def run_from_argv(self, argv: list[str]) -> None:
        """Do what the command line asks for; what was imported by then lasts, so the collector passes over it from here on.

        Rows are lists by the thousand, and each few hundred of them would have it look at all modules again.
        """
        gc.freeze()
        super().run_from_argv(argv)

    def add_arguments(self, parser: CommandParser) -> None:
        """Add what every command takes, then the command's own."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "Exit status: 0 done; 1 could not do it; 3 did it and found a problem."
        if self.takes_databases:
            parser.add_argument(
                "--database",
                action="append",
                metavar="ALIAS",
                dest="databases",
                help="Alias of DATABASES; repeat it for several, or say 'all'. Default: default.",
            )
        parser.add_argument("--json", action="store_true", help="Print one JSON document and nothing else.")
        if self.reads_copies:
            parser.add_argument(
                "--from", default="", metavar="STORAGE", help="Use the copy in this storage (an alias of STORAGES)."
            )
        self.add_options(parser)

    def add_options(self, parser: CommandParser) -> None:
        """Add the command's own arguments."""

    @abstractmethod
    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Do the verb for one database."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the verb for each database and print what came of it; one that fails does not stop the others."""
        if sys.stdin and sys.stdin.isatty():
            age.may_ask(getpass.getpass)
        asked = options.get("databases") or []
        databases = aliases(asked or ["default"]) if self.takes_databases else [""]
        outcomes: list[Outcome] = []
        errors: list[BackupsError] = []
        for database in databases:
            try:
                with _watching(options) as progress, using(options.get("from", "")):
                    outcomes.append(self.perform(database, options, progress))
            except BackupsError as error:
                errors.append(error)
                outcomes.append(Outcome({"error": str(error), "hint": error.hint}))
        with _reader_may_leave():
            self._print(outcomes, options, several=len(databases) > 1 or EVERY_DATABASE in asked)
        for note in (note for outcome in outcomes for note in outcome.notes):
            self.stderr.write(f"Note: {note}")
        self._leave(outcomes, errors)

    def _print(self, outcomes: list[Outcome], options: dict[str, Any], *, several: bool) -> None:
        if options["json"]:
            documents = [outcome.document for outcome in outcomes]
            self.stdout.write(json.dumps(documents if several else documents[0], ensure_ascii=False, default=str))
        elif options["verbosity"] > 0 or self.answers:
            for line in (line for outcome in outcomes for line in outcome.report):
                self.stdout.write(line)
        self.stdout.flush()

    def _leave(self, outcomes: list[Outcome], errors: list[BackupsError]) -> None:
        if errors:
            sentences = [f"{error}\n{error.hint}".strip() for error in errors]
            notes = [note for error in errors for note in getattr(error, "__notes__", [])]
            raise CommandError("\n".join([*sentences, *notes]), returncode=COULD_NOT)
        problems = [problem for outcome in outcomes for problem in outcome.problems]
        if problems:
            raise CommandError("\n".join(problems), returncode=FOUND_A_PROBLEM)


@contextmanager
def _reader_may_leave() -> Iterator[None]:
    """Let whoever reads the report (``| head``) stop before its end: what was done is done, and no error."""
    try:
        yield
    except BrokenPipeError:
        # Else the interpreter would meet it once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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


@contextmanager
def _watching(options: dict[str, Any]) -> Iterator[Progress]:
    if options["json"] or options["verbosity"] < 1 or not sys.stderr.isatty():
        yield silent
        return
    with progress_bar() as progress:
        yield progress
