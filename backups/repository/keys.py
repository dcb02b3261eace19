"""The keys of a repository: the id key, one data key a run, and the signed objects under ``keys/`` that hold them wrapped.

The id key names contents and seals what the server itself must read; it is wrapped to every recipient, and under the
signing key. A run's data key seals rows, definition and facts; it is wrapped to the recipients alone.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from backups.exceptions import (
    CannotOpen,
    NameTaken,
    ObjectDamaged,
    ObjectMissing,
    RepositoryError,
    WrongSigningKey,
)
from backups.repository import age, frames, sealing
from backups.repository.names import KEY, RUN
from backups.repository.storage import Objects
from backups.signing import Signer, unverified

ID = "keys/id"
FIRST_COPIES = 2
REMEMBERED = 65_536  # data keys of 32 bytes
INDEX_KINDS = frozenset({"page", "manifest"})
"""What is sealed under a key that the server has: it must follow its own backups."""


@dataclass(frozen=True, slots=True)
class Wrapping:
    """One key object: the recipients that it is for, or none where it is for the holder of a signing key.

    ``signed_with`` is the fingerprint of the key that signed it; ``vouched`` says that it is one of ours, and right.
    """

    name: str
    recipients: tuple[str, ...]
    wrapped: bytes
    signed_with: str
    vouched: bool

    def is_for(self, recipients: Sequence[str]) -> bool:
        """Say whether it is for these recipients, all of them and nobody else."""
        return self.vouched and bool(recipients) and set(self.recipients) == set(recipients)


class Keyring:
    """Reads, makes and wraps the keys of one repository. Safe for threads: chunks are sealed side by side.

    ``others`` returns the keyrings of the same repository in other storages, which hold the same keys.
    """

    def __init__(
        self,
        objects: Objects,
        repository: str,
        signer: Signer,
        others: Callable[[], Iterable[Keyring]] = tuple,
    ) -> None:
        self.repository = repository
        self._objects, self._signer, self._others = objects, signer, others
        self._id_key: bytes | None = None
        self._data_keys: OrderedDict[str, bytes | CannotOpen] = OrderedDict()
        self._lock = threading.RLock()
        self.recipients: tuple[str, ...] = ()  # who can open what is sealed from now on

    # Opening

    def exists(self) -> bool:
        """Say whether anything in the repository may be encrypted: it has an id key, or has lost it."""
        return self._has_id_key() or bool(self.runs())

    def id_key(self) -> bytes:
        """Return the id key, by the signing key or else by an identity; raise CannotOpen, ObjectDamaged or -Missing."""
        with self._lock:
            if self._id_key is None:
                self._id_key = self._here_or_elsewhere(self._open_id_key, Keyring.id_key)
            return self._id_key

    def data_key(self, run: str) -> bytes:
        """Return a run's data key; raise CannotOpen without a fitting identity, ObjectDamaged or -Missing."""
        with self._lock:
            found = self._data_keys.get(run)
            if found is None:
                found = self._find_data_key(run)
                self._remember(run, found)
        if isinstance(found, CannotOpen):
            raise CannotOpen(str(found), hint=found.hint)
        return found

    def key_of(self, kind: str, run: str) -> bytes:
        """Return the key that objects of a kind are sealed with by a run."""
        return sealing.derive(self.id_key(), "index", run) if kind in INDEX_KINDS else self.data_key(run)

    def fingerprint(self) -> str:
        """Name the id key without telling it: 16 hexadecimal digits."""
        return hashlib.sha256(b"lifeboat id key fingerprint" + self.id_key()).hexdigest()[:16]

    # Making and wrapping

    def begin(self, run: str, recipients: Sequence[str]) -> None:
        """Make a run's data key, and the id key where there is none yet; both are stored before anything is sealed."""
        if not self._has_id_key():
            self._make_id_key()
        self.wrap_id_key(recipients)
        key = secrets.token_bytes(32)
        self._put_copies(f"keys/{run}", key, recipients)
        with self._lock:
            self._remember(run, key)
        self.recipients = tuple(recipients)

    def wrap_id_key(self, recipients: Sequence[str]) -> int:
        """Wrap the id key to the recipients and under today's signing key where it is not; return how many objects it took."""
        key, made = self.id_key(), 0
        ours = (w for w in self.wrappings(ID) if w.vouched and not w.recipients)
        if self._signer.fingerprint not in {wrapping.signed_with for wrapping in ours}:
            self._put_new(ID, self._for_signing_key(key))
            made += 1
        return made + self._wrap(ID, recipients, self.id_key)

    def wrap_data_key(self, run: str, recipients: Sequence[str]) -> int:
        """Wrap a run's data key to the recipients, twice, where it is not; return how many objects it took.

        Raises CannotOpen without a fitting identity, ObjectDamaged or -Missing.
        """
        return self._wrap(f"keys/{run}", recipients, lambda: self.data_key(run))

    def _wrap(self, folder: str, recipients: Sequence[str], key: Callable[[], bytes]) -> int:
        good = [wrapping for wrapping in self.wrappings(folder) if wrapping.is_for(recipients)]
        good = [wrapping for wrapping in good if wrapping.signed_with == self._signer.fingerprint]
        if not good:
            return self._put_copies(folder, key(), recipients)
        if len(good) >= FIRST_COPIES:
            return 0
        # Killed between the two, or one of them is damaged: the new one is the same bytes.
        self._put_new(folder, self._objects.get(good[0].name))
        return 1

    # Key objects

    def serves(self, run: str) -> bool:
        """Say whether all who are to open what is sealed now can open what a run sealed."""
        wanted = set(self.recipients)
        return not wanted or any(w.vouched and wanted <= set(w.recipients) for w in self.wrappings(f"keys/{run}"))

    def runs(self) -> list[str]:
        """Return the runs that have a data key, oldest first."""
        names = (folder.removeprefix("keys/") for folder in self._objects.folders("keys"))
        return [name for name in names if RUN.fullmatch(name)]

    def remove(self, run: str) -> None:
        """Remove the data key of a run that has left nothing. Raises StorageUnavailable."""
        for name in self._objects.list(f"keys/{run}"):
            self._objects.delete(name)
        self._objects.remove_folder(f"keys/{run}")

    def copies(self, folder: str) -> list[str]:
        """Return the names of the objects that hold one key, newest first; names that are none of ours are passed over."""
        names = [name for name in self._objects.list(folder) if KEY.fullmatch(name)]
        return sorted(names, key=lambda name: int(name.rpartition("/")[2]), reverse=True)

    def wrappings(self, folder: str) -> Iterator[Wrapping]:
        """Yield the readable copies of one key, newest first; damaged ones are passed over."""
        for name in self.copies(folder):
            try:
                yield self.read(name)
            except (ObjectDamaged, ObjectMissing):
                continue

    def read(self, name: str) -> Wrapping:
        """Read one key object. Raises SignatureInvalid or ObjectDamaged where its bytes are not the ones that were written.

        One that is signed with a key that we do not have is returned all the same: an identity alone opens everything.
        """
        stored = self._objects.get(name)
        try:
            body, vouched = self._signer.open("key", self.repository, name.rpartition("/")[0], stored).body, True
        except WrongSigningKey:
            body, vouched = unverified(name, stored), False
        except ObjectDamaged as error:
            raise type(error)(name, error.reason) from None
        first, _, wrapped = body.partition(b"\n")
        try:
            recipients = tuple(map(str, json.loads(first)["recipients"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ObjectDamaged(name, "it does not say whom it is for") from None
        return Wrapping(name, recipients, wrapped, stored[:64].split(b" ")[3].decode("ascii", "replace"), vouched)

    def _find_data_key(self, run: str) -> bytes | CannotOpen:
        try:
            return self._here_or_elsewhere(
                lambda: self._open_by_identity(f"keys/{run}"), lambda other: other.data_key(run)
            )
        except CannotOpen as error:
            return error

    def _here_or_elsewhere(self, here: Callable[[], bytes], there: Callable[[Keyring], bytes]) -> bytes:
        """Open a key here; where it is missing or damaged, in another storage. Raises what was wrong here."""
        try:
            return here()
        except (ObjectDamaged, ObjectMissing):
            for other in self._others():
                with suppress(RepositoryError):
                    return there(other)
            raise

    def _remember(self, run: str, key: bytes | CannotOpen) -> None:
        self._data_keys[run] = key
        if len(self._data_keys) > REMEMBERED:
            self._data_keys.popitem(last=False)

    def _open_id_key(self) -> bytes:
        """Open it as the server does, unattended; only where that fails is an identity asked for."""
        for wrapping in self.wrappings(ID):
            key = self._signer.key_of(wrapping.signed_with)
            if wrapping.vouched and key and not wrapping.recipients:
                wrapping_key = sealing.derive(key, "wrapping", self.repository)
                try:
                    opened = sealing.decrypt(wrapping_key, self._bound(ID), wrapping.wrapped)
                    return self._payload(wrapping.name, ID, opened)
                except (frames.FrameError, ObjectDamaged):
                    continue
        try:
            return self._open_by_identity(ID)
        except CannotOpen as error:
            raise CannotOpen(
                f"The key that this repository is indexed with ({ID}) is under none of our signing keys. {error}",
                hint="Set BACKUPS['SIGNING_KEY'], or add the earlier key to BACKUPS['SIGNING_KEY_FALLBACKS']; or name an "
                "identity of a recipient in BACKUPS['IDENTITY_FILE'].",
            ) from None

    def _open_by_identity(self, folder: str) -> bytes:
        """Try each copy, newest first: one that is damaged, or for somebody else, costs nothing while another opens."""
        identities = age.identities()
        troubles: list[RepositoryError] = []
        for wrapping in self._vouched_first(folder, troubles):
            try:
                if wrapping.recipients:
                    opened = age.unwrap(wrapping.name, wrapping.wrapped, identities)
                    return self._payload(wrapping.name, folder, opened)
            except (CannotOpen, ObjectDamaged) as error:
                troubles.append(error)
        if not troubles:
            raise ObjectMissing(f"{folder}/0", hint=_LOST)
        raise next((trouble for trouble in troubles if isinstance(trouble, CannotOpen)), troubles[0])

    def _vouched_first(self, folder: str, troubles: list[RepositoryError]) -> Iterator[Wrapping]:
        """Yield the copies of a key; those that no signature of ours vouches for may be anybody's, and come last."""
        strange = []
        for name in self.copies(folder):
            try:
                wrapping = self.read(name)
            except (ObjectDamaged, ObjectMissing) as error:
                troubles.append(error)
                continue
            if wrapping.vouched:
                yield wrapping
            else:
                strange.append(wrapping)
        yield from strange

    def _payload(self, name: str, folder: str, opened: bytes) -> bytes:
        try:
            said = json.loads(opened)
            key = bytes.fromhex(said["key"])
            whole = said["repository"] == self.repository and said["name"] == folder and len(key) == 32
        except (ValueError, KeyError, TypeError, RecursionError):
            whole = False
        if not whole:
            raise ObjectDamaged(name, "what it holds is not the key of this repository that its name says")
        return key

    def _make_id_key(self) -> None:
        """Make the id key; under the signing key first, since from then on this server can wrap it to anybody."""
        if self.runs():
            raise ObjectMissing(f"{ID}/0", hint=f"Nothing was stored. {_LOST}")
        key = secrets.token_bytes(32)
        # Two servers at once: whoever takes the name first has made it, and the other one reads it.
        with suppress(NameTaken):
            self._objects.put(self._next_name(ID), self._for_signing_key(key))

    def _has_id_key(self) -> bool:
        """Say whether a copy of it is whole. Of a process that was killed while it made it, half of one may be there."""
        return any(True for _ in self.wrappings(ID))

    def _for_signing_key(self, key: bytes) -> bytes:
        wrapping_key = sealing.derive(self._signer.key, "wrapping", self.repository)
        return self._signed(ID, (), sealing.encrypt(wrapping_key, self._bound(ID), self._said(ID, key)))

    def _put_copies(self, folder: str, key: bytes, recipients: Sequence[str]) -> int:
        stored = self._signed(folder, recipients, age.wrap(self._said(folder, key), recipients))
        for _ in range(FIRST_COPIES):
            self._put_new(folder, stored)
        return FIRST_COPIES

    def _put_new(self, folder: str, stored: bytes) -> None:
        """Put a key object under the next free number, and read it back."""
        name = self._next_name(folder)
        try:
            self._objects.put(name, stored)
        except NameTaken:
            # Somebody else was quicker; what was put there is told from ours by reading it.
            if name not in self.copies(folder):
                raise
            return self._put_new(folder, stored)
        if self._objects.get(name) != stored:
            raise ObjectDamaged(name, "the storage gives other bytes than it was given")

    def _next_name(self, folder: str) -> str:
        numbers = [int(name.rpartition("/")[2]) for name in self.copies(folder)]
        return f"{folder}/{max(numbers, default=-1) + 1}"

    def _said(self, folder: str, key: bytes) -> bytes:
        said = {"key": key.hex(), "name": folder, "repository": self.repository, "version": sealing.VERSION}
        return json.dumps(said, sort_keys=True).encode() + b"\n"

    def _signed(self, folder: str, recipients: Sequence[str], wrapped: bytes) -> bytes:
        first = json.dumps({"recipients": list(recipients)}).encode()
        return self._signer.sign("key", self.repository, folder, first + b"\n" + wrapped)

    def _bound(self, folder: str) -> bytes:
        return sealing.bound_to("key", self.repository, folder, "")


_LOST = (
    "Without it, what was sealed with it cannot be opened. Look for it in another copy of the storage, and put it back "
    "under the same name."
)
