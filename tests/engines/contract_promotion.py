"""The contract of an engine when one database takes another's place: in one step, with all that belongs to it, and back."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer

import pytest
from django.db import Error as DatabaseError

from backups.engines.base import Engine
from backups.exceptions import TargetError, TargetExists
from backups.progress import Step
from backups.repository.names import new_run
from tests.crashing import killed_at
from tests.databases import Server
from tests.yard import execute

State = tuple[list[str], dict[str, list[bytes]]] | None
TABLES = (
    "CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY, word VARCHAR(40))",
    "CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, parent INTEGER NOT NULL, FOREIGN KEY (parent) REFERENCES parent (id))",
    "CREATE TABLE journal (id INTEGER NOT NULL PRIMARY KEY)",
)
_HOLD = "import sys, sqlite3; c = sqlite3.connect(sys.argv[1]); c.execute(sys.argv[2]); print(1, flush=True); sys.stdin.read()"


@contextmanager
def filled_copy(server: Server, engine: Engine, statements: tuple[str, ...]) -> Iterator[Engine]:
    """Make a database beside another, as a restore would have filled it, and drop it at the end."""
    name = server.new_name("copy")
    server.create(name)
    made = engine.at(name)
    execute(made, *statements)
    yield made
    made.drop()


def state(engine: Engine) -> State:
    """Everything of a database: definitions and rows; None where it is not there."""
    if not engine.exists():
        return None
    with engine.snapshot() as snapshot:
        lines = {table.name: list(snapshot.lines(table)) for table in snapshot.tables()}
        return sorted(engine.normal(statement.sql) for statement in snapshot.schema().statements()), lines


def rows(engine: Engine) -> dict[str, list[bytes]] | None:
    """The rows alone."""
    found = state(engine)
    return found and found[1]


class Promoting:
    """What a promotion does, and what it leaves when it is killed. A subclass names a trigger: see ``Restoring``."""

    trigger: tuple[str, ...]

    @pytest.fixture
    def live(self, engine: Engine) -> Engine:
        """The live database, with the word old and a trigger that only it has."""
        execute(engine, *TABLES, *self.trigger, "CREATE VIEW words AS SELECT word FROM parent")
        execute(engine, "INSERT INTO parent VALUES (1, 'old')", "INSERT INTO child VALUES (1, 1)")
        return engine

    @pytest.fixture
    def copy(self, server: Server, engine: Engine) -> Iterator[Engine]:
        """A copy that has another table and view; everything that its tests keep goes with it."""
        made = self.made(server, engine)
        yield made
        made.drop()
        for name in engine.kept():
            engine.at(name).drop()

    def made(self, server: Server, engine: Engine) -> Engine:
        """Make a database with the word new."""
        name = server.new_name("copy")
        server.create(name)
        made = engine.at(name)
        execute(made, *TABLES, "CREATE TABLE extra (id INTEGER NOT NULL PRIMARY KEY)", *self.trigger)
        execute(made, "CREATE VIEW words AS SELECT word, id FROM parent", "INSERT INTO parent VALUES (2, 'new')")
        return made

    def test_the_copy_takes_the_place_and_the_old_one_is_kept(self, live: Engine, copy: Engine) -> None:
        old, new, kept = state(live), state(copy), live.kept_name(new_run())
        steps: list[Step] = []
        assert live.irreplaceable() == []
        assert live.promote(copy, kept, steps.append) == []
        assert state(live) == new and state(live.at(kept)) == old and not copy.exists()
        assert live.kept() == [kept] and {step.stage for step in steps} == {"promote"}
        assert live.finish(copy, kept, was_there=True)

    def test_it_goes_back_and_forth(self, live: Engine, copy: Engine) -> None:
        old, new, names = state(live), state(copy), []
        other = copy
        for number in range(3):
            names.append(live.kept_name(f"2026112{number}T164315Z-3f9a2c"))
            live.promote(other, names[-1])
            other = live.at(names[-1])
            assert (state(live), state(other)) == ((old, new) if number % 2 else (new, old))
        assert live.kept() == names[-1:]

    def test_nothing_is_kept_where_nothing_was(self, live: Engine, copy: Engine) -> None:
        new = state(copy)
        live.drop()
        kept = live.kept_name(new_run())
        live.promote(copy, kept)
        assert state(live) == new and not copy.exists() and live.kept() == []
        assert live.finish(copy, kept, was_there=False)

    def test_a_name_that_is_taken_is_never_given_away(self, live: Engine, copy: Engine) -> None:
        old, new, kept = state(live), state(copy), live.kept_name(new_run())
        live.at(kept).create(self.facts(live))
        with pytest.raises(TargetExists):
            live.promote(copy, kept)
        assert state(live) == old and state(copy) == new

    def facts(self, engine: Engine):
        with engine.snapshot() as snapshot:
            return snapshot.facts()

    def test_whoever_is_connected_is_ended_or_is_the_reason_not_to(
        self, live: Engine, copy: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("backups.engines.sqlite.promotion._PATIENCE", 0.6)
        old, new, kept = state(live), state(copy), live.kept_name(new_run())
        if live.ends_connections:
            wrapper = live.connect()
            with wrapper.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT * FROM parent")
                live.promote(copy, kept)
                assert state(live) == new and state(live.at(kept)) == old
                with pytest.raises(DatabaseError):
                    cursor.execute("SELECT 1")
            with suppress(DatabaseError):
                wrapper.close()
        else:
            for statement in ("SELECT 1", "BEGIN IMMEDIATE"):
                with held(live, statement) as process:
                    (reason,) = live.irreplaceable()
                    assert f"Process {process.pid}" in reason
                    with pytest.raises(TargetError, match=f"Process {process.pid}"):
                        live.promote(copy, kept)
            assert state(live) == old and state(copy) == new and live.kept() == []
            # A request that is over in a moment is waited for.
            with held(live, "BEGIN IMMEDIATE") as process:
                Timer(0.2, process.kill).start()
                live.promote(copy, kept)
            assert state(live) == new and state(live.at(kept)) == old

    def test_killed_before_any_operation_it_is_wholly_old_or_new(self, live: Engine, copy: Engine) -> None:
        old, new, other, killed, outcomes = state(live), state(copy), copy, 0, []
        for number in range(1, 100):
            kept = live.kept_name(new_run())
            came = killed_at(number, lambda tell, other=other, kept=kept: live.promote(other, kept, tell))
            assert rows(live) in (old[1], new[1])  # type: ignore[index]
            done = live.finish(other, kept, was_there=True)
            outcomes.append(done)
            if done:
                old, new, other = new, old, live.at(kept)
            assert state(live) == old and state(other) == new
            assert live.kept() == ([other.name] if other.name != copy.name else [])
            assert done == live.finish(other if not done else copy, kept, was_there=True) or done
            killed += came
            if not came:
                break
        print(f"{live.title}: killed {killed} times, before each operation of a promotion")
        assert killed > 4 and outcomes[0] is False and outcomes[-1] is True and outcomes == sorted(outcomes)

    def test_killed_where_nothing_was_there_is_nothing_or_the_copy(
        self, server: Server, live: Engine, copy: Engine
    ) -> None:
        new, other = state(copy), copy
        live.drop()
        for number in range(1, 100):
            kept = live.kept_name(new_run())
            came = killed_at(number, lambda tell, other=other, kept=kept: live.promote(other, kept, tell))
            done = live.finish(other, kept, was_there=False)
            assert (state(live), state(other)) == ((new, None) if done else (None, new))
            assert live.kept() == []
            if not came:
                break
            if done:
                live.drop()
                other = self.made(server, live)
        assert number > 3 and done
        live.drop()


@contextmanager
def held(engine: Engine, statement: str) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold a file open, after it ran a statement."""
    command = [sys.executable, "-c", _HOLD, engine.name, statement]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout and process.stdout.readline() == "1\n"
            yield process
        finally:
            process.kill()
