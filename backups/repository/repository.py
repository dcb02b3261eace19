"""One database's repository: objects by content, manifests by number, everything signed or checked by digest."""

from __future__ import annotations

import hashlib
import json
import uuid
from dataclasses import dataclass
from typing import Self

from django.core.files.storage import Storage

from backups.chain import Head, Link
from backups.conf import get_settings
from backups.exceptions import FormatUnknown, NameTaken, ObjectDamaged, ObjectMissing, UnknownBackup
from backups.manifest import FORMAT, Manifest, Stored
from backups.repository import frames, names
from backups.repository.location import configured_storage
from backups.repository.sealing import Plain, Sealer
from backups.repository.storage import Objects, objects_for
from backups.signing import Signer

ROOT = "repository.json"
LARGEST_MANIFEST = 512 * 1024 * 1024


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
        return Link(manifest.sequence, manifest.name, self.digest, manifest.heads, manifest.gaps)


class Repository:
    """What lies under one prefix of the storage, for one database."""

    def __init__(self, objects: Objects, identity: str, signer: Signer, sealer: Sealer | None = None) -> None:
        self.objects = objects
        self.id = identity
        self.sealer = sealer or Plain()
        self._signer = signer

    @classmethod
    def open(cls, prefix: str, *, storage: Storage | None = None, create: bool = False) -> Self:
        """Open the repository under a prefix; ``create`` makes it where there is none, else UnknownBackup is raised.

        Raises ObjectMissing where there are backups and nothing says which repository they belong to.
        """
        objects = objects_for(storage or configured_storage(), prefix)
        signer = Signer(get_settings().signing_keys())
        try:
            return cls(objects, _read_root(objects), signer)
        except ObjectMissing:
            _refuse_headless(objects)
            if not create:
                raise UnknownBackup(
                    f"There is no repository for {prefix!r} in {objects.place()}.",
                    hint=f"Take a first backup: manage.py backup_db --database {prefix}",
                ) from None
        return cls(objects, _make_root(objects), signer)

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
        sealed = self.sealer.seal(kind, ident, plaintext)
        if self.sealer.open(kind, ident, sealed, len(plaintext)) != plaintext:
            raise ObjectDamaged(name, "it did not open again to what went in, so the memory of this host may be faulty")
        self.objects.put(name, sealed)
        if self.objects.get(name) != sealed:
            raise ObjectDamaged(name, "the storage gives other bytes than it was given")
        return Stored(ident, name, len(plaintext), len(sealed), hashlib.sha256(sealed).hexdigest())

    def get(self, kind: str, stored: Stored) -> bytes:
        """Return an object's plaintext; its name, size, digest and id are all checked. Raises ObjectDamaged or -Missing."""
        names.check_object_name(kind, stored.id, stored.name)
        try:
            return self._open(kind, stored, self.objects.get(stored.name))
        except ObjectDamaged:
            # Read once more, to tell a bad transfer from bad bytes.
            return self._open(kind, stored, self.objects.get(stored.name))

    def _open(self, kind: str, stored: Stored, sealed: bytes) -> bytes:
        if len(sealed) != stored.stored_bytes:
            raise ObjectDamaged(stored.name, f"it has {len(sealed)} bytes instead of {stored.stored_bytes}")
        if hashlib.sha256(sealed).hexdigest() != stored.sha256:
            raise ObjectDamaged(stored.name, "its bytes do not have the digest that the backup recorded")
        try:
            plaintext = self.sealer.open(kind, stored.id, sealed, stored.bytes)
        except frames.FrameError as error:
            raise ObjectDamaged(stored.name, str(error)) from None
        if self.sealer.identify(plaintext) != stored.id:
            raise ObjectDamaged(stored.name, "its content does not have the id that it is named by")
        return plaintext

    # Manifests

    def listing(self) -> list[Listed]:
        """Return every committed backup, oldest first, from one listing; names that are none of ours are passed over."""
        found = (names.MANIFEST.fullmatch(name) for name in self.objects.list("backups"))
        return [Listed(int(match[1]), match[2], match[0]) for match in found if match]

    def read_manifest(self, name: str) -> Committed:
        """Read one manifest: signature first, then its content, and that it stands where it says."""
        stored = self.objects.get(name)
        opened = self._signer.open("manifest", self.id, name, stored)
        manifest = Manifest.from_bytes(name, _unpacked(name, opened.body))
        if manifest.name != name or manifest.repository != self.id:
            raise ObjectDamaged(name, "it describes another backup than its name says")
        return Committed(manifest, hashlib.sha256(stored).hexdigest(), opened.fallback)

    def commit(self, manifest: Manifest) -> Committed:
        """Settle all that it names, put the manifest, last of all, and read it back: from here on the backup exists."""
        self.objects.settle()
        if not names.MANIFEST.fullmatch(manifest.name):
            raise ObjectDamaged(manifest.name, "no listing would show a backup of that number")
        packed = manifest.to_bytes()
        body = b"%d\n" % len(packed) + frames.compress(packed)
        self.objects.put(manifest.name, self.sign("manifest", manifest.name, body))
        self.objects.settle()
        return self.read_manifest(manifest.name)

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
        """Return the numbers of the backups that were pruned and not yet swept."""
        found = (names.MANIFEST.fullmatch(name) for name in self.objects.list("trash"))
        return {int(match[1]) for match in found if match}


def _unpacked(name: str, body: bytes) -> bytes:
    size, _, frame = body.partition(b"\n")
    if not size.isdigit() or int(size) > LARGEST_MANIFEST:
        raise ObjectDamaged(name, "it does not state its size")
    try:
        return frames.decompress(frame, int(size))
    except frames.FrameError as error:
        raise ObjectDamaged(name, str(error)) from None


def _read_root(objects: Objects) -> str:
    try:
        read = json.loads(objects.get(ROOT))
        version, identity = int(read["format"]), str(read["id"])
    except (ValueError, KeyError, TypeError):
        raise ObjectDamaged(ROOT, "it does not say which repository this is") from None
    if version > FORMAT:
        raise FormatUnknown(f"The repository is of format version {version}; this version reads up to {FORMAT}.")
    return identity


def _refuse_headless(objects: Objects) -> None:
    """A new id beside old backups would make them all look forged."""
    if objects.list("backups"):
        raise ObjectMissing(
            ROOT,
            hint='Nothing was stored. Put it back: {"format": 1, "id": "…", "kind": "repository"}, with the id from another copy '
            "of the storage or from the catalogue (the repository of each backup).",
        )


def _make_root(objects: Objects) -> str:
    identity = uuid.uuid4().hex
    body = json.dumps({"format": FORMAT, "id": identity, "kind": "repository"}, sort_keys=True).encode() + b"\n"
    try:
        objects.put(ROOT, body)
    except NameTaken:
        # Another process made it in this moment; then that one is the repository.
        return _read_root(objects)
    return identity
