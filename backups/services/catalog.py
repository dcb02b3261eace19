"""Every write to the catalogue, and what is read from it. It is optional: without it the verbs still do their work.

The catalogue may lie in the very database that is lost, so each function here says whether it could write, and never
lets that stop a backup or a restore. A recording that failed is returned as a sentence, not swallowed.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.db import Error as DatabaseError
from django.db import connections, router, transaction
from django.db.models import QuerySet

from backups.chain import Head
from backups.engines import engine_for
from backups.exceptions import BackupsError
from backups.models import UNFINISHED, Backup, Restore, RestoreKind, Run, RunStatus, Verification, VerificationStatus
from backups.repository import Committed, Repository
from backups.repository.processes import Fate, fate_of, mark_of
from backups.repository.runs import DEAD_AFTER, living
from backups.services.records import result_data, save_backup, write_restore, write_result
from backups.verification import Result


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a run, and by which way: command, task or admin."""

    by: str = ""
    via: str = ""

    def said(self) -> dict[str, str]:
        """Return it as events and rows keep it."""
        return {"requested_by": self.by, "requested_via": self.via}


@dataclass(slots=True)
class Recording:
    """A catalogue that may not be there. ``using`` is its alias; ``problem`` says why it could not be written.

    ``unreachable`` says that there is no database for it; else only its tables may be missing.
    """

    using: str = ""
    problem: str = ""
    unreachable: bool = False

    @contextmanager
    def attempt(self, *, writing: bool = True) -> Iterator[bool]:
        """Do something with the catalogue, in a transaction of its own; yields False where there is none."""
        if not self.using or self.problem:
            yield False
            return
        begun = False
        try:
            with transaction.atomic(using=self.using):
                if writing:
                    _wait_to_write(self.using)
                begun = True
                yield True
        except DatabaseError as error:
            first = str(error).splitlines()[0] if str(error) else type(error).__name__
            self.problem = f"The catalogue in database {self.using!r} could not be written: {first}."
            if not begun:
                yield False


def open_catalogue() -> Recording:
    """Return the catalogue, or one with a ``problem`` where its database or its tables are not there."""
    using = router.db_for_write(Backup)
    try:
        # Asked first, since merely connecting would make an empty SQLite file in the place of a lost one.
        engine_for(using).origin()
    except BackupsError as error:
        return Recording(using, f"There is no catalogue: {error}", unreachable=True)
    try:
        Backup.objects.using(using).exists()
    except DatabaseError:
        return Recording(using, f"There is no catalogue in database {using!r}, or it cannot be read.")
    return Recording(using)


def _wait_to_write(using: str) -> None:
    """Become SQLite's only writer before anything is read, by a statement that changes nothing.

    A transaction that reads first and then wants to write is refused at once where another has written in between; one
    that begins by writing waits for its turn.
    """
    if connections[using].vendor == "sqlite":
        Backup.objects.using(using).filter(pk="").update(hint="")


def begin_backup(recording: Recording, run: str, database: str, asked: Asked) -> None:
    """Record that a backup has begun."""
    with recording.attempt() as there:
        if there:
            mark_interrupted(recording.using, database)
            # Saved, not inserted: a run that was queued has its row already.
            Backup(id=run, database=database, **_begun(asked)).save(using=recording.using)


def finish_backup(recording: Recording, committed: Committed) -> None:
    """Record a committed backup."""
    with recording.attempt() as there:
        if there:
            save_backup(recording.using, committed)


def fail(recording: Recording, kind: type[Run], run: str, error: BaseException) -> None:
    """Record that a run ended with an error."""
    with recording.attempt() as there:
        if there:
            failed = VerificationStatus.ERROR if kind is Verification else RunStatus.FAILED
            status = failed if isinstance(error, Exception) else RunStatus.INTERRUPTED
            said = {"error": str(error) or type(error).__name__, "hint": getattr(error, "hint", "")}
            rows: QuerySet[Any] = kind._default_manager.using(recording.using).filter(pk=run)
            rows.update(status=status, **said)


def begin_verification(
    recording: Recording, run: str, backup: str, committed: Committed | None, level: str, asked: Asked
) -> None:
    """Record that a verification has begun; of a backup whose manifest cannot be read, where its row is there."""
    with recording.attempt() as there:
        if there:
            row = _row(recording.using, committed) if committed else _known(recording.using, backup)
            if row:
                mark_interrupted(recording.using, row.database)
                values = {"backup": row, "database": row.database, "level": level, **_begun(asked)}
                Verification(id=run, **values).save(using=recording.using)


def finish_verification(recording: Recording, run: str, result: Result) -> None:
    """Record what a verification found."""
    with recording.attempt() as there:
        if there:
            write_result(recording.using, run, result_data(result))


def begin_restore(
    recording: Recording,
    run: str,
    committed: Committed,
    target: str,
    asked: Asked,
    kind: RestoreKind = RestoreKind.COPY,
) -> None:
    """Record that a restore has begun."""
    with recording.attempt() as there:
        if there:
            backup = _row(recording.using, committed)
            if backup:
                mark_interrupted(recording.using, backup.database)
                values = {"kind": kind, "backup": backup, "database": backup.database, "target": target}
                Restore(id=run, **values, **_begun(asked)).save(using=recording.using)


def finish_restore(recording: Recording, run: str, values: dict[str, Any]) -> None:
    """Record a restore that was done and proven; ``values`` as in its event."""
    with recording.attempt() as there:
        if there:
            write_restore(recording.using, run, values)


def known_heads(recording: Recording, repository: Repository) -> tuple[Head, ...]:
    """Return every (number, digest) of this repository that the catalogue has seen."""
    with recording.attempt(writing=False) as there:
        if there:
            seen = Backup.objects.using(recording.using).filter(repository=repository.id, sequence__isnull=False)
            pairs = seen.values_list("sequence", "digest")
            return tuple(Head(sequence, digest) for sequence, digest in pairs if sequence is not None)
    return ()


def recognise(recording: Recording, committed: Committed) -> bool:
    """Say whether the catalogue saw this backup begin, and record that it was committed: its process was killed first."""
    with recording.attempt() as there:
        if there and Backup.objects.using(recording.using).filter(pk=committed.manifest.run, digest="").exists():
            save_backup(recording.using, committed)
            return True
    return False


def take_in(recording: Recording, committed: Committed) -> None:
    """Record a committed backup that was not taken here, or that was pruned and is there again."""
    with recording.attempt() as there:
        if there:
            save_backup(recording.using, committed)


def mark_pruned(recording: Recording, repository: Repository, runs: Collection[str]) -> None:
    """Record that backups were pruned: their rows stay, and are listed no more."""
    _mark(recording, repository, runs, RunStatus.COMPLETE, RunStatus.PRUNED)


def mark_live(recording: Recording, repository: Repository, runs: Collection[str]) -> None:
    """Record that backups are there, where the catalogue says that they were pruned."""
    _mark(recording, repository, runs, RunStatus.PRUNED, RunStatus.COMPLETE)


def _mark(
    recording: Recording, repository: Repository, runs: Collection[str], before: RunStatus, after: RunStatus
) -> None:
    with recording.attempt() as there:
        if there:
            rows = Backup.objects.using(recording.using).filter(repository=repository.id, status=before)
            for run in set(rows.values_list("pk", flat=True)) & set(runs):
                rows.filter(pk=run).update(status=after)


def elsewhere(recording: Recording, repository: Repository, database: str) -> int:
    """Return how many committed backups of a database the catalogue knows in other repositories than this one."""
    with recording.attempt(writing=False) as there:
        if there:
            seen = Backup.objects.using(recording.using).filter(database=database, sequence__isnull=False)
            return seen.exclude(repository=repository.id).count()
    return 0


def mark_interrupted(using: str, database: str) -> int:
    """Mark the runs of a database that are dead: their process is gone from this host, or their host is silent.

    Returns how many they were. Storage is only asked for runs of other hosts that would have had to beat since.
    """
    marked = 0
    alive = cache(lambda: _living(database))
    for model in (Backup, Verification, Restore):
        for row in model._default_manager.using(using).filter(database=database, status__in=UNFINISHED):
            gone = is_gone(row)
            if gone or (_should_have_beaten(row) and (beating := alive()) is not None and row.pk not in beating):
                row.status = RunStatus.INTERRUPTED
                row.error = (
                    "Its process is gone; what it had not committed does not count."
                    if gone
                    else f"{row.host} has given no sign of life of it for half an hour; what it had not committed does not count."
                )
                row.save(using=using, update_fields=["status", "error"])
                marked += 1
    return marked


def _living(database: str) -> set[str] | None:
    """Return the runs that beat; None where storage does not tell."""
    try:
        return {beat.run for beat in living(Repository.open(database))}
    except BackupsError:
        return None


def _should_have_beaten(row: Any) -> bool:
    elsewhere = row.status == RunStatus.RUNNING and row.host != "" and _fate(row) == Fate.UNKNOWN
    return elsewhere and datetime.now(UTC) - row.started > DEAD_AFTER


def is_gone(row: Run) -> bool:
    """Say whether the process that an unfinished run belongs to is gone from this host, were its id another's by now."""
    return _fate(row) == Fate.GONE


def _fate(row: Run) -> Fate:
    return fate_of(row.pid, row.process) if row.pid is not None and row.host == socket.gethostname() else Fate.UNKNOWN


def _row(using: str, committed: Committed) -> Backup | None:
    """Return a backup's row, brought up to date. One that a catalogue of others has not seen is not taken in by looking at it.

    It may be another writer's, or forged: sync_backups and ``--adopt`` say that it is ours.
    """
    rows = Backup.objects.using(using)
    others = rows.filter(repository=committed.manifest.repository, sequence__isnull=False)
    if others.exists() and not rows.filter(pk=committed.manifest.run).exists():
        return None
    return save_backup(using, committed)


def _known(using: str, backup: str) -> Backup | None:
    return Backup.objects.using(using).filter(pk=backup).first()


def asked_now(asked: Asked) -> dict[str, Any]:
    """Return the fields of a run that is asked for at this moment; a name that is too long for its column is cut."""
    return {"started": datetime.now(UTC), **asked.said(), "requested_by": asked.by[:200]}


def this_process() -> dict[str, Any]:
    """Return the fields that say which process does a run."""
    pid = os.getpid()
    return {"host": socket.gethostname(), "pid": pid, "process": mark_of(pid)}


def _begun(asked: Asked) -> dict[str, Any]:
    return {**asked_now(asked), **this_process()}
