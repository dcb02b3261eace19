"""The check ``keys``: each key that a backup is sealed with lies there wrapped, more than once. It needs no identity."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from backups.exceptions import ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.repository import Repository, damage
from backups.repository.keys import FIRST_COPIES, ID
from backups.verification.findings import Finding, Status

NAME = "keys"
_MEND = "manage.py rotate_recipients writes new copies, where there is an identity."


@dataclass(slots=True)
class _Copies:
    """The copies of one key, by what was found: whole, signed with a key that is not ours, or what is wrong with them.

    ``unattended`` says that one of them opens with the signing key alone, as the id key must.
    """

    whole: int = 0
    unattended: bool = False
    strange: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def key_findings(repository: Repository, runs: Iterable[str]) -> Iterator[Finding]:
    """Yield a finding for each key that is lost, damaged or has a single copy; or one that says how many are whole."""
    folders = [ID, *(f"keys/{run}" for run in sorted(runs))]
    fine = True
    for folder in folders:
        for finding in _judged(folder, _looked_at(repository, folder)):
            fine = False
            yield finding
            if finding.actual == "none":
                with suppress(StorageUnavailable):
                    damage.note(repository, folder, finding.detail)
    if fine:
        yield Finding(NAME, Status.PASSED, "", f"{len(folders)} keys", f"{len(folders)} keys")


def _looked_at(repository: Repository, folder: str) -> _Copies:
    found = _Copies()
    for name in repository.keys.copies(folder):
        try:
            wrapping = repository.keys.read(name)
        except (ObjectDamaged, ObjectMissing) as error:
            found.wrong.append(str(error))
            continue
        if not wrapping.vouched:
            found.strange.append(f"{name} is signed with another key (fingerprint {wrapping.signed_with[:16]}).")
        found.whole += wrapping.vouched and bool(wrapping.recipients)
        found.unattended |= wrapping.vouched and not wrapping.recipients
    return found


def _judged(folder: str, found: _Copies) -> Iterator[Finding]:
    expected = f"{FIRST_COPIES} copies"
    if not found.whole and not found.strange:
        lost = (
            f"No copy of the key in {folder} is whole, so nothing that is sealed with it can be opened by an identity."
        )
        yield Finding(NAME, Status.FAILED, "", expected, "none", " ".join([lost, *found.wrong]))
    elif not found.whole:
        detail = " ".join(
            [*found.strange, "Add that key to BACKUPS['SIGNING_KEY_FALLBACKS'], or run rotate_recipients."]
        )
        yield Finding(NAME, Status.ERROR, "", expected, "cannot be checked", detail)
    elif found.whole < FIRST_COPIES:
        # What is damaged beside two whole copies is nothing to anybody: a process was killed while it wrote it, as a rule.
        reasons = found.wrong or [f"A copy of the key in {folder} is gone."]
        detail = " ".join([*reasons, "Another copy is whole, so nothing is lost.", _MEND])
        yield Finding(NAME, Status.FAILED, "", expected, f"{found.whole} whole", detail)
    elif folder == ID and not found.unattended:
        detail = " ".join([*found.wrong, "No server opens it unattended any more.", _MEND])
        yield Finding(NAME, Status.FAILED, "", "a copy under the signing key", "none", detail)
