"""Where SQLite's databases lie: names, links, folders, settings of a fresh file, what is left behind."""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backups.engines.sqlite import ENGINE
from backups.engines.sqlite.engine import SQLiteEngine
from backups.engines.sqlite.place import Place
from backups.exceptions import LockHeld, SourceCorrupt, TargetError, TargetExists
from backups.facts import EngineFacts
from tests.engines.dumps import dump, restore

RUN = "20261122T164315Z-3f9a2c"


def engine_of(name: object, **options: Any) -> SQLiteEngine:
    """Return an engine as DATABASES would have it."""
    return ENGINE("default", {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": options, **BLANK})


BLANK = {
    "TIME_ZONE": None,
    "CONN_MAX_AGE": 0,
    "CONN_HEALTH_CHECKS": False,
    "AUTOCOMMIT": True,
    "ATOMIC_REQUESTS": False,
}


def made(path: Path, *statements: str) -> SQLiteEngine:
    """Make a file with a table of three rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
        connection.execute("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    return engine_of(path)


@pytest.fixture
def source(tmp_path: Path) -> SQLiteEngine:
    """A small database."""
    return made(tmp_path / "site.sqlite3")


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("/data/site.sqlite3", "/data/site.sqlite3"),
        ("/data/../data/site.sqlite3", "/data/site.sqlite3"),
        ("file:/data/site.sqlite3?mode=rw", "/data/site.sqlite3"),
        ("file:///data/with%20space.db?cache=private", "/data/with space.db"),
        (":memory:", None),
        ("file:site?mode=memory&cache=shared", None),
        ("file::memory:?cache=shared", None),
    ],
)
def test_a_name_says_where_the_file_is(name: str, path: str | None) -> None:
    assert Place.of(name).path == (None if path is None else Path(path))


def test_a_relative_name_is_below_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Place.of("site.sqlite3").path == tmp_path / "site.sqlite3"


@pytest.mark.parametrize("name", ["plain", "what?.db", "a#b.db", "50%.db", "sp ace.db", "ünï.db", "quo'te\".db"])
def test_a_file_of_any_name_is_read_and_made(tmp_path: Path, name: str) -> None:
    expected = dump(made(tmp_path / name))
    target = engine_of(tmp_path / f"new {name}")
    restore(expected, target)
    assert dump(target).lines == expected.lines
    assert sorted(os.listdir(tmp_path)) == sorted([name, f"new {name}"])


def test_a_bare_name_lies_beside_the_source(source: SQLiteEngine, tmp_path: Path) -> None:
    assert source.at("restored").name == str(tmp_path / "restored.sqlite3")
    assert source.at("restored.db").name == str(tmp_path / "restored.db")
    assert source.at("/elsewhere/restored").name == "/elsewhere/restored"


@pytest.mark.parametrize("name", ["", "folder/", ":memory:", "file:restored?mode=memory", "nul\0"])
def test_a_name_that_is_no_file_is_refused(source: SQLiteEngine, name: str) -> None:
    with pytest.raises(TargetError):
        source.at(name)


def test_it_is_the_same_through_links_and_detours(source: SQLiteEngine, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "soft.db").symlink_to(source.name)
    (tmp_path / "hard.db").hardlink_to(source.name)
    (tmp_path / "linked").symlink_to(tmp_path, target_is_directory=True)
    for name in ("soft.db", "hard.db", "folder/../site.sqlite3", "linked/site.sqlite3"):
        assert source.is_same(engine_of(tmp_path / name)), name
    assert source.is_same(engine_of(f"file:{source.name}?mode=ro"))
    assert not source.is_same(engine_of(tmp_path / "other.db"))
    assert engine_of(tmp_path / "linked" / "absent.db").is_same(engine_of(tmp_path / "absent.db"))


@pytest.mark.parametrize("leftover", ["", "-wal", "-shm", "-journal"])
def test_nothing_is_made_where_anything_lies_already(source: SQLiteEngine, tmp_path: Path, leftover: str) -> None:
    (tmp_path / f"restored.sqlite3{leftover}").write_bytes(b"precious")
    target = source.at("restored")
    assert target.exists()
    with pytest.raises(TargetExists):
        target.create(dump(source).facts)
    assert (tmp_path / f"restored.sqlite3{leftover}").read_bytes() == b"precious"
    assert len(os.listdir(tmp_path)) == 2


def test_nothing_is_made_through_a_dangling_link(source: SQLiteEngine, tmp_path: Path) -> None:
    (tmp_path / "restored.sqlite3").symlink_to(tmp_path / "nowhere")
    with pytest.raises(TargetExists):
        source.at("restored").create(dump(source).facts)


def test_a_folder_that_is_not_there_is_a_reason(source: SQLiteEngine, tmp_path: Path) -> None:
    target = engine_of(tmp_path / "absent" / "restored.db")
    (reason,) = target.preflight(dump(source).facts)
    assert str(tmp_path / "absent") in reason
    with pytest.raises(TargetError, match="absent"):
        target.create(dump(source).facts)


def test_a_missing_module_is_a_reason(source: SQLiteEngine) -> None:
    (reason,) = source.at("restored").preflight(EngineFacts("sqlite", "3.40.1", extensions=("fts99",)))
    assert "fts99" in reason


@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_fresh_file_is_like_the_source_and_private(tmp_path: Path, journal_mode: str) -> None:
    with closing(sqlite3.connect(tmp_path / "site.db", isolation_level=None)) as connection:
        for name, value in (("page_size", 8192), ("auto_vacuum", 2), ("encoding", "'UTF-16be'")):
            connection.execute(f"PRAGMA {name} = {value}")
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY)")
        for name, value in (("user_version", 77), ("application_id", -5), ("journal_mode", journal_mode)):
            connection.execute(f"PRAGMA {name} = {value}")
    source, target = engine_of(tmp_path / "site.db"), engine_of(tmp_path / "new.db")
    expected = dump(source)
    assert expected.facts.properties == {
        "page_size": "8192",
        "auto_vacuum": "2",
        "encoding": "UTF-16be",
        "user_version": "77",
        "application_id": "-5",
        "journal_mode": journal_mode,
    }
    restore(expected, target)
    assert dump(target).facts == expected.facts
    assert stat.S_IMODE(os.stat(target.name).st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ["new.db", "site.db"]


def test_what_connecting_runs_does_not_change_how_a_restored_file_is_written(tmp_path: Path) -> None:
    expected = dump(made(tmp_path / "site.db"))
    target = engine_of(tmp_path / "new.db", init_command="PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
    restore(expected, target)
    assert dump(engine_of(tmp_path / "new.db")).facts.properties["journal_mode"] == "delete"


def test_dropping_takes_the_sidecars_along(source: SQLiteEngine, tmp_path: Path) -> None:
    for suffix in ("-wal", "-shm", "-journal"):
        (tmp_path / f"site.sqlite3{suffix}").write_bytes(b"")
    source.drop()
    assert os.listdir(tmp_path) == []


def test_sidecars_alone_are_leftovers_too(source: SQLiteEngine, tmp_path: Path) -> None:
    name = source.scratch_name(RUN)
    (tmp_path / f"{name}-wal").write_bytes(b"")
    (tmp_path / "lifeboat_mine.sqlite3").write_bytes(b"")
    assert source.leftovers() == [name]
    source.at(name).drop()
    assert source.leftovers() == []


def test_the_lock_leaves_no_file_and_is_one_through_a_link(source: SQLiteEngine, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(source.name)
    with source.lock(RUN):
        (lock,) = [name for name in os.listdir(tmp_path) if name.endswith(".lifeboat-lock")]
        assert stat.S_IMODE(os.stat(tmp_path / lock).st_mode) == 0o600
        with pytest.raises(LockHeld, match=str(os.getpid())), engine_of(tmp_path / "link.db").lock(RUN):
            pass
    assert sorted(os.listdir(tmp_path)) == ["link.db", "site.sqlite3"]


def test_a_lock_file_that_a_killed_run_left_is_no_lock(source: SQLiteEngine, tmp_path: Path) -> None:
    (tmp_path / "site.sqlite3.lifeboat-lock").write_bytes(b"{}")
    with source.lock(RUN):
        pass


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("journal_mode", ["delete", "wal"])
def test_a_corrupted_file_is_missed(tmp_path: Path, seed: int, journal_mode: str) -> None:
    source = made(tmp_path / "site.db", f"PRAGMA journal_mode = {journal_mode}")
    assert source.damage("corrupt-file", seed=seed).endswith(".")
    with pytest.raises(SourceCorrupt, match=r"site\.db"), source.snapshot():
        pass
    assert os.listdir(tmp_path) == ["site.db"]


@pytest.fixture
def big(tmp_path: Path) -> Iterator[SQLiteEngine]:
    """A database of many pages."""
    with closing(sqlite3.connect(tmp_path / "big.db")) as connection, connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", ((i, f"row {i} " * 20) for i in range(2000)))
    yield engine_of(tmp_path / "big.db")


def test_one_spoilt_page_in_the_middle_is_missed(big: SQLiteEngine) -> None:
    with open(big.name, "r+b") as file:
        file.seek(40 * 4096)
        file.write(b"\xff" * 16)
    with pytest.raises(SourceCorrupt, match=r"big\.db"), big.snapshot():
        pass


def test_a_truncated_file_is_missed(big: SQLiteEngine) -> None:
    os.truncate(big.name, os.path.getsize(big.name) // 2)
    with pytest.raises(SourceCorrupt, match=r"big\.db"), big.snapshot():
        pass


def test_a_file_that_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("These are no rows.\n" * 500)
    with pytest.raises(SourceCorrupt, match="notes"), engine_of(tmp_path / "notes.txt").snapshot():
        pass
