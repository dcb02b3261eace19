"""Our own commands, measured as an operator runs them: a fresh process of the demonstration project."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks import churn
from benchmarks.measure import Run, measured, size_of, working
from benchmarks.places import Place

BACK_UP, RESTORE, RESTORE_ALONE = (
    "lifeboat: backup_db",
    "lifeboat: restore_db, proof included",
    "lifeboat: restore alone",
)
NEWEST = "lifeboat: backup_db, 1 % changed in the newest 2 %"
BARE, SHOP = "benchmarks.bare_settings", "project.settings"
VERIFY = "lifeboat: verify_backup --level restore"


def manage(*words: str) -> list[str]:
    """Return the command line of a management command."""
    return [sys.executable, "manage.py", *words]


@dataclass(slots=True)
class Lifeboat:
    """One database, the folder that its backups go to, and the settings of the project that uses it.

    ``more`` is added to the environment of the project.
    """

    place: Place
    database: str
    restored: str
    settings: str = SHOP
    more: Mapping[str, str] = field(default_factory=dict)
    turns: int = 0

    @property
    def backups(self) -> Path:
        """The folder of its backups."""
        return self.place.folder / f"backups-{self.database}"

    def env(self, database: str = "") -> dict[str, str]:
        """Return the environment in which the demonstration project uses a database, as in production."""
        return {
            "DATABASE_URL": self.place.url(database or self.database),
            "BACKUPS_DIR": str(self.backups),
            "BACKUPS_SIGNING_KEY": "the signing key of measurements",
            "SECRET_KEY": "the secret key of measurements",
            "DEBUG": "0",
            "DJANGO_SETTINGS_MODULE": self.settings,
            **self.more,
        }

    def migrate(self, database: str = "") -> None:
        """Make the project's tables."""
        measured(manage("migrate", "--verbosity", "0"), self.env(database))

    def seed(self, customers: int, orders: int) -> None:
        """Make the database, a shop of so many made-up customers and orders."""
        self.place.recreate(self.database)
        self.migrate()
        words = ("seed_shop", "--verbosity", "0", "--customers", str(customers), "--orders", str(orders))
        measured(manage(*words), self.env())
        self.place.settle(self.database)

    def back_up(self, *, fresh: bool) -> Run:
        """Back up; ``fresh`` into an empty repository. What is stored is all that the backup added to it."""
        if fresh:
            self.forget()
        before = size_of(self.backups)
        # An emptied storage is what the catalogue warns of, unless it is adopted.
        run = measured(manage("backup_db", *(["--adopt"] if fresh else [])), self.env())
        return replace(run, stored=size_of(self.backups) - before)

    def change(self) -> None:
        """Change 1 % of the shop, other rows each time."""
        self.turns += 1
        self.place.run(self.database, churn.statements(self.turns, newest=True))

    def back_up_changed(self) -> Run:
        """Back up after a change."""
        self.change()
        return self.back_up(fresh=False)

    def back_up_in_worker(self, change: Callable[[], None] = lambda: None) -> Run:
        """Back up, after a change, in a process that runs already and has backed up once; only its seconds are measured."""
        with working(["-m", "benchmarks.worker"], self.env()) as worker:
            worker.ask()
            change()
            return Run(float(worker.ask()))

    def forget(self) -> None:
        """Remove all backups."""
        shutil.rmtree(self.backups, ignore_errors=True)
        self.backups.mkdir()

    def restore(self) -> dict[str, Run]:
        """Restore the newest backup and prove it; the restore alone is the whole without the seconds of the proof."""
        self.place.drop(self.restored)
        run = measured(manage("restore_db", "--to", self.place.target(self.restored), "--json"), self.env())
        proof = json.loads(run.printed)["verification"]
        return {RESTORE: run, RESTORE_ALONE: Run(run.seconds - (proof["seconds"] - proof["restore_seconds"]))}

    def verify(self) -> Run:
        """Restore the newest backup into a throw-away database, prove it, drop it."""
        return measured(manage("verify_backup", "--level", "restore"), self.env())

    def clear(self) -> None:
        """Drop both databases and the backups."""
        self.place.drop(self.database)
        self.place.drop(self.restored)
        shutil.rmtree(self.backups, ignore_errors=True)
