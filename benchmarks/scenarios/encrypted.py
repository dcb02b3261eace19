"""What encryption costs: the same shop backed up and restored in plaintext, and for two recipients."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar

import pyrage

from benchmarks.lifeboat import BACK_UP, RESTORE, SHOP, Lifeboat
from benchmarks.measure import Run
from benchmarks.places import PREFIX, Place, PostgreSQL, SQLite
from benchmarks.scenarios.base import Comparison, Contender, Scenario, Sizes

ENCRYPTED, RESTORED = f"{BACK_UP}, encrypted", f"{RESTORE}, encrypted"


class Encrypted(Scenario):
    """Each backup is a first one, into an empty repository: everything is stored."""

    place_type: ClassVar[type[Place]]
    source: ClassVar[str] = f"{PREFIX}_encrypted"

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self.place = self.place_type(folder)
        restored = f"{self.source}_restored"
        self._plain = Lifeboat(self.place, self.source, restored, SHOP)
        self._sealed = Lifeboat(self.place, self.source, restored, SHOP, self._keys())

    def prepare(self) -> None:
        self._plain.seed(self.sizes.customers, self.sizes.orders)

    def contenders(self) -> dict[str, Contender]:
        return {
            BACK_UP: Contender(partial(self._plain.back_up, fresh=True)),
            RESTORE: Contender(self._plain.restore),
            ENCRYPTED: Contender(partial(self._sealed.back_up, fresh=True)),
            RESTORED: Contender(self._restore_sealed),
        }

    def comparisons(self) -> list[Comparison]:
        return [
            Comparison("encrypted backup", ENCRYPTED, BACK_UP, 1.15),
            Comparison("encrypted backup", ENCRYPTED, BACK_UP, 1.01, "stored"),
            Comparison("encrypted restore with its proof", RESTORED, RESTORE, 1.15),
        ]

    def versions(self) -> list[str]:
        return [self.place.version()]

    def clear(self) -> None:
        self._plain.clear()

    def _restore_sealed(self) -> Run:
        return self._sealed.restore()[RESTORE]

    def _keys(self) -> Mapping[str, str]:
        """Make two identities and return the environment that names them to the demonstration project."""
        made = [pyrage.x25519.Identity.generate() for _ in range(2)]
        file = self.folder / "identity.txt"
        file.write_text(f"{made[0]}\n")
        recipients = ",".join(str(identity.to_public()) for identity in made)
        return {"BACKUPS_RECIPIENTS": recipients, "BACKUPS_IDENTITY_FILE": str(file)}


class EncryptedOnPostgreSQL(Encrypted):
    """A server that reads while we compress and encrypt."""

    name: ClassVar[str] = "encrypted-postgresql"
    title: ClassVar[str] = "encryption of the shop on PostgreSQL"
    place_type: ClassVar[type[Place]] = PostgreSQL


class EncryptedOnSQLite(Encrypted):
    """Everything in our own process."""

    name: ClassVar[str] = "encrypted-sqlite"
    title: ClassVar[str] = "encryption of the shop on SQLite"
    place_type: ClassVar[type[Place]] = SQLite
