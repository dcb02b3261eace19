"""The verb *simulate failure*: break a database on purpose, to see what a restore is worth."""

from __future__ import annotations

from backups.conf import get_settings
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, TargetError

MODES = ("drop-database", "drop-tables", "truncate", "delete-rows", "half-migration", "corrupt-file")


def simulate_failure(database: str, mode: str, *, confirm: str, share: float = 0.5, seed: int = 0) -> str:
    """Break the database of an alias and return a sentence on what was done.

    Refuses unless BACKUPS["ALLOW_SIMULATED_FAILURE"] is set and ``confirm`` is the database's name. ``share`` is the
    part of the rows that mode delete-rows deletes.
    """
    engine = engine_for(database)
    if not get_settings().ALLOW_SIMULATED_FAILURE:
        raise ConfigurationError(
            "Breaking a database on purpose is not allowed here.",
            hint="Set BACKUPS['ALLOW_SIMULATED_FAILURE'] = True, and only where the data may be lost.",
        )
    if mode not in MODES:
        raise ConfigurationError(f"There is no failure {mode!r}.", hint=f"Modes: {', '.join(MODES)}.")
    if not 0 <= share <= 1:
        raise ConfigurationError(
            f"The share of the rows to delete is {share}, and was expected between 0 and 1.",
            hint="Nothing was changed.",
        )
    if not confirm:
        raise ConfigurationError(
            "The name of the database has to be typed before it is broken.",
            hint=f"Nothing was changed. In a script: --confirm {typed_name(engine)}",
        )
    if confirm != typed_name(engine):
        raise ConfigurationError(
            f"{confirm!r} is not the name of the database.",
            hint=f"Nothing was changed. Its name is {typed_name(engine)!r}.",
        )
    if not engine.exists():
        raise TargetError(f"There is nothing to break: {engine.describe()} is not there.")
    return engine.damage(mode, share=share, seed=seed)


def typed_name(engine: Engine) -> str:
    """Return what somebody types to say that they mean this database: its name, without the folder of a file."""
    return engine.name.rpartition("/")[2]
