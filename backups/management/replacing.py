"""``restore_db --replace`` and ``--undo``: asking for the name, and what is printed."""

from __future__ import annotations

import sys
from typing import Any

from backups.engines import engine_for
from backups.exceptions import ConfigurationError
from backups.management.base import Outcome, asked
from backups.management.restoring import copy_json, copy_report
from backups.management.terminal import span
from backups.progress import Progress
from backups.services.failure import typed_name
from backups.services.kept import kept_databases
from backups.services.replace import (
    Replaced,
    Undone,
    plan_replacement,
    plan_undoing,
    replace_database,
    undo_replacement,
)

_NOTHING = "Nothing was changed: this is the plan alone."


def replace(database: str, options: dict[str, Any], progress: Progress) -> Outcome:
    """Plan, or put a proven copy in the live database's place."""
    backup, how = options["backup"], {name: options[name] for name in ("expect", "migrate")}
    how |= {"rebuild": options["schema"] == "migrations", "unvouched": options["accept_unsigned"]}
    how["swap_schema"] = options["swap_schema"]
    if options["dry_run"]:
        plan = plan_replacement(database, backup, **how)
        return Outcome({"plan": plan}, [*plan, _NOTHING])
    confirm = _name(database, options, "This puts a backup in the place of the database")
    done = replace_database(database, backup, confirm=confirm, **how, asked=asked(), progress=progress)
    return Outcome(_replaced_json(done), _replaced(done), notes=list(done.notes))


def undo(database: str, options: dict[str, Any], progress: Progress) -> Outcome:
    """Plan, or put back the database that was kept last."""
    if options["dry_run"]:
        plan = plan_undoing(database).sentences()
        kept = [f"Kept: {one.name}, since {one.since:%Y-%m-%d %H:%M:%S} UTC." for one in kept_databases(database)]
        return Outcome({"plan": plan, "kept": [one.name for one in kept_databases(database)]}, [*kept, *plan, _NOTHING])
    confirm = _name(database, options, "This puts the database that was replaced last back in the place of")
    done = undo_replacement(database, confirm=confirm, asked=asked(), progress=progress)
    return Outcome(_undone_json(done), _undone(done), notes=list(done.notes))


def _name(database: str, options: dict[str, Any], doing: str) -> str:
    given: str | None = options["confirm"]
    if given is not None:
        return given
    name = typed_name(engine_for(database).standing())
    if not sys.stdin.isatty():
        raise ConfigurationError(
            "The name of the live database has to be typed, and there is no terminal to type it in.",
            hint=f"Nothing was changed. In a script: --confirm {name}",
        )
    return input(f"{doing} {name}. Type its name to go on: ").strip()


def _replaced_json(done: Replaced) -> dict[str, Any]:
    return {
        **copy_json(done.copy),
        "id": done.run,
        "target": done.live.name,
        "exchange_seconds": done.exchange_seconds,
        "kept": done.kept or None,
        "safety_backup": done.safety or None,
    }


def _replaced(done: Replaced) -> list[str]:
    kept = f"The one before is kept as {_kept(done)}. To put it back: restore_db --undo."
    return [
        *copy_report(done.copy),
        f"Everything is as the backup recorded it, and it is live: {done.live.describe()} (exchanged in "
        f"{span(done.exchange_seconds)}).",
        *([f"What was there before was backed up first, as {done.safety}."] if done.safety else []),
        kept if done.kept else "There was none before, so there is nothing to undo.",
    ]


def _kept(done: Replaced | Undone) -> str:
    return done.live.at(done.kept).describe() if done.live.is_inside and done.kept else done.kept


def _undone_json(done: Undone) -> dict[str, Any]:
    return {
        "id": done.run,
        "target": done.live.name,
        "restored": done.restored,
        "kept": done.kept or None,
        "status": "complete",
        "exchange_seconds": done.exchange_seconds,
    }


def _undone(done: Undone) -> list[str]:
    kept = f"What was live until now is kept as {_kept(done)}; restore_db --undo swaps them once more."
    return [
        f"{done.restored} is live again: {done.live.describe()} (exchanged in {span(done.exchange_seconds)}).",
        *([kept] if done.kept else []),
    ]
