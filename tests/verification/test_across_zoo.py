"""The zoo from each engine to each other: what cannot go is named, row by row; all the rest means the same there."""

import re
from collections.abc import Iterator
from decimal import Context, Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import JSONField, Model

from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import TargetError
from backups.verification import Status, prove_database
from tests.databases import database, registered
from tests.verification.rebuilding import archive, built
from tests.yard import details, execute, named
from tests.zoo.models import AllFields, CharKey

VENDORS = ("sqlite", "postgresql_18", "mysql")
CHECKS = {"rows", "witness", "foreign_keys", "schema", "sequences", "migrations", "content"}
# What no migration of the zoo makes: tables and columns of one engine alone.
OWN = {
    "sqlite": r"zoo_(desc|nocase|null)_key|zoo_strict|zoo_unknown|zoo_without_rowid",
    "mysql": r"zoo_mysql_\w+",
    "postgresql": r'public\.(zoo_pg_.*|zoo_unknown|zoo "odd" 100% names)|zoo elsewhere\.zoo_tree',
}


_LARGE = {(2, "decimal_fine"), (3, "decimal_fine"), (2, "decimal_whole"), (3, "decimal_whole")}
_LONG = {(1, "decimal_fine"), (4, "decimal_whole"), (5, "decimal_whole"), *_LARGE}
_NUL = {(25, "json"), *((row, column) for row in (35, 36, 37) for column in ("char", "text"))}
_UNSIGNED = {(2, "positive_big_integer"), (2, "positive_integer"), (2, "positive_small_integer")}
# By source and target, the row and column of each value that has no place there.
UNFIT: dict[tuple[str, str], set[tuple[int, str]]] = {
    ("sqlite", "sqlite"): {(26, "json")},
    ("postgresql", "postgresql"): set(),
    ("mysql", "mysql"): set(),
    ("sqlite", "postgresql"): _LARGE | _NUL | {(26, "json")},
    ("sqlite", "mysql"): _LARGE | {(26, "json")},
    ("postgresql", "sqlite"): _LONG,
    ("postgresql", "mysql"): set(),
    ("mysql", "sqlite"): _LONG | {(2, "positive_big_integer")},
    ("mysql", "postgresql"): _NUL | _UNSIGNED,
}
_ALIKE = ['" ", ""', '"a ", a, A', '"🛟", "🚣", "�"', "b, B", "é, É, e"]
KEYS = {
    ("sqlite", "postgresql"): ['"NUL\\u0000key"'],
    ("sqlite", "mysql"): _ALIKE,
    ("postgresql", "mysql"): _ALIKE,
}


@pytest.fixture
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[Engine, Engine]]:
    """A filled zoo on one engine, and a server of another, or the same."""
    old, new = (request.getfixturevalue(name) for name in request.param)
    with database(old, zoo=True) as source, database(new) as server:
        yield source, server


def zoo_of(source: Engine, folder: Path) -> Contents:
    """Back the zoo up without the rows of what is the engine's own."""
    with source.snapshot() as snapshot:
        own = [t.qualified for t in snapshot.tables() if re.fullmatch(OWN[source.vendor], t.qualified)]
    return archive(source, folder, exclude_data=("sessions.session", *own))


@pytest.mark.parametrize("pair", list(product(VENDORS, repeat=2)), ids=" to ".join, indirect=True)
def test_every_field_means_the_same_there(pair: tuple[Engine, Engine], tmp_path: Path) -> None:
    source, server = pair
    said = refused(source, server, tmp_path / "all")
    found = re.findall(r"Row (\d+) of \S*zoo_allfields, column (\w+):", said)
    cells = {(int(row), column) for row, column in found}
    assert cells == UNFIT[source.vendor, server.vendor]
    keys = re.findall(r"Rows? (.*) of zoo_charkey, column name:", said)
    assert keys == KEYS.get((source.vendor, server.vendor), [])
    # Of the large decimals in SQLite Django can read none.
    mend(source, cells | (_LARGE if source.vendor == "sqlite" else set()), keys=bool(keys))
    with built(zoo_of(source, tmp_path / "mended"), source, server) as (contents, copy):
        findings = prove_database(contents, copy, source.alias, names=CHECKS)
        assert named(findings) == set() and named(findings, Status.PASSED) == CHECKS, details(findings)
        with registered(copy.settings) as alias:
            for model in models():
                # Of a decimal that SQLite happens to keep whole, Django reads 15 digits: the restored one has all of them.
                digits = 15 if source.vendor == "sqlite" else 100
                before, after = seen(model, source.alias, digits), seen(model, alias, digits)
                differing = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
                assert differing == [], model
        execute(copy, "UPDATE zoo_allfields SET choice = 'f' WHERE id = 1")
        assert "Row 1 differs in choice" in details(prove_database(contents, copy, source.alias, names={"content"}))


def refused(source: Engine, server: Engine, folder: Path) -> str:
    """Return what a move says, which is refused; nothing where it is not."""
    try:
        with built(zoo_of(source, folder), source, server):
            return ""
    except TargetError as error:
        return str(error)


def mend(source: Engine, cells: set[tuple[int, str]], *, keys: bool) -> None:
    """Take what will not fit out of the source."""
    for row, column in cells:
        AllFields.objects.using(source.alias).filter(pk=row).update(**{column: None})
    if keys:
        CharKey.objects.using(source.alias).exclude(name="a").delete()


def models() -> list[type[Model]]:
    """Return the models whose tables are alike on every engine."""
    found = apps.get_app_config("zoo").get_models(include_auto_created=True)
    usual = (model for model in found if model._meta.managed and not model._meta.proxy)
    return [model for model in usual if '"odd"' not in model._meta.db_table]


def seen(model: type[Model], alias: str, digits: int) -> list[str]:
    """Return the values of a table as an application sees them, with the key of their row and the name of their field.

    Generated columns are the engine's own work; PostgreSQL keeps the meaning of JSON, and not its spelling.
    """
    usual = (field for field in model._meta.concrete_fields if not (field.generated or isinstance(field, JSONField)))
    fields = [field.attname for field in usual]
    rows = model._base_manager.using(alias).values_list("pk", *fields)
    return sorted(
        f"{key} {name}: {plain(value, digits)!r}" for key, *row in rows for name, value in zip(fields, row, strict=True)
    )


def plain(value: Any, digits: int) -> Any:
    """Return a value in the one form that it has on every engine."""
    if isinstance(value, memoryview | bytes):
        return bytes(value)
    return f"{value.normalize(Context(prec=digits)):f}" if isinstance(value, Decimal) else value
