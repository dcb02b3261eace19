"""The worst day, once it is nearly over: one customer with orders back into the live database, and a replacement undone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import ClassVar

from benchmarks.lifeboat import SHOP, Lifeboat, manage
from benchmarks.measure import Run, measured
from benchmarks.places import PREFIX, Place, PostgreSQL, SQLite
from benchmarks.scenarios.base import Comparison, Contender, Limit, Scenario, Sizes

RECOVER = "lifeboat: recover_rows, a customer with orders"
UNDO = "lifeboat: restore_db --undo"
CUSTOMER = 4711


class Recovery(Scenario):
    """The shop, backed up and replaced once."""

    place_type: ClassVar[type[Place]]

    def __init__(self, sizes: Sizes, folder: Path) -> None:
        super().__init__(sizes, folder)
        self._place = self.place_type(folder)
        self._lifeboat = Lifeboat(self._place, f"{PREFIX}_recovery", f"{PREFIX}_recovery_restored", SHOP)
        self._kept = ""

    def prepare(self) -> None:
        self._lifeboat.seed(self.sizes.customers, self.sizes.orders)
        self._lifeboat.back_up(fresh=True)
        self._exchange("--replace")

    def contenders(self) -> dict[str, Contender]:
        return {RECOVER: Contender(self._recover), UNDO: Contender(lambda: self._exchange("--undo"))}

    def comparisons(self) -> list[Comparison]:
        return []

    def limits(self) -> list[Limit]:
        rows = f"{self.sizes.customers + self.sizes.orders:,}"
        return [
            Limit(f"a customer with orders, of {rows} rows", RECOVER, 3.0, "seconds"),
            Limit(f"a replacement undone, with {rows} rows", UNDO, 5.0, "seconds"),
        ]

    def versions(self) -> list[str]:
        return [self._place.version()]

    def clear(self) -> None:
        if self._kept:
            self._place.drop(self._kept)
        self._lifeboat.clear()

    def _recover(self) -> Run:
        """Delete a customer that has orders, and bring all of them back."""
        where = f"= {min(CUSTOMER, self.sizes.customers)}"
        deletions = (f"DELETE FROM shop_order WHERE customer_id {where}", f"DELETE FROM shop_customer WHERE id {where}")
        self._place.run(self._lifeboat.database, deletions)
        words = ("latest", "shop.customer", where.removeprefix("= "), "--with-children", "--yes", "--json")
        return measured(manage("recover_rows", *words), self._lifeboat.env())

    def _exchange(self, how: str) -> Run:
        """Replace the live database, or undo that, and remember what is kept."""
        name = Path(self._place.target(self._lifeboat.database)).name
        run = measured(manage("restore_db", how, "--confirm", name, "--json"), self._lifeboat.env())
        self._kept = Path(json.loads(run.printed)["kept"]).name.removesuffix(".sqlite3")
        return run


class RecoveryOnPostgreSQL(Recovery):
    """Where both renames are one transaction."""

    name: ClassVar[str] = "recovery-postgresql"
    title: ClassVar[str] = "recovery on PostgreSQL"
    place_type: ClassVar[type[Place]] = PostgreSQL


class RecoveryOnSQLite(Recovery):
    """Where a file takes another's name."""

    name: ClassVar[str] = "recovery-sqlite"
    title: ClassVar[str] = "recovery on SQLite"
    place_type: ClassVar[type[Place]] = SQLite
