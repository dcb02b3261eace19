"""One database's repository: objects by content, manifests by number, everything signed or checked by digest."""

from __future__ import annotations

import hashlib
import json
import threading
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Self

from django.core.files.storage import Storage

from backups.chain import Head, Link
from backups.conf import STORAGE_ALIAS, get_settings
from backups.exceptions import (
    ConfigurationError,
    FormatUnknown,
    NameTaken,
    ObjectDamaged,
    ObjectMissing,
    ObjectRemoved,
    RepositoryError,
    StorageUnavailable,
    UnknownBackup,
    WrongRepository,
)
from backups.manifest import FORMAT, Manifest, Stored
from backups.repository import frames, healing, names, trash
from backups.repository.keys import Keyring
from backups.repository.location import configured_storage
from backups.repository.places import current_alias
from backups.repository.sealing import Plain, Sealed, Sealer, is_sealed
from backups.repository.storage import LARGEST, Objects, objects_for
from backups.signing import Signer

ROOT = "repository.json"
LARGEST_ROOT = 64 * 1024  # bytes
REMEMBERED = 100  # what was healed, told one by one: a storage that is lost altogether has millions
_LOCKS = 64


@dataclass(frozen=True, slots=True)
class Listed:
    """A manifest as one listing shows it."""

    sequence: int
    run: str
    name: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A manifest that was read: its signature was right. ``digest`` is the SHA-256 of its stored bytes."""

    manifest: Manifest
    digest: str
    fallback: bool = False

    @property
    def head(self) -> Head:
        """What the next manifest says of it."""
        return Head(self.manifest.sequence, self.digest)

    def link(self) -> Link:
        """What the chain knows of it."""
        manifest = self.manifest
        return Link(manifest.sequence, manifest.name, self.digest, manifest.heads, manifest.gaps, self.fallback)


class Repository:
    """What lies under one prefix of the storage, for one database.

    ``healed`` tells what ``get`` read from elsewhere, since it was missing or wrong here. ``others`` returns the same
    repository in other storages, as many as can be opened; it is asked when something is missing or wrong.
    """

    def __init__(self, objects: Objects, identity: str, signer: Signer) -> None:
        self.objects = objects
        self.id = identity
        self.sealer: Sealer = Plain()
        self._signer = signer
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))
        self.healed: list[healing.Healed] = []
        self.others: Callable[[], tuple[Repository, ...]] = tuple
        self.keys = Keyring(objects, identity, signer, lambda: [other.keys for other in self.others()])

    @property
    def where(self) -> str:
        """The place, for people."""
        return self.objects.place()

    @classmethod
    def open(cls, prefix: str, *, storage: Storage | None = None, create: bool = False) -> Self:
        """Open the repository under a prefix; ``create`` makes it where there is none, else UnknownBackup is raised.

        Raises ObjectMissing where there are backups and nothing says which repository they belong to.
        """
        if storage is None:
            opened = cls.open(prefix, storage=configured_storage(current_alias()), create=create)
            opened.others = lru_cache(1)(partial(_elsewhere, prefix, current_alias(), opened.id))
            return opened
        objects = objects_for(storage, prefix)
        signer = Signer(get_settings().signing_keys())
        try:
            return cls(objects, _read_root(objects), signer)
        except ObjectDamaged:
            if not create or not _is_barren(objects):
                raise
            # A storage that does not store at once was interrupted when the repository was begun.
            objects.delete(ROOT)
        except ObjectMissing:
            _refuse_headless(objects)
            if not create:
                raise UnknownBackup(
                    f"There is no repository for {prefix!r} in {objects.place()}.",
                    hint=f"If there were backups, they lie elsewhere: see what STORAGES[{current_alias()!r}] names, and "
                    f"whether it is mounted{_or_a_copy()}. If not, take a first one: manage.py backup_db --database {prefix}",
                ) from None
        return cls(objects, _make_root(objects), signer)

    @classmethod
    def open_copy(cls, primary: Repository, storage: Storage) -> Self:
        """Open the copy of a repository in another storage, and begin it where there is none.

        Raises WrongRepository where another repository lies there, or backups that do not say to which they belong.
        """
        objects = objects_for(storage, primary.objects.prefix)
        try:
            found = _read_root(objects)
        except (ObjectMissing, ObjectDamaged):
            _refuse_headless(objects)
            # A storage that does not store at once may hold half of it.
            objects.replace(ROOT, _root(primary.id))
            found = primary.id
        if found != primary.id:
            raise WrongRepository(
                f"In {objects.place()} lies another repository ({found}) than the one to be copied ({primary.id}). Nothing was "
                "copied.",
                hint="If the first storage was lost or emptied, copy all files of the copy back there before "
                "anything else. Else name an empty place in the STORAGES of that copy.",
            )
        return cls(objects, primary.id, primary._signer)

    # Encryption

    def begin(self, run: str, recipients: Sequence[str]) -> None:
        """Make ready to store what a run makes: encrypted where there are recipients.

        Raises ConfigurationError where there are none and earlier backups are encrypted: a setting that got lost on the way
        must not store rows in plaintext.
        """
        if recipients:
            self.keys.begin(run, recipients)
            self.sealer = Sealed(self.keys)
        elif self.keys.exists():
            raise ConfigurationError(
                f"The backups in {self.objects.place()} are encrypted, and BACKUPS['RECIPIENTS'] is empty. Nothing was stored.",
                hint="Set RECIPIENTS again. To go back to plaintext on purpose, begin a new repository: give "
                "STORAGES['backups'] another, empty place, and keep the old one.",
            )
        else:
            self.sealer = Plain()

    @property
    def encryption(self) -> str:
        """What everything is sealed with that is stored now: the id key's fingerprint, empty for plaintext."""
        return self.keys.fingerprint() if isinstance(self.sealer, Sealed) else ""

    def require_identity(self, manifest: Manifest) -> None:
        """Raise CannotOpen where a backup is encrypted for others than us, before anything is made of it.

        A key that is missing or damaged is not our fault, and met by whoever reads on.
        """
        if manifest.encryption:
            with suppress(ObjectDamaged, ObjectMissing):
                self.keys.data_key(manifest.run)

    def seal_note(self, ident: str, run: str, note: bytes) -> bytes:
        """Return the sealed form of a note on an encrypted backup, under the data key of that backup's run."""
        return Sealed(self.keys).seal("note", ident, run, note)

    def open_note(self, ident: str, run: str, sealed: bytes, size: int) -> bytes:
        """Return a note of ``size`` bytes; raise CannotOpen without an identity, FrameError where it is not whole."""
        return Sealed(self.keys).open("note", ident, run, sealed, size)

    # Signed objects

    def sign(self, kind: str, name: str, body: bytes) -> bytes:
        """Return the stored form of a signed object of this repository."""
        return self._signer.sign(kind, self.id, name, body)

    def open_signed(self, kind: str, name: str) -> bytes:
        """Return the body of a signed object; raise where it is missing or its signature is not right."""
        return self._signer.open(kind, self.id, name, self.objects.get(name)).body

    # Objects by content

    def put(self, kind: str, plaintext: bytes, run: str, ident: str = "") -> Stored:
        """Seal, open again and compare, put, read back and compare; ``ident`` saves computing it twice."""
        ident = ident or self.sealer.identify(plaintext)
        name = names.object_name(kind, ident, run)
        sealed = self.sealer.seal(kind, ident, run, plaintext)
        if self.sealer.open(kind, ident, run, sealed, len(plaintext)) != plaintext:
            raise ObjectDamaged(name, "it did not open again to what went in, so the memory of this host may be faulty")
        # Equal contents that are put side by side would each have sealed bytes of their own for one name.
        with self._locks[int(ident[:2], 16) % _LOCKS]:
            sealed = self._put_once(name, sealed, lambda there: self._holds(kind, ident, run, there, plaintext))
        try:
            there = self.objects.get(name, len(sealed))
        except ObjectMissing:
            raise ObjectRemoved(name, self.where) from None
        if there != sealed:
            raise ObjectDamaged(name, "the storage gives other bytes than it was given")
        return Stored(ident, name, len(plaintext), len(sealed), hashlib.sha256(sealed).hexdigest())

    def _put_once(self, name: str, sealed: bytes, is_same: Callable[[bytes], bool]) -> bytes:
        """Put an object, or return what lies there already where this run has put the same content before."""
        try:
            self.objects.put(name, sealed)
        except NameTaken:
            there = self.objects.get(name)
            if not is_sealed(sealed) or not is_same(there):
                raise
            return there
        return sealed

    def _holds(self, kind: str, ident: str, run: str, sealed: bytes, plaintext: bytes) -> bool:
        try:
            return self.sealer.open(kind, ident, run, sealed, len(plaintext)) == plaintext
        except frames.FrameError:
            return False

    def get(self, kind: str, stored: Stored) -> bytes:
        """Return an object's plaintext, as ``fetch`` does; what it was healed from is remembered in ``healed``."""
        plaintext, healed = self.fetch(kind, stored)
        if healed:
            self.remember(healed)
        return plaintext

    def remember(self, healed: healing.Healed) -> None:
        """Remember what was healed, once and up to a hundred, so that the verb can tell it."""
        if healed not in self.healed and len(self.healed) < REMEMBERED:
            self.healed.append(healed)

    def healings(self) -> list[str]:
        """Return a sentence on each object that was read from elsewhere so far."""
        return [healed.sentence() for healed in self.healed]

    def fetch(self, kind: str, stored: Stored) -> tuple[bytes, healing.Healed | None]:
        """Return an object's plaintext; its name, size, digest and id are all checked.

        Raises ObjectDamaged or -Missing; CannotOpen only where its bytes are the ones that were recorded.
        What is missing or wrong is read once more, to tell a bad transfer from bad bytes, then noted, and read from
        another storage or another name of the same content: the second value says so.
        """
        names.check_object_name(kind, stored.id, stored.name)
        try:
            return self.opened(kind, stored, self.objects.get(stored.name, stored.stored_bytes)), None
        except (ObjectDamaged, ObjectMissing, StorageUnavailable):
            pass
        try:
            return self.opened(kind, stored, self.objects.get(stored.name, stored.stored_bytes)), None
        except (ObjectDamaged, ObjectMissing, StorageUnavailable) as error:
            return healing.rescue(self, kind, stored, error)

    def opened(self, kind: str, stored: Stored, sealed: bytes) -> bytes:
        """Return the plaintext of stored bytes; raise ObjectDamaged unless they are the ones that were recorded."""
        self.check_recorded(stored, sealed)
        return self.opened_as(kind, stored, stored.name, sealed)

    def check_recorded(self, stored: Stored, sealed: bytes) -> None:
        """Raise ObjectDamaged unless stored bytes are the ones that were recorded; no key is needed to see it."""
        if stored.bytes > stored.most:
            raise ObjectDamaged(stored.name, f"it would have {stored.bytes} bytes, which no such object has")
        if len(sealed) != stored.stored_bytes:
            raise ObjectDamaged(stored.name, f"it has {len(sealed)} bytes instead of {stored.stored_bytes}")
        if hashlib.sha256(sealed).hexdigest() != stored.sha256:
            raise ObjectDamaged(stored.name, "its bytes do not have the digest that the backup recorded")

    def opened_as(self, kind: str, stored: Stored, name: str, sealed: bytes) -> bytes:
        """Return the plaintext of bytes that lie under a name of the same id; raise ObjectDamaged for another content."""
        run = names.check_object_name(kind, stored.id, name)
        sealer = Sealed(self.keys) if is_sealed(sealed) else Plain()
        try:
            plaintext = sealer.open(kind, stored.id, run, sealed, stored.bytes)
        except frames.FrameError as error:
            raise ObjectDamaged(name, str(error)) from None
        if sealer.identify(plaintext) != stored.id:
            raise ObjectDamaged(name, "its content does not have the id that it is named by")
        return plaintext

    # Manifests

    def listing(self) -> list[Listed]:
        """Return every committed backup, oldest first, from one listing; names that are none of ours are passed over."""
        found = (names.MANIFEST.fullmatch(name) for name in self.objects.list("backups"))
        return [Listed(int(match[1]), match[2], match[0]) for match in found if match]

    def read_manifest(self, name: str) -> Committed:
        """Read one manifest: signature first, then its content, and that it stands where it says."""
        return self.open_manifest(name, self.objects.get(name))

    def open_manifest(self, name: str, stored: bytes) -> Committed:
        """Read a manifest whose stored bytes lie under that name, or lay there before they went to the trash."""
        opened = self._signer.open("manifest", self.id, name, stored)
        manifest = Manifest.from_bytes(name, self._unpacked(name, opened.body))
        if manifest.name != name or manifest.repository != self.id:
            raise ObjectDamaged(name, "it describes another backup than its name says")
        return Committed(manifest, hashlib.sha256(stored).hexdigest(), opened.fallback)

    def commit(self, manifest: Manifest) -> Committed:
        """Settle all that it names, put the manifest, last of all, and read it back: from here on the backup exists."""
        self.objects.settle()
        if not names.MANIFEST.fullmatch(manifest.name):
            raise ObjectDamaged(manifest.name, "no listing would show a backup of that number")
        packed = manifest.to_bytes()
        body = b"%d\n" % len(packed) + self.sealer.seal("manifest", manifest.name, manifest.run, packed)
        self.objects.put(manifest.name, self.sign("manifest", manifest.name, body))
        self.objects.settle()
        return self.read_manifest(manifest.name)

    def keeps(self, name: str) -> bool:
        """Say whether a backup's objects are kept: its manifest is listed, or pruned and not swept yet."""
        tombstone = name.replace("backups/", "trash/", 1)
        return self.objects.exists(name) or (self.objects.exists(tombstone) and not trash.is_sweeping(self, name))

    def _unpacked(self, name: str, body: bytes) -> bytes:
        size, _, packed = body.partition(b"\n")
        if not size.isdigit() or int(size) > LARGEST:
            raise ObjectDamaged(name, "it does not state its size")
        sealer = Sealed(self.keys) if is_sealed(packed) else Plain()
        try:
            return sealer.open("manifest", name, name.partition("-")[2], packed, int(size))
        except frames.FrameError as error:
            raise ObjectDamaged(name, str(error)) from None

    def find(self, selector: str) -> Listed:
        """Return the backup that an id, a unique beginning of one, or ``latest`` names; raise UnknownBackup."""
        listing = self.listing()
        if not listing:
            raise UnknownBackup("The repository holds no backup yet.", hint="manage.py backup_db takes one.")
        if selector in ("", "latest"):
            return listing[-1]
        matching = [listed for listed in listing if listed.run.lower().startswith(selector.lower())]
        if len(matching) == 1:
            return matching[0]
        if not matching:
            raise UnknownBackup(f"There is no backup {selector!r} in {self.objects.place()}.")
        shown = ", ".join(listed.run for listed in matching[:5])
        raise UnknownBackup(f"{selector!r} is not unique: it is the beginning of {shown}.", hint="Type more of the id.")

    def tombstones(self) -> set[int]:
        """Return the numbers of all names in the trash, whole or not: none of them is given out again."""
        found = (names.MANIFEST.fullmatch(name) for name in self.objects.list("trash"))
        return {int(match[1]) for match in found if match}


def _or_a_copy() -> str:
    """Say where backups may lie as well, where a storage has copies."""
    copies = list(get_settings().COPIES) if current_alias() == STORAGE_ALIAS else []
    return f"; list_backups --from {copies[0]} shows a copy" if copies else ""


def _elsewhere(prefix: str, alias: str, identity: str) -> tuple[Repository, ...]:
    """Open the same repository in every other storage that is configured and can be reached."""
    found = []
    for other in (STORAGE_ALIAS, *get_settings().COPIES):
        with suppress(ConfigurationError, UnknownBackup, RepositoryError):
            if other != alias:
                found.append(Repository.open(prefix, storage=configured_storage(other)))
    return tuple(repository for repository in found if repository.id == identity)


def _read_root(objects: Objects) -> str:
    try:
        read = json.loads(objects.get(ROOT, LARGEST_ROOT))
        version, identity = int(read["format"]), str(read["id"])
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        raise ObjectDamaged(ROOT, "it does not say which repository this is") from None
    if version > FORMAT:
        raise FormatUnknown(f"The repository is of format version {version}; this version reads up to {FORMAT}.")
    if not names.REPOSITORY.fullmatch(identity):
        raise ObjectDamaged(ROOT, "its id is not one of a repository")
    return identity


def _refuse_headless(objects: Objects) -> None:
    """A new id beside old backups would make them all look forged."""
    if objects.list("backups"):
        raise ObjectMissing(
            ROOT,
            hint='Nothing was stored. Put it back: {"format": 1, "id": "…", "kind": "repository"}, with the id from another copy '
            "of the storage or from the catalogue (the repository of each backup).",
        )


def _is_barren(objects: Objects) -> bool:
    """Say whether nothing of worth was ever put there."""
    return not any(objects.list(folder) for folder in ("backups", "trash")) and not objects.folders("keys")


def _make_root(objects: Objects) -> str:
    identity = uuid.uuid4().hex
    try:
        objects.put(ROOT, _root(identity))
    except NameTaken:
        # Another process made it in this moment; then that one is the repository.
        return _read_root(objects)
    return identity


def _root(identity: str) -> bytes:
    return json.dumps({"format": FORMAT, "id": identity, "kind": "repository"}, sort_keys=True).encode() + b"\n"
