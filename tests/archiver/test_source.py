"""A source that contradicts itself is not backed up; one with very many tables makes few objects."""

import itertools
import re
import sys
import time
from types import SimpleNamespace

import pytest

from backups.exceptions import SourceChanged, SourceError
from backups.verification import Status
from tests.databases import database
from tests.yard import all_objects, back_up, details, execute, new_repository, prove, query

TABLES = 1500


def test_a_table_that_gives_fewer_rows_than_the_snapshot_counts_stops_the_backup(file_items):
    """Two tables have each other's index: read in the order of the key, the larger one has fewer rows."""
    for name, count in (("larger", 20), ("smaller", 10)):
        rows = ", ".join(f"('k{number:02}', {number})" for number in range(count))
        file_items.run(
            f"CREATE TABLE {name} (word varchar(10) NOT NULL PRIMARY KEY, number integer)",
            f"INSERT INTO {name} VALUES {rows}",
        )
    pages = dict(query(file_items.engine, "SELECT name, rootpage FROM sqlite_master WHERE type = 'index'"))
    larger, smaller = "sqlite_autoindex_larger_1", "sqlite_autoindex_smaller_1"
    file_items.run(
        "PRAGMA writable_schema = ON",
        f"UPDATE sqlite_master SET rootpage = {pages[smaller]} WHERE name = '{larger}'",
        f"UPDATE sqlite_master SET rootpage = {pages[larger]} WHERE name = '{smaller}'",
    )
    with pytest.raises(SourceChanged, match="Table larger gave 10 rows where the same snapshot counted 20"):
        file_items.back_up()
    assert file_items.repository.listing() == []


def test_a_database_that_is_gone_is_said_and_nothing_is_committed(engine, tmp_path):
    repository = new_repository(tmp_path)
    with pytest.raises(SourceError) as raised:
        back_up(engine.at(f"{engine.name}_gone"), repository)
    assert "_gone" in str(raised.value) and all_objects(repository) == ["repository.json"]


def test_moments_of_very_many_tables_add_up(file_items, monkeypatch):
    """Each look at the clock is a tenth of what is recorded: rounded table by table they would come to nothing."""
    ticks = itertools.count()
    clock = SimpleNamespace(monotonic=lambda: next(ticks) / 10_000)
    monkeypatch.setattr(sys.modules["backups.archiver.archive"], "time", clock)
    file_items.run(*(f"CREATE TABLE many_{number} (id integer NOT NULL PRIMARY KEY)" for number in range(30)))
    phases = file_items.back_up().manifest.phases
    assert phases["rows"] >= 0.003 and phases["witness"] >= 0.003


@pytest.mark.slow
@pytest.mark.parametrize("place", ["sqlite", "postgresql_18"])
def test_very_many_small_tables_make_few_objects(place, request, tmp_path):
    with database(request.getfixturevalue(place)) as engine:
        statements = [
            f"CREATE TABLE many_{number:04} (id integer NOT NULL PRIMARY KEY, word varchar(50) UNIQUE)"
            for number in range(TABLES)
        ]
        rows = [f"INSERT INTO many_{number:04} VALUES (1, 'one'), (2, 'two')" for number in range(TABLES)]
        execute(engine, *(["BEGIN", *statements, *rows, "COMMIT"]))
        repository = new_repository(tmp_path)
        began = time.monotonic()
        first = back_up(engine, repository, limits=None)
        again = back_up(engine, repository, limits=None)
        seconds = time.monotonic() - began
        print(f"{place}: two backups of {TABLES} tables in {seconds:.1f} s")
        objects = all_objects(repository)
        assert len(objects) < 100
        assert first.manifest.totals.rows == again.manifest.totals.rows == 2 * TABLES
        assert (again.manifest.totals.new_chunks, again.manifest.totals.new_bytes) == (0, 0)
        kinds = [re.match(r"\w+", name)[0] for name in objects]
        assert kinds.count("chunks") == 1 and kinds.count("backups") == 2
        result = prove(engine, repository, again)
        assert result.status == Status.PASSED, details(result.findings)[:2000]
