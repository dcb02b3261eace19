"""The proof of a copy that was built by migrations: it passes on what means the same, and speaks for each planted damage."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.management import call_command

from backups.engines.base import Engine
from backups.verification import Finding, Status, prove_database
from shop.models import Customer
from tests.databases import Server, database
from tests.verification.rebuilding import rebuilt
from tests.yard import FIRST, add_orders, details, execute, named


@pytest.fixture
def shop(sqlite: Server) -> Iterator[Engine]:
    """A small shop in SQLite, with nothing but what migrations make."""
    with database(sqlite) as engine:
        call_command("migrate", "shop", database=engine.alias, verbosity=0)
        for name in ("ada", "bob", "cyd"):
            Customer.objects.using(engine.alias).create(
                email=f"{name}@example.org", name=name, joined=FIRST, preferences={"b": [1, 2.5], "a": None}
            )
        add_orders(engine.alias, range(1, 30))
        yield engine


DAMAGE = {
    "UPDATE shop_order SET amount = amount + 0.01 WHERE id = 3": "Row 3 differs in amount.",
    "UPDATE shop_order SET placed = '2026-03-01 12:09:00.123457' WHERE id = 9": "Row 9 differs in placed.",
    'UPDATE shop_customer SET preferences = \'{"b": [1, 2.6], "a": null}\' WHERE id = 2': "Row 2 differs in preferences.",
    "DELETE FROM shop_order WHERE id = 5": "Row 5 is missing.",
    "UPDATE shop_order SET id = 500 WHERE id = 5": "Row 500 is not in the backup.",
}


@pytest.mark.parametrize("vendor", ["sqlite", "postgresql_18", "mysql"])
def test_it_speaks_for_each_damage(shop: Engine, vendor: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    with database(request.getfixturevalue(vendor)) as server, rebuilt(shop, server, tmp_path) as (contents, copy):
        findings = prove_database(contents, copy, shop.alias, names=CHECKS)
        assert {finding.status for finding in findings} == {Status.PASSED}, details(findings)
        assert named(findings, Status.PASSED) == CHECKS
        for statement, said in DAMAGE.items():
            with undone(copy, statement):
                found = prove_database(contents, copy, shop.alias, names={"content"})
                assert said in details(found, "content"), (statement, details(found))


CHECKS = {"rows", "witness", "foreign_keys", "schema", "sequences", "migrations", "content"}


@contextmanager
def undone(copy: Engine, statement: str) -> Iterator[None]:
    """Damage a table, and put its rows back from beside it."""
    table = "shop_order" if "shop_order" in statement else "shop_customer"
    execute(copy, f"CREATE TABLE kept AS SELECT * FROM {table}", statement)
    yield
    execute(copy, f"DELETE FROM {table}", f"INSERT INTO {table} SELECT * FROM kept", "DROP TABLE kept", guarded=False)


def test_the_other_checks_speak_too(shop: Engine, tmp_path: Path) -> None:
    with rebuilt(shop, shop, tmp_path) as (contents, copy):
        execute(
            copy,
            "DELETE FROM shop_order WHERE id = 1",
            "UPDATE sqlite_sequence SET seq = 7 WHERE name = 'shop_order'",
            "DELETE FROM django_migrations WHERE app = 'shop'",
            "CREATE INDEX extra ON shop_order (quantity)",
            "UPDATE shop_order SET customer_id = 77 WHERE id = 2",
            guarded=False,
        )
        findings: list[Finding] = prove_database(contents, copy, shop.alias, names=CHECKS)
        assert named(findings) == CHECKS, details(findings)
