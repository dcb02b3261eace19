"""What a restore needs, looked up and found fit before anything is made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from backups import migrations_state, recast, restorer
from backups.contents import Contents
from backups.engines import engine_for
from backups.engines.base import Engine
from backups.exceptions import ConfigurationError, LockHeld, TargetError, UnknownBackup
from backups.facts import EngineFacts
from backups.partial import Partial
from backups.repository import Committed, Repository
from backups.repository.runs import UNREADABLE, beats
from backups.services.catalog import Asked
from backups.services.planning import Choices
from backups.services.vouching import chosen


@dataclass(frozen=True, slots=True)
class Ready:
    """One restore that is ready to begin: nothing has been made yet. ``contents`` is what was asked for of the backup."""

    run: str
    repository: Repository
    committed: Committed
    contents: Contents
    plan: restorer.Plan
    choices: Choices
    asked: Asked

    @property
    def is_proof(self) -> bool:
        """Whether the backup itself, as it was archived, is proven by this restore."""
        return not self.choices.rebuild and not self.choices.tables


def prepare(database: str, backup: str, choices: Choices, asked: Asked, run: str, into: Engine | None = None) -> Ready:
    """Return it, or raise what would stop it: UnknownBackup, TargetError, ConfigurationError, RepositoryError."""
    engine, repository = engine_for(database), Repository.open(database)
    server = engine_for(choices.server) if choices.server else engine
    name = into.name if into else choices.to or (server.name if choices.server else "")
    _refuse_contradictions(name, choices)
    committed = chosen(repository, backup, unvouched=choices.unvouched)
    _refuse_unexpected(repository.listing()[-1].sequence, choices.expect)
    repository.require_identity(committed.manifest)
    whole = Contents(repository, committed.manifest)
    contents = Partial(whole, choices.tables) if choices.tables else whole
    facts = _facts(choices, committed, server)
    plan = restorer.plan(engine, contents.manifest, name, run, server=server, facts=facts, into=into)
    if plan.leftover:
        _refuse_unfinished_by_others(repository, plan.target)
    if choices.migrate:
        _refuse_migrating(migrations_state.ahead(contents.applied()))
    return Ready(run, repository, committed, contents, plan, choices, asked)


def _facts(choices: Choices, committed: Committed, server: Engine) -> EngineFacts | None:
    """Return what a database is like whose schema is built; None where it is the archived one."""
    if not choices.rebuild:
        return None
    recorded = committed.manifest.engine
    return recorded if recorded.vendor == server.vendor else recast.plain_facts(server.vendor)


def _refuse_contradictions(name: str, choices: Choices) -> None:
    if not name:
        raise ConfigurationError(
            "Nobody said where to restore to.",
            hint="--to NAME makes a fresh database, --to-database ALIAS that alias's.",
        )
    if choices.tables and choices.migrate:
        raise ConfigurationError(
            "--migrate needs every table, and --tables leaves the rows of others out.",
            hint="Nothing was changed. Migrations fill and change tables by what is in others. Give one of the two.",
        )


def _refuse_unexpected(newest: int, expect: int | None) -> None:
    if expect is not None and newest < expect:
        raise UnknownBackup(
            f"The newest backup in storage is number {newest}, and number {expect} was expected.",
            hint="Newer backups were removed, or this is not the storage that was meant.",
        )


def _refuse_migrating(ahead: migrations_state.Ahead) -> None:
    if ahead.problem:
        raise TargetError(
            f"The backup cannot be migrated to today's code: {ahead.problem}",
            hint="Nothing was changed. Without --migrate it restores at the migrations it was taken at.",
        )


def _refuse_unfinished_by_others(repository: Repository, target: Engine) -> None:
    """What looks like a killed restore's may be that of one which has only just begun, or is held up."""
    for beat in beats(repository):
        if (beat.target == target.name or beat.verb == UNREADABLE) and not beat.dead(datetime.now(UTC)):
            raise LockHeld(f"{target.describe()} is being made by another run: {beat.sentence()}.")
