"""The verb *rotate recipients*: wrap the keys of a repository to today's recipients and signing key; never a chunk."""

from __future__ import annotations

from dataclasses import dataclass, field

from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged, ObjectMissing
from backups.progress import Progress, Step, silent
from backups.repository import Repository
from backups.repository.age import configured_recipients, identities
from backups.repository.keys import ID
from backups.repository.names import new_run
from backups.repository.pulse import beating


@dataclass(slots=True)
class Rotated:
    """What was wrapped anew. ``removed`` are recipients of copies that are still there, and of today's no more.

    ``problems`` name the keys that could not be wrapped; ``notes`` what could not be recorded.
    """

    recipients: tuple[str, ...]
    wrapped: int = 0
    already: int = 0
    removed: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def rotate_recipients(database: str, *, requested_by: str = "", progress: Progress = silent, run: str = "") -> Rotated:
    """Wrap every key of a repository to the recipients in the settings, under new names; killed half-way, run it again.

    Raises ConfigurationError where there are no recipients or nothing is encrypted, CannotOpen where there is no identity.
    A key that cannot be opened is a problem and does not stop the others.
    """
    recipients = configured_recipients()
    if not recipients:
        raise ConfigurationError(
            "BACKUPS['RECIPIENTS'] is empty, so there is nobody to wrap keys to. Nothing was changed.",
            hint="Set RECIPIENTS to the public keys of all who are to open backups from now on.",
        )
    repository = Repository.open(database)
    if not repository.keys.exists():
        raise ConfigurationError(
            f"Nothing in {repository.objects.place()} is encrypted. Nothing was changed.",
            hint="The next backup is, and is for today's recipients.",
        )
    identities()
    rotated = Rotated(recipients)
    with beating(repository, run or new_run(), "rotation", database, requested_by) as pulse:
        _wrap_all(repository, rotated, progress)
        repository.objects.settle()
        rotated.notes += pulse.notes
    rotated.removed = _removed(repository, recipients)
    return rotated


def _wrap_all(repository: Repository, rotated: Rotated, progress: Progress) -> None:
    keys, recipients = repository.keys, rotated.recipients
    _count(rotated, keys.wrap_id_key(recipients))
    runs = keys.runs()
    for number, run in enumerate(runs, 1):
        try:
            _count(rotated, keys.wrap_data_key(run, recipients))
        except (CannotOpen, ObjectDamaged, ObjectMissing) as error:
            # Prune takes keys away when nothing is under them any more; that is no problem of ours.
            if keys.copies(f"keys/{run}"):
                rotated.problems.append(f"The key of run {run} could not be wrapped: {error}")
        progress(Step("wrap keys", run, number, 0, len(runs)))


def _count(rotated: Rotated, made: int) -> None:
    rotated.wrapped += bool(made)
    rotated.already += not made


def _removed(repository: Repository, recipients: tuple[str, ...]) -> list[str]:
    """Return who else any copy of a key is for."""
    folders = [ID, *(f"keys/{run}" for run in repository.keys.runs())]
    found = {name for folder in folders for w in repository.keys.wrappings(folder) for name in w.recipients}
    return sorted(found.difference(recipients))
