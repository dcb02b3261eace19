"""A task for each verb: JSON-able ids in, one service call, run ids out. Without Celery they are plain functions.

``enqueue`` has a task done in the background: by a Celery worker where a broker is configured, else by a thread of this
process.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from typing import Any, ParamSpec, TypeVar

from django.db import connections, router, transaction

from backups.conf import get_settings
from backups.engines import EVERY_DATABASE, aliases
from backups.exceptions import BackupsError, ConfigurationError
from backups.models import Backup, Restore, Run, Verification
from backups.repository.names import new_run
from backups.repository.places import using
from backups.services import queue
from backups.services.backup import BackedUp, create_backup
from backups.services.catalog import Asked
from backups.services.copy import copy_backups
from backups.services.drill import fail_and_recover
from backups.services.prune import prune_backups
from backups.services.restore import restore_backup
from backups.services.sync import sync_backups
from backups.services.verify import Verified, level_of, verify_all, verify_backup
from backups.verification import Status

try:
    from celery import shared_task
except ImportError:
    shared_task = None

P = ParamSpec("P")
R = TypeVar("R")

EVERY_BACKUP = "all"
ADMIN = "admin"

logger = logging.getLogger(__name__)


def task(function: Callable[P, R]) -> Callable[P, R]:
    """Make a function a Celery task where Celery is installed, by the name ``backups.tasks.<function>``.

    Acknowledged when it begins, since half a backup is not worth doing twice at once; its outcome is in the catalogue,
    not in a result backend; how long it may take is the project's to say.
    """
    if shared_task is None:
        return function
    made: Callable[P, R] = shared_task(
        name=f"backups.tasks.{function.__name__}", acks_late=False, ignore_result=True, max_retries=0
    )(function)
    return made


@task
def back_up(
    database: str = EVERY_DATABASE,
    *,
    full: bool = False,
    run: str = "",
    requested_by: str = "",
    requested_via: str = "task",
) -> list[str]:
    """Back up one database, or all; return the ids of the backups. One that fails does not stop the others."""
    asked = Asked(requested_by, requested_via)

    def one(alias: str, name: str) -> list[str]:
        return [_taken(create_backup(alias, full=full, asked=asked, run=name))]

    return _for_each(Backup, database, run, asked, one)


@task
def verify(
    backup: str = "latest",
    database: str = EVERY_DATABASE,
    *,
    level: str = "restore",
    max_duration: float | None = None,
    run: str = "",
    requested_by: str = "",
    requested_via: str = "task",
) -> list[str]:
    """Verify a backup of one database, or of all; return the ids of the verifications.

    ``backup`` may be "all": then every backup, least recently checked first, and none begun after ``max_duration``
    seconds. A backup that does not pass is a result, and no error of the task.
    """
    asked, depth = Asked(requested_by, requested_via), level_of(level)

    def one(alias: str, name: str) -> list[str]:
        if backup != EVERY_BACKUP:
            return [_told(verify_backup(alias, backup, level=depth, asked=asked, run=name))]
        limit = None if max_duration is None else timedelta(seconds=max_duration)
        return [_told(proof) for proof in verify_all(alias, level=depth, max_duration=limit, asked=asked)]

    return _for_each(Verification, database, run, asked, one, backup)


@task
def restore(
    backup: str, database: str, to: str, *, run: str = "", requested_by: str = "", requested_via: str = "task"
) -> list[str]:
    """Restore a backup into the fresh database ``to``; return the id of the restore."""
    asked = Asked(requested_by, requested_via)

    def one(alias: str, name: str) -> list[str]:
        if requested_via == ADMIN:
            refuse_restore_from_admin()
        copy = restore_backup(alias, backup, to=to, asked=asked, run=name)
        _note("Restore", copy.run, copy.notes)
        return [copy.run]

    return _for_each(Restore, database, run, asked, one, backup)


@task
def sync(database: str = EVERY_DATABASE) -> list[str]:
    """Rebuild the catalogue of one database, or of all, from storage; return their aliases."""
    found = aliases([database])
    for alias in found:
        for problem in sync_backups(alias).problems:
            logger.warning("Catalogue of %s: %s", alias, problem)
    return found


@task
def copy(database: str = EVERY_DATABASE, *, requested_by: str = "", requested_via: str = "task") -> list[str]:
    """Bring the copies of one database's backups, or of all, up to date; return the ids of the backups that were copied."""
    asked = Asked(requested_by, requested_via)
    copied = []
    for done in (done for alias in aliases([database]) for done in copy_backups(alias, asked=asked)):
        copied += done.backups
        for problem in done.problems:
            logger.error("%s", problem)
        _note("Copy in", done.copy, done.notes)
    return copied


@task
def drill(
    database: str = "default",
    *,
    failure: str = "drop-database",
    requested_by: str = "",
    requested_via: str = "task",
) -> list[str]:
    """Rehearse the worst day on a throw-away copy of one database; return the ids of its backup and its verification."""
    asked = Asked(requested_by, requested_via)
    backup = _taken(create_backup(database, asked=asked))
    done = fail_and_recover(database, backup, failure=failure, asked=asked)
    _note("Drill of", backup, done.notes)
    return [backup, done.proof]


@task
def prune(
    database: str = EVERY_DATABASE, *, storage: str = "", requested_by: str = "", requested_via: str = "task"
) -> list[str]:
    """Remove what the policy does not keep, of one database or of all; return the ids of the backups that were removed.

    ``storage`` is that of a copy, which has a retention of its own. One that is stopped or fails does not stop the others;
    the first such error is raised at the end.
    """
    removed: list[str] = []
    errors: list[BackupsError] = []
    for alias in aliases([database]):
        try:
            with using(storage):
                done = prune_backups(alias, asked=Asked(requested_by, requested_via))
        except BackupsError as error:
            logger.error("Prune of %s failed: %s", alias, _sentence(error))
            errors.append(error)
            continue
        for problem in done.problems:
            logger.error("Prune of %s: %s", alias, problem)
        _note("Prune", done.run, done.notes)
        removed += done.of("remove")
    if errors:
        raise errors[0]
    return removed


def refuse_restore_from_admin() -> None:
    """Raise ConfigurationError unless the settings allow restores that are asked for in the admin."""
    if not get_settings().ALLOW_RESTORE_FROM_ADMIN:
        raise ConfigurationError(
            "Restoring from the admin is not allowed here. Nothing was changed.",
            hint="Use manage.py restore_db, or set BACKUPS['ALLOW_RESTORE_FROM_ADMIN'] = True.",
        )


def enqueue(task: Callable[..., list[str]], **arguments: Any) -> str:
    """Have back_up, verify or restore done in the background, and return at once, with the id of its run.

    ``arguments`` are the task's own, and ``database`` is one alias. The run is in the catalogue from now on, as queued,
    and it is handed over when the transaction under way is committed.
    """
    kind, fields = _KINDS[_plain(task).__name__]
    run, database = new_run(), arguments["database"]
    asked = Asked(arguments.get("requested_by", ""), arguments.get("requested_via", "task"))
    values = {field: arguments.get(name, default) for field, name, default in fields}
    by_worker = _has_broker(task)
    queue.queue(kind, run, database, asked, here=not by_worker, **values)
    hand_over = partial(_send if by_worker else _begin, task, kind, asked, {**arguments, "run": run})
    transaction.on_commit(hand_over, using=router.db_for_write(Backup))
    return run


_KINDS: dict[str, tuple[type[Run], tuple[tuple[str, str, str], ...]]] = {
    "back_up": (Backup, ()),
    "verify": (Verification, (("backup_id", "backup", "latest"), ("level", "level", "restore"))),
    "restore": (Restore, (("backup_id", "backup", ""), ("target", "to", ""))),
}
"""What each task makes a row of, and which field of it (first) is which argument (second), or else what (third)."""


def _for_each(
    kind: type[Run],
    database: str,
    run: str,
    asked: Asked,
    work: Callable[[str, str], list[str]],
    backup: str = "",
) -> list[str]:
    """Do a verb for each database that is meant; record and log what fails, and raise the first of it at the end."""
    found = aliases([database])
    if run and len(found) != 1:
        raise ConfigurationError(f"Run {run} is of one database, and {database!r} is {len(found)} of them.")
    done: list[str] = []
    errors: list[Exception] = []
    for alias in found:
        name = run or new_run()
        if run and not queue.claim(kind, run, alias, backup):
            logger.info("Run %s was taken up before, so it is not done again.", run)
            continue
        try:
            done += work(alias, name)
        except Exception as error:  # noqa: BLE001 - one database that fails must not stop the others; raised below
            queue.fail(kind, name, alias, asked, error)
            logger.error("%s of %s failed: %s", kind._meta.verbose_name, alias, _sentence(error))
            errors.append(error)
    if errors:
        raise errors[0]
    return done


def _taken(done: BackedUp) -> str:
    """Log what was found wrong while a backup was taken; return its id."""
    run = done.committed.manifest.run
    for problem in done.problems:
        logger.error("Backup %s: %s", run, problem)
    _note("Backup", run, done.notes)
    return run


def _told(proof: Verified) -> str:
    """Log a verification that did not pass, and what could not be recorded; return its id."""
    result = proof.result
    if result.status != Status.PASSED:
        logger.error("Verification %s of backup %s: %s.", proof.run, result.backup, result.status.value)
    _note("Verification", proof.run, proof.notes)
    return proof.run


def _note(what: str, run: str, notes: Iterable[str]) -> None:
    for note in notes:
        logger.warning("%s %s: %s", what, run, note)


def _sentence(error: Exception) -> str:
    return f"{error} {error.hint}".strip() if isinstance(error, BackupsError) else f"{type(error).__name__}: {error}"


def _plain(task: Callable[..., list[str]]) -> Callable[..., list[str]]:
    """Return the function under a Celery task."""
    return getattr(task, "__wrapped__", task)


def _has_broker(task: Any) -> bool:
    """Say whether a Celery worker can be reached by way of a broker."""
    return hasattr(task, "apply_async") and bool(task.app.conf.broker_write_url)


def _send(task: Any, kind: type[Run], asked: Asked, arguments: dict[str, Any]) -> None:
    """Hand a task to the broker. Its own errors are of many types, and their texts may name the broker's address."""
    try:
        task.apply_async(kwargs=arguments)
    except Exception as error:
        logger.exception("Run %s could not be handed to the broker.", arguments["run"])
        refused = ConfigurationError(
            f"The task could not be handed to Celery's broker ({type(error).__name__}).",
            hint="See that the broker which CELERY_BROKER_URL names is running, then ask again.",
        )
        queue.fail(kind, arguments["run"], arguments["database"], asked, refused)


def _begin(task: Callable[..., list[str]], kind: type[Run], asked: Asked, arguments: dict[str, Any]) -> None:
    name = _plain(task).__name__
    _LANES.setdefault(name, _lane(name)).submit(_in_background, _plain(task), arguments)


def _lane(name: str) -> ThreadPoolExecutor:
    """Return the one thread of a task: a hundred verifications go one by one, and keep no backup waiting."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"backups-{name}")


def _finish() -> None:
    """Wait for what the lanes still have to do."""
    for lane in _LANES.values():
        lane.shutdown()


_LANES: dict[str, ThreadPoolExecutor] = {}
# A process that ends waits for its runs; and it must ask before concurrent.futures stops, of which the runs make use.
getattr(threading, "_register_atexit", atexit.register)(_finish)
# A thread does not live on in a forked process, so that one begins with none.
os.register_at_fork(after_in_child=_LANES.clear)


def _in_background(function: Callable[..., list[str]], arguments: dict[str, Any]) -> None:
    try:
        function(**arguments)
    except Exception:
        logger.exception("Run %s ended with an error.", arguments["run"])
    finally:
        connections.close_all()
