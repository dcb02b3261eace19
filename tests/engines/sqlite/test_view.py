"""How a SQLite database is held still: a copy without a name, a transaction, shared memory."""

import os
import shutil
import sqlite3
import stat
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from backups.exceptions import SourceError
from tests.engines.dumps import dump, named
from tests.engines.sqlite.test_places import engine_of, made


def rows_of(name: object) -> int:
    """Count the rows that a snapshot shows."""
    (lines,) = dump(engine_of(name)).lines.values()
    return len(lines)


def as_nobody(work: Callable[[], None]) -> None:
    """Do some work as a user who may write nowhere; root may write anywhere."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside other tests' threads
        child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgid(65534)
                os.setuid(65534)
            work()
        except BaseException as error:  # noqa: BLE001 (the parent is told by the exit status)
            print(repr(error), flush=True)
            os._exit(1)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that everybody may enter."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_without_a_log_a_private_copy_is_read_that_has_no_name(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db")
    with source.snapshot() as snapshot:
        assert os.listdir(tmp_path) == ["site.db"]
        with closing(sqlite3.connect(source.name, timeout=0)) as writer, writer:
            writer.execute("DELETE FROM t")
            writer.execute("DROP TABLE t")
        (table,) = snapshot.tables()
        assert len(list(snapshot.lines(table))) == 3
    assert os.listdir(tmp_path) == ["site.db"]


def test_with_a_log_writers_go_on_and_nothing_is_left(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db", "PRAGMA journal_mode = WAL")
    with source.snapshot() as snapshot:
        with closing(sqlite3.connect(source.name, timeout=0)) as writer, writer:
            writer.execute("DELETE FROM t")
        (table,) = snapshot.tables()
        assert len(list(snapshot.lines(table))) == 3
    assert os.listdir(tmp_path) == ["site.db"]
    assert rows_of(source.name) == 0


def test_rows_that_are_only_in_the_log_are_read(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db", "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(source.name, isolation_level=None)) as writer:
        writer.execute("PRAGMA wal_autocheckpoint = 0")
        writer.execute("INSERT INTO t VALUES (4, 'four')")
        assert rows_of(source.name) == 4
        # What a killed application leaves: file and log, and nobody connected.
        for suffix in ("", "-wal"):
            shutil.copyfile(f"{source.name}{suffix}", tmp_path / f"crashed.db{suffix}")
    assert rows_of(tmp_path / "crashed.db") == 4


def test_an_unfinished_transaction_of_a_killed_writer_is_not_read(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db")
    with closing(sqlite3.connect(source.name, isolation_level=None)) as writer:
        writer.execute("PRAGMA cache_size = 1")
        writer.execute("BEGIN")
        writer.executemany("INSERT INTO t (name) VALUES (?)", (("x" * 500,) for _ in range(500)))
        for suffix in ("", "-journal"):
            shutil.copyfile(f"{source.name}{suffix}", tmp_path / f"crashed.db{suffix}")
        writer.execute("ROLLBACK")
    assert os.path.getsize(tmp_path / "crashed.db") > 100_000
    assert rows_of(tmp_path / "crashed.db") == 3


def test_a_writer_in_the_middle_is_waited_for(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db")
    with closing(sqlite3.connect(source.name, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM t")
        assert rows_of(source.name) == 3
        writer.execute("COMMIT")
    assert rows_of(source.name) == 0


def test_where_no_copy_can_be_made_a_transaction_is_read(public: Path) -> None:
    made(public / "site.db")
    (public / "site.db").chmod(0o444)
    public.chmod(0o555)

    def work() -> None:
        with engine_of(public / "site.db").snapshot() as snapshot:
            assert len(list(snapshot.lines(named(snapshot.tables(), "t")))) == 3
        with engine_of(public / "site.db").lock("20261122T164315Z-3f9a2c"):
            assert os.listdir(public) == ["site.db"]

    as_nobody(work)


def test_a_file_that_may_not_be_read_is_a_sentence(public: Path) -> None:
    made(public / "site.db")
    (public / "site.db").chmod(0o000)

    def work() -> None:
        with pytest.raises(SourceError, match=r"site\.db.*\.$"), engine_of(public / "site.db").snapshot():
            pass

    as_nobody(work)


def test_a_folder_that_may_not_be_entered_is_a_sentence(public: Path) -> None:
    made(public / "site.db")
    public.chmod(0o000)

    def work() -> None:
        with pytest.raises(SourceError, match=r"site\.db.*\.$"), engine_of(public / "site.db").snapshot():
            pass

    as_nobody(work)


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"), engine_of(tmp_path).snapshot():
        pass


def test_copies_of_killed_runs_are_swept_and_others_are_not(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db")
    old, new = tmp_path / ".lifeboat-old.copy", tmp_path / ".lifeboat-new.copy"
    for path in (old, new):
        path.write_bytes(b"")
    os.utime(old, (0, 0))
    rows_of(source.name)
    assert (old.exists(), new.exists()) == (False, True)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are listed on Linux alone")
def test_nothing_of_a_database_is_readable_by_others_meanwhile(tmp_path: Path) -> None:
    source = made(tmp_path / "site.db")
    with source.snapshot():
        copies = [entry for entry in Path("/proc/self/fd").iterdir() if ".copy (deleted)" in _target(entry)]
        assert [stat.S_IMODE(copy.stat().st_mode) for copy in copies] == [0o600] * 3


def _target(entry: Path) -> str:
    try:
        return os.readlink(entry)
    except FileNotFoundError:
        return ""


class TestMemory:
    """Databases in memory."""

    NAME = "file:lifeboat_shared?mode=memory&cache=shared"

    @pytest.fixture
    def writer(self) -> Iterator[sqlite3.Connection]:
        """The connection that keeps it alive."""
        with closing(sqlite3.connect(self.NAME, uri=True, isolation_level=None, timeout=0)) as connection:
            connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)")
            connection.execute("CREATE TABLE u (id INTEGER PRIMARY KEY)")
            connection.execute("INSERT INTO t (name) VALUES ('one'), ('two')")
            yield connection

    def test_shared_memory_is_read_and_held_still(self, writer: sqlite3.Connection) -> None:
        with engine_of(self.NAME).snapshot() as snapshot:
            for statement in ("INSERT INTO u VALUES (1)", "DROP TABLE t", "CREATE TABLE v (id)"):
                with pytest.raises(sqlite3.OperationalError, match="locked"):
                    writer.execute(statement)
            assert [len(list(snapshot.lines(table))) for table in snapshot.tables()] == [2, 0]
            assert [sequence.value for sequence in snapshot.sequences()] == [2]
        writer.execute("INSERT INTO u VALUES (1)")

    def test_it_is_told_apart_by_its_name(self, writer: sqlite3.Connection) -> None:
        engine = engine_of(self.NAME)
        assert engine.is_same(engine_of(self.NAME))
        assert not engine.is_same(engine_of("file:other?mode=memory&cache=shared"))
        assert engine.origin().database == self.NAME

    def test_it_is_locked_like_any_other(self, writer: sqlite3.Connection) -> None:
        with engine_of(self.NAME).lock("20261122T164315Z-3f9a2c"):
            pass

    @pytest.mark.parametrize("name", [":memory:", "file:mine?mode=memory"])
    def test_memory_that_is_not_shared_is_refused_with_a_way_out(self, name: str) -> None:
        with pytest.raises(SourceError, match="memory") as caught, engine_of(name).snapshot():
            pass
        assert "cache=shared" in caught.value.hint


def test_attached_files_are_named_as_not_covered(tmp_path: Path) -> None:
    made(tmp_path / "other.db")
    source = made(tmp_path / "site.db")
    command = f"ATTACH '{tmp_path / 'other.db'}' AS other"
    with engine_of(source.name, init_command=command).snapshot() as snapshot:
        assert [table.name for table in snapshot.tables()] == ["t"]
        (found,) = snapshot.uncovered()
    assert (found.kind, found.name) == ("database", "other")
    assert "other.db" in found.reason
