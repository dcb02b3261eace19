"""A small database with one of everything that a proof looks at, and short ways to back it up, restore and damage it."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.db import connections

from backups import archiver, restorer
from backups.chunks import Limits
from backups.contents import Contents
from backups.engines.base import Engine
from backups.manifest import Manifest, Stored, TableEntry
from backups.repository import Committed, Repository
from backups.repository.names import new_run
from backups.verification import Finding, Level, Result, Status, Subject, verify
from shop.models import Customer, Order

SMALL = Limits(target=2000, largest=16000, small_table=1500, page=3)
"""Cuts the yard's orders into chunks that lie in pages; its other tables share a chunk."""

ORDERS = 80
FIRST = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)

_TRIGGERS = {
    "sqlite": ["CREATE TRIGGER yard_gone AFTER DELETE ON shop_order BEGIN DELETE FROM readings WHERE 1 = 0; END"],
    "postgresql": [
        "CREATE FUNCTION yard_gone() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
        "CREATE TRIGGER yard_gone AFTER DELETE ON shop_order FOR EACH ROW EXECUTE FUNCTION yard_gone()",
    ],
    "mysql": ["CREATE TRIGGER yard_gone AFTER DELETE ON shop_order FOR EACH ROW DELETE FROM readings WHERE 1 = 0"],
}
_UNGUARDED = {
    "sqlite": ["PRAGMA foreign_keys = OFF", "PRAGMA ignore_check_constraints = ON"],
    "postgresql": ["SET session_replication_role = replica"],
    "mysql": ["SET foreign_key_checks = 0"],
}


def build_yard(engine: Engine) -> None:
    """Fill an empty database: the shop, a table without a key, a view, a trigger, a counter above its rows."""
    using = engine.alias
    for app in ("shop", "sessions"):
        call_command("migrate", app, database=using, verbosity=0)
    customers = [
        Customer(email=f"{name}@example.org", name=name, joined=FIRST, preferences={"name": name})
        for name in ("ada", "bob", "cyd", "dan", "eve")
    ]
    Customer.objects.using(using).bulk_create(customers)
    # Keys are left free in the middle of both tables, and the orders' counter stands above their last one.
    Customer.objects.using(using).filter(pk=3).delete()
    add_orders(using, range(1, ORDERS + 11))
    Order.objects.using(using).filter(pk__in=[41, *range(ORDERS + 1, ORDERS + 11)]).delete()
    execute(
        engine,
        "CREATE TABLE readings (sensor integer, reading double precision, noted varchar(40))",
        *(f"INSERT INTO readings VALUES ({n % 4}, {n % 3}.5, 'twice')" for n in range(12)),
        "INSERT INTO readings VALUES (1, 0.5, 'alone')",
        # Least and greatest, so that what is done to the real ones in between does not show in bounds.
        "INSERT INTO django_migrations (app, name, applied) VALUES ('admin', '0000_least', '2026-01-01 00:00:00')",
        "INSERT INTO django_migrations (app, name, applied) VALUES ('yard', '0009_most', '2026-01-01 00:00:00')",
        "CREATE VIEW order_numbers AS SELECT id, number FROM shop_order",
        *_TRIGGERS[engine.vendor],
    )


def add_orders(using: str, numbers: Iterable[int]) -> None:
    """Add orders of the first three customers; the keys of the first orders are their numbers."""
    customers = list(Customer.objects.using(using).order_by("pk"))[:3]
    Order.objects.using(using).bulk_create(
        Order(
            number=f"N{n:05}",
            customer=customers[n % len(customers)],
            placed=FIRST + timedelta(minutes=n, microseconds=n),
            quantity=n,
            amount=Decimal(n) + Decimal("0.25"),
            details={"lines": [[n, 1]], "rate": 1.5},
        )
        for n in numbers
    )


def execute(engine: Engine, *statements: str, guarded: bool = True) -> None:
    """Run statements on a connection of the engine's own; not ``guarded``: without foreign keys, checks and triggers."""
    with closing(engine.connect()) as wrapper, wrapper.cursor() as cursor:
        for statement in [*([] if guarded else _UNGUARDED[engine.vendor]), *statements]:
            cursor.execute(statement, None)


def query(engine: Engine, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with closing(engine.connect()) as wrapper, wrapper.cursor() as cursor:
        cursor.execute(statement, None)
        return list(cursor.fetchall())


def new_repository(folder: Path, prefix: str = "yard") -> Repository:
    """Make a repository in a folder."""
    return Repository.open(prefix, storage=FileSystemStorage(location=folder), create=True)


def back_up(engine: Engine, repository: Repository, limits: Limits | None = SMALL, **asked: Any) -> Committed:
    """Take and commit a backup that follows the newest one; ``asked`` as in ``archiver.Request``."""
    listing = repository.listing()
    parents = [repository.read_manifest(listing[-1].name)] if listing else []
    request = archiver.Request(
        new_run(), engine.alias, limits=limits or Limits(), **{"exclude_data": ("sessions.session",), **asked}
    )
    sequence = listing[-1].sequence + 1 if listing else 1
    return repository.commit(archiver.archive(engine, repository, request, parents, sequence))


def recommit(repository: Repository, committed: Committed, /, **changes: Any) -> Committed:
    """Commit a changed description as the next backup: whole and signed, as a faulty writer would have left it."""
    changes = {"run": new_run(), "sequence": committed.manifest.sequence + 1, "heads": (committed.head,), **changes}
    return repository.commit(replace(committed.manifest, **changes))


def with_part(repository: Repository, manifest: Manifest, name: str, data: bytes) -> dict[str, Stored]:
    """Return a manifest's parts with another content for one of them, which is stored."""
    return {**manifest.parts, name: repository.put("part", data, new_run())}


def prove(engine: Engine, repository: Repository, committed: Committed, level: Level = Level.RESTORE) -> Result:
    """Verify a backup."""
    manifest = committed.manifest
    return verify(Subject(repository, manifest.name, manifest.run, engine), level, new_run())


@contextmanager
def restored(engine: Engine, repository: Repository, committed: Committed) -> Iterator[tuple[Contents, Engine]]:
    """Restore a backup into a fresh database, which is dropped at the end."""
    contents = Contents(repository, committed.manifest)
    plan = restorer.plan(engine, committed.manifest, engine.scratch_name(new_run()))
    restorer.restore(contents, plan)
    try:
        yield contents, plan.target
    finally:
        plan.target.drop()


def entry_of(committed: Committed, table: str) -> TableEntry:
    """Return the entry of a table by its bare name."""
    return next(entry for entry in committed.manifest.tables if entry.table.name == table)


def named(findings: Iterable[Finding], *statuses: Status) -> set[str]:
    """Return the names of the checks with one of these statuses; failed and error where none are given."""
    return {f.name for f in findings if f.status in (statuses or (Status.FAILED, Status.ERROR))}


def details(findings: Iterable[Finding], name: str = "") -> str:
    """Return what failed checks say, each with its table before it; PostgreSQL's schema is left out."""
    wrong = (f for f in findings if f.status in (Status.FAILED, Status.ERROR) and name in ("", f.name))
    said = "\n".join(f"{f.name} {f.table}: {f.detail} ({f.expected} / {f.actual})" for f in wrong)
    return said.replace("public.", "")


def path_of(repository: Repository, name: str) -> Path:
    """Return the file of an object."""
    return Path(repository.objects.place()) / name


def flip(path: Path, place: int = -1, bit: int = 1) -> None:
    """Change one bit of a file."""
    data = bytearray(path.read_bytes())
    data[place] ^= bit
    path.write_bytes(data)


def all_objects(repository: Repository, without: Collection[str] = ("tmp",)) -> list[str]:
    """Return the name of every object in the storage."""
    root = Path(repository.objects.place())
    names = (str(path.relative_to(root)) for path in sorted(root.rglob("*")) if path.is_file())
    return [name for name in names if name.partition("/")[0] not in without]


def aliases() -> set[str]:
    """Return the aliases that Django knows."""
    return set(connections.settings)
