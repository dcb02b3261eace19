"""``manage.py restore_db``: a backup into a fresh database, proven before it is called done, and into the live one's place."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from backups.engines import engine_for
from backups.exceptions import ConfigurationError
from backups.management.base import DatabaseCommand, Outcome, asked
from backups.management.replacing import replace, undo
from backups.management.restoring import copy_json, copy_report, planned
from backups.progress import Progress
from backups.services.restore import RestoredCopy, plan_restore, restore_backup


class Command(DatabaseCommand):
    """Restore into a fresh database, and put it in the live one's place where that is asked for."""

    reads_copies = True

    help = (
        "Restore a backup into a fresh database and prove it. Never touches a database that exists; whatever goes wrong, "
        "the half-made one is dropped. With --replace the proven copy then takes the live database's place in one step, "
        "and the old one is kept: --undo puts it back."
    )

    def add_options(self, parser: CommandParser) -> None:
        """Add BACKUP, where to, how the tables are made, and what comes after."""
        parser.add_argument(
            "backup", nargs="?", default="latest", help="An id, the beginning of one, latest, latest-verified."
        )
        where = parser.add_mutually_exclusive_group()
        where.add_argument("--to", default="", metavar="NAME", help="A database, or a file, that is not there yet.")
        where.add_argument("--replace", action="store_true", help="Put it in the place of the live database.")
        where.add_argument("--undo", action="store_true", help="Put back the database that was replaced last.")
        parser.add_argument(
            "--swap-schema",
            action="store_true",
            help="With --replace, on PostgreSQL where no database may be made: exchange the schemas inside the live one.",
        )
        parser.add_argument(
            "--to-database",
            default="",
            metavar="ALIAS",
            help="Make it on the server of this alias of DATABASES; without --to, the very database that it names, which may be "
            "there if it is empty.",
        )
        parser.add_argument(
            "--confirm",
            metavar="NAME",
            help="With --replace and --undo: the live database's name, for scripts; else it is asked for.",
        )
        parser.add_argument(
            "--schema",
            choices=("archived", "migrations"),
            default="archived",
            help="The archived tables exactly (the default), or those that the recorded migrations make, on any engine.",
        )
        parser.add_argument(
            "--tables",
            type=_names,
            default=(),
            metavar="TABLE,…",
            help="Rows of these only (shop.order,shop.customer), with the definition of everything.",
        )
        parser.add_argument(
            "--expect", type=int, metavar="SEQUENCE", help="Refuse unless the newest backup has at least this number."
        )
        parser.add_argument(
            "--accept-unsigned",
            action="store_true",
            help="Take a backup that only an earlier signing key speaks for: you know that it is yours.",
        )
        parser.add_argument(
            "--migrate",
            action="store_true",
            help="Then migrate the proven copy to today's code, before it takes its name.",
        )
        parser.add_argument("--dry-run", action="store_true", help="Print what would be done, and do nothing.")

    def perform(self, database: str, options: dict[str, Any], progress: Progress) -> Outcome:
        """Plan, restore, replace or undo."""
        if options["swap_schema"] and not options["replace"]:
            raise ConfigurationError(
                "--swap-schema says how --replace is done, and means nothing without it.",
                hint="Nothing was changed. restore_db --undo finds what was kept, whichever way it was replaced.",
            )
        if options["undo"] or options["replace"]:
            _refuse_elsewhere(options)
            return (undo if options["undo"] else replace)(database, options, progress)
        where = {name: options[name] for name in ("to", "to_database", "expect", "migrate", "tables")}
        where["unvouched"] = options["accept_unsigned"]
        where["rebuild"] = options["schema"] == "migrations"
        if options["dry_run"]:
            plan = plan_restore(database, options["backup"], **where)
            return Outcome(plan.as_json(), planned(plan))
        copy = restore_backup(database, options["backup"], **where, asked=asked(), progress=progress)
        return Outcome(copy_json(copy), _report(copy), notes=list(copy.notes))


def _refuse_elsewhere(options: dict[str, Any]) -> None:
    if options["to_database"] or options["tables"]:
        raise ConfigurationError(
            "--replace and --undo are for the whole live database of --database.",
            hint="Nothing was changed. Rows of some tables: restore_db --tables TABLE --to NAME makes a fresh database beside "
            "it, recover_rows brings them into the live one. Another alias's database: restore_db --to-database ALIAS.",
        )


def _report(copy: RestoredCopy) -> list[str]:
    return [
        *copy_report(copy, f" into {copy.target.describe()}"),
        f"{_what(copy)} is as the backup recorded it. {_how_to_use(copy)}",
    ]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _what(copy: RestoredCopy) -> str:
    return f"Of {', '.join(copy.only)} everything" if copy.only else "Everything"


def _how_to_use(copy: RestoredCopy) -> str:
    alias = copy.target.alias
    if engine_for(alias).name == copy.target.name:
        return f"It is the database of alias {alias!r}."
    return f"To use it, set NAME of alias {alias!r} to {copy.target.name!r}."
