"""Chunks are fixtures: the zstd tool and plain ``loaddata`` read them without this program, wherever fixtures can say it."""

import json
import math
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from decimal import InvalidOperation
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db.models import GeneratedField, Model, QuerySet

from backups.chunks import Limits
from backups.contents import Contents
from backups.repository.frames import zstd
from shop.models import Customer, Order
from tests.databases import SQLiteServer, database, registered
from tests.yard import back_up, build_yard, entry_of, new_repository, path_of

ROOT = Path(__file__).parents[2]
ONE_CHUNK_A_TABLE = Limits(small_table=0)
# What Django makes something else of while it loads it: ciphertext is encrypted once more, and the order with respect to
# another model is counted anew.
CHANGED_BY_DJANGO = {"zoo.encrypted", "zoo.chapter"}


class Project:
    """A project with a migrated database of its own, in processes of their own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.manage("migrate", "--run-syncdb")

    @property
    def settings(self) -> dict[str, Any]:
        (database,) = self._folder.rglob("db.sqlite3")
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(database)}

    def manage(self, *words: str, data: bytes = b"") -> str:
        """Run a command of Django's, with this on its standard input."""
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "LIFEBOAT_TESTS_DIR": str(self._folder),
        }
        command = [sys.executable, "manage.py", *words, "--verbosity=1"]
        done = subprocess.run(command, input=data, cwd=ROOT, env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout.decode()

    def load(self, lines: bytes) -> str:
        """Pipe lines into loaddata."""
        return self.manage("loaddata", "--format=jsonl", "-", data=lines)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project into which each test loads its rows, over those that are there."""
    return Project(tmp_path_factory.mktemp("project"))


def unpacked(path: Path) -> bytes:
    """Unpack a chunk as anybody would: with the tool, or where it is not installed with the library."""
    if shutil.which("zstd") is None:
        return zstd.decompress(path.read_bytes())
    return subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout


def values(model: type[Model], using: str) -> dict[Any, Any]:
    """Return what the ORM reads of every row, by primary key; no manager hides any."""
    names = [field.attname for field in model._meta.concrete_fields if not isinstance(field, GeneratedField)]
    rows = QuerySet(model, using=using)
    return {pk: read(rows.filter(pk=pk).values_list(*names)) for pk in rows.values_list("pk", flat=True)}


def read(rows: QuerySet) -> Any:
    """Read one row; there are decimals that Django can write to SQLite and not read back."""
    try:
        return list(rows)
    except InvalidOperation as error:
        return type(error)


@pytest.mark.slow
def test_a_chunk_of_the_shop_is_loaded_by_plain_loaddata(engine, project, tmp_path):
    build_yard(engine)
    repository = new_repository(tmp_path)
    committed = back_up(engine, repository, ONE_CHUNK_A_TABLE)
    for table, rows in (("shop_customer", 4), ("shop_order", 79)):
        (chunk,) = entry_of(committed, table).chunks
        said = project.load(unpacked(path_of(repository, chunk.name)))
        assert said == f"Installed {rows} object(s) from 1 fixture(s)\n"
    with registered(project.settings) as loaded:
        for model in (Customer, Order):
            assert values(model, loaded) == values(model, engine.alias)


def beyond_python(line: bytes) -> bool:
    """Say whether JSON holds a number that Python's own reading of it, and so Django's, does not keep."""
    overflowed = []
    json.loads(line, parse_float=lambda text: overflowed.append(math.isinf(float(text))))
    return any(overflowed)


def fixtures_of(contents: Contents) -> Iterator[tuple[type[Model], bytes, bool]]:
    """Yield the lines of every model, and whether a fixture can say what they say."""
    models = {m._meta.label_lower: m for m in apps.get_models(include_auto_created=True) if m._meta.managed}
    for entry in contents.manifest.tables:
        for line in contents.lines(entry) if entry.table.label in models else ():
            yield models[entry.table.label], line, b',"exact":{' not in line and not beyond_python(line)


@pytest.mark.slow
def test_the_zoo_is_loaded_by_plain_loaddata(sqlite: SQLiteServer, project, tmp_path):
    with database(sqlite, zoo=True) as engine:
        repository = new_repository(tmp_path)
        contents = Contents(repository, back_up(engine, repository, None).manifest)
        every = list(fixtures_of(contents))
        lines = [(model, line) for model, line, is_fixture in every if is_fixture]
        # Nearly all of the zoo, awkward as it is, can be said.
        assert len({model for model, _ in lines}) > 45 and len(every) - len(lines) < 10
        said = project.load(b"".join(line for _, line in lines))
        assert said == f"Installed {len(lines)} object(s) from 1 fixture(s)\n"
        with registered(project.settings) as loaded:
            for model, count in Counter(model for model, _ in lines).items():
                label, ours, theirs = model._meta.label_lower, values(model, engine.alias), values(model, loaded)
                # Migrations and triggers of the new project make rows of their own as well.
                common = ours.keys() & theirs.keys()
                assert len(common) == count, label
                if label not in CHANGED_BY_DJANGO:
                    assert {pk: theirs[pk] for pk in common} == {pk: ours[pk] for pk in common}, label
