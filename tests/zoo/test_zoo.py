"""The zoo itself: it can be built and filled on every engine, is the same each time, and leaves nothing out."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import models

from tests.databases import Server
from tests.zoo.custom_fields import CIPHER_PREFIX, decrypt, encrypt
from tests.zoo.fill.corrupt import CORRUPT_ROWS, ORPHANS

ROOT = Path(__file__).resolve().parents[2]

EMPTY_ON_PURPOSE = {"zoo_no_rows", "zoo_smallautokey", "zoo_no_columns"}


def zoo(*arguments: str | Path) -> Any:
    """Run the zoo's command in a process and settings of its own; what it printed, from JSON if it is JSON."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.zoo", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) if done.stdout.startswith("{") else done.stdout


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("zoo") / "zoo.sqlite3"
    zoo(url(path))
    return path


@pytest.fixture
def address(server: Server) -> Iterator[str]:
    """The URL of an empty database of each server."""
    name = server.new_name("zoo_alone")
    server.create(name)
    if server.vendor == "sqlite":
        yield url(Path(server.settings(name)["NAME"]))
    else:
        yield urlsplit(server.url)._replace(path=f"/{name}").geturl()  # type: ignore[attr-defined]
    server.drop(name)


def test_every_table_is_filled_and_extras_can_be_made_on_every_engine(address: str) -> None:
    counts = zoo(address, "--extras")["default"]
    ours = {table: count for table, count in counts.items() if not table.startswith("zoo_extra")}
    assert {table for table, count in ours.items() if not count} <= EMPTY_ON_PURPOSE
    assert len(ours) > 60


def test_every_migration_can_be_taken_back(address: str) -> None:
    apps = ["zoo", "zoo_pg"] if address.startswith("postgres") else ["zoo"]
    zoo(address, "--manage", "migrate", "--verbosity=0")
    for app in reversed(apps):
        zoo(address, "--manage", "migrate", app, "zero", "--verbosity=0")
    for app in apps:
        zoo(address, "--manage", "migrate", app, "--verbosity=0")


def test_no_migration_is_missing(address: str) -> None:
    assert "No changes" in zoo(address, "--manage", "makemigrations", "--check", "--dry-run")


def test_two_zoos_are_alike(filled: Path, tmp_path: Path) -> None:
    zoo(url(tmp_path / "again.sqlite3"))
    dumps = []
    for path in (filled, tmp_path / "again.sqlite3"):
        with closing(sqlite3.connect(path)) as connection:
            # The moments at which migrations were applied do differ.
            dumps.append([line for line in connection.iterdump() if "django_migrations" not in line])
    assert dumps[0] == dumps[1]


def test_the_second_database_holds_its_own_model_alone(tmp_path: Path) -> None:
    counts = zoo(url(tmp_path / "first.sqlite3"), "--analytics", url(tmp_path / "second.sqlite3"))
    assert "zoo_analyticsevent" not in counts["default"]
    assert [table for table in counts["analytics"] if table.startswith("zoo")] == ["zoo_analyticsevent"]
    assert counts["analytics"]["zoo_analyticsevent"]


def test_damage_is_what_it_says(tmp_path: Path) -> None:
    path = tmp_path / "corrupt.sqlite3"
    zoo(url(path), "--corrupt")
    assert len(rows(path, "PRAGMA foreign_key_check")) == len(ORPHANS)
    found = rows(path, "SELECT count(*) FROM zoo_allfields WHERE id > 900000")
    assert found == [(len(CORRUPT_ROWS),)]
    with pytest.raises(sqlite3.OperationalError, match="Could not decode"):
        rows(path, "SELECT text FROM zoo_allfields WHERE id = 900001")


def test_an_undamaged_zoo_has_no_orphans(filled: Path) -> None:
    assert rows(filled, "PRAGMA foreign_key_check") == []
    assert rows(filled, "PRAGMA integrity_check") == [("ok",)]


def test_secrets_are_stored_as_ciphertext(filled: Path) -> None:
    stored = [secret for (secret,) in rows(filled, "SELECT secret FROM zoo_encrypted") if secret is not None]
    assert all(secret.startswith(CIPHER_PREFIX) for secret in stored)
    assert "a secret" in map(decrypt, stored)
    assert decrypt(encrypt("ü \U0001f6df")) == "ü \U0001f6df"


def test_counters_stand_above_their_rows(filled: Path) -> None:
    counters = dict(rows(filled, "SELECT name, seq FROM sqlite_sequence"))
    assert counters["zoo_highwater"] > rows(filled, "SELECT max(id) FROM zoo_highwater")[0][0]
    assert counters["zoo_smallautokey"] and not rows(filled, "SELECT * FROM zoo_smallautokey")


def test_every_field_class_of_django_is_in_the_zoo() -> None:
    from django.apps import apps

    used = {type(field) for model in apps.get_app_config("zoo").get_models() for field in model._meta.get_fields()}
    known = {
        held
        for held in vars(models).values()
        if isinstance(held, type) and issubclass(held, models.Field) and held.system_check_removed_details is None
    }
    needless = {models.Field, models.ForeignObject, models.ImageField}  # two bases, and one that needs Pillow
    assert known - needless - used == set()
