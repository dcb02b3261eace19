"""The contract of an engine beside reading and loading: databases come and go, are told apart, locked and broken."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connections

from backups.engines.base import Engine
from backups.exceptions import BackupsError, LockHeld, SourceError, TargetError, TargetExists
from backups.facts import EngineFacts
from tests.databases import Server, database, registered
from tests.engines.dumps import dump, execute

RUN = "20261122T164315Z-3f9a2c"
ROOT = Path(__file__).resolve().parents[2]
ROWS = ", ".join(f"({number}, 'x')" for number in range(1, 101))
TABLES = (
    "CREATE TABLE first (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE second (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40))",
    f"INSERT INTO first VALUES {ROWS}",
    f"INSERT INTO second VALUES {ROWS}",
)
HOLD = f"""
import json, sys
import django
from django.conf import settings

settings.configure(DATABASES=json.loads(sys.argv[1]), USE_TZ=True)
django.setup()
from backups.engines import engine_for

with engine_for("default").lock("{RUN}"):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def held_by_another_process(engine: Engine) -> Iterator[subprocess.Popen[str]]:
    """Have another process hold the lock; it is killed at the end."""
    settings = json.dumps({"default": engine.settings}, default=str)
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, settings], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


class Places:
    """Facts of an engine."""

    def test_it_says_what_it_is_without_its_password(self, server: Server, engine: Engine) -> None:
        secret = type(engine)(engine.alias, {**engine.settings, "PASSWORD": "swordfish"})
        assert secret.name in secret.describe()
        assert "swordfish" not in secret.describe()

    def test_its_origin_stays_the_same(self, engine: Engine) -> None:
        assert engine.origin() == type(engine)("other", engine.settings).origin()
        assert engine.origin().vendor == engine.vendor

    def test_the_origin_of_a_missing_database_is_an_error(self, engine: Engine, server: Server) -> None:
        with pytest.raises(SourceError):
            engine.at(server.new_name()).origin()

    def test_it_is_the_same_under_another_alias(self, engine: Engine) -> None:
        assert engine.is_same(type(engine)("other", engine.settings))
        assert engine.is_same(engine.at(engine.name))

    def test_it_is_not_the_same_as_another_database_of_the_server(self, engine: Engine, server: Server) -> None:
        assert not engine.is_same(engine.at(server.new_name()))
        with database(server) as other:
            assert not engine.is_same(other)

    def test_a_database_like_itself_can_be_made_beside_it(self, engine: Engine, server: Server) -> None:
        assert engine.at(server.new_name()).preflight(dump(engine).facts) == []

    def test_one_of_another_vendor_cannot(self, engine: Engine, server: Server) -> None:
        reasons = engine.at(server.new_name()).preflight(EngineFacts("oracle", "23"))
        assert reasons
        assert all(reason.endswith(".") for reason in reasons)

    def test_a_database_comes_and_goes(self, engine: Engine, server: Server) -> None:
        target, facts = engine.at(server.new_name()), dump(engine).facts
        assert not target.exists()
        target.create(facts)
        try:
            assert target.exists()
            assert dump(target).tables == []
            assert dump(target).facts == facts
        finally:
            target.drop()
        assert not target.exists()
        target.drop()

    def test_it_is_dropped_whoever_is_connected(self, engine: Engine, server: Server) -> None:
        target = engine.at(server.new_name())
        target.create(dump(engine).facts)
        with registered(target.settings) as alias:
            execute(type(engine)(alias, target.settings), *TABLES)
            target.drop()
            assert not target.exists()

    def test_a_database_takes_another_name_that_is_free(self, engine: Engine, server: Server) -> None:
        execute(engine, *TABLES)
        connections[engine.alias].close()
        before = dump(engine)
        new = engine.at(server.new_name())
        if not engine.renames:
            with pytest.raises(TargetError):
                engine.rename(new.name)
            assert not new.exists()
            return
        with database(server) as other:
            with pytest.raises(TargetExists):
                engine.rename(other.name)
            assert dump(other).tables == []
        engine.rename(new.name)
        try:
            assert not engine.exists()
            assert dump(new) == before
        finally:
            new.drop()

    def test_only_a_database_that_cannot_be_renamed_is_marked_until_it_is_settled(
        self, engine: Engine, server: Server
    ) -> None:
        target = engine.at(server.new_name())
        assert not target.is_unfinished() and not engine.is_unfinished()
        target.create(dump(engine).facts)
        try:
            assert target.is_unfinished() is not engine.renames
            with target.loader() as loader:
                assert not target.is_unfinished()
                loader.settle()
            assert not target.is_unfinished()
        finally:
            target.drop()

    def test_an_existing_database_is_never_made_again(self, engine: Engine) -> None:
        execute(engine, *TABLES)
        before = dump(engine)
        with pytest.raises(TargetExists):
            engine.at(engine.name).create(before.facts)
        assert dump(engine).lines == before.lines

    def test_what_killed_runs_leave_is_found(self, engine: Engine) -> None:
        name = engine.scratch_name(RUN)
        scratch = engine.at(name)
        assert name not in engine.leftovers()
        scratch.create(dump(engine).facts)
        try:
            assert name in engine.leftovers()
            assert engine.name not in engine.leftovers()
        finally:
            scratch.drop()
        assert name not in engine.leftovers()

    @pytest.mark.parametrize("name", ["", "nul\0", "a" * 300])
    def test_a_name_that_is_not_fit_is_refused(self, engine: Engine, name: str) -> None:
        with pytest.raises(TargetError):
            engine.at(name).create(EngineFacts(engine.vendor, "1"))

    def test_a_second_writer_is_refused_at_once_and_told_who_writes(self, engine: Engine) -> None:
        began = time.monotonic()
        with engine.lock(RUN), pytest.raises(LockHeld, match="since") as caught, engine.lock("20261122T164316Z-000000"):
            pass
        assert time.monotonic() - began < 5
        assert RUN in str(caught.value)
        assert caught.value.hint

    def test_the_lock_is_free_again_after_its_holder(self, engine: Engine) -> None:
        for _ in range(20):
            with engine.lock(RUN):
                pass
        with pytest.raises(ZeroDivisionError), engine.lock(RUN):
            raise ZeroDivisionError
        with engine.lock(RUN):
            pass

    def test_two_databases_have_two_locks(self, engine: Engine, server: Server) -> None:
        with database(server) as other, engine.lock(RUN), other.lock(RUN):
            pass

    @pytest.mark.slow
    def test_a_killed_holder_holds_nothing(self, engine: Engine) -> None:
        with held_by_another_process(engine) as process:
            with pytest.raises(LockHeld, match=RUN), engine.lock("20261122T164316Z-000000"):
                pass
            process.kill()
            process.wait()
        deadline = time.monotonic() + 20
        while True:
            try:
                with engine.lock("20261122T164316Z-000000"):
                    return
            except LockHeld:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def test_a_dropped_database_is_missed(self, engine: Engine) -> None:
        execute(engine, *TABLES)
        assert engine.damage("drop-database").endswith(".")
        assert not engine.exists()
        with pytest.raises(SourceError), engine.snapshot():
            pass

    def test_dropped_tables_are_missed(self, engine: Engine) -> None:
        execute(engine, *TABLES, "CREATE VIEW pairs AS SELECT first.id FROM first, second")
        engine.damage("drop-tables")
        assert dump(engine).tables == []

    def test_truncated_tables_are_empty(self, engine: Engine) -> None:
        execute(engine, *TABLES)
        engine.damage("truncate")
        assert list(dump(engine).lines.values()) == [[], []]

    def test_deleted_rows_are_chosen_by_the_seed(self, engine: Engine) -> None:
        execute(engine, *TABLES)
        expected = dump(engine).lines
        found = []
        for seed in (1, 1, 2):
            engine.damage("delete-rows", share=0.3, seed=seed)
            found.append(dump(engine).lines)
            execute(engine, "DELETE FROM first", "DELETE FROM second", *TABLES[2:])
        assert found[0] == found[1]
        assert found[0] != found[2]
        assert all(40 <= len(lines) < 100 for lines in found[0].values())
        assert all(set(lines) < set(expected[name]) for name, lines in found[0].items())

    def test_a_half_migrated_database_has_its_largest_table_in_two(self, engine: Engine) -> None:
        execute(engine, *TABLES, "DELETE FROM second WHERE id > 10")
        before = dump(engine)
        assert engine.damage("half-migration").endswith(".")
        after = dump(engine)
        rows = {table.name: len(after.lines[table.qualified]) for table in after.tables}
        half = len(before.lines[before.table("first").qualified]) // 2
        assert (rows["first"], rows["lifeboat_half_migrated"]) == (half, half)
        assert {column.name for column in after.table("first").columns} > {"id", "lifeboat_half"}

    def test_a_mode_of_damage_that_there_is_not_is_refused(self, engine: Engine) -> None:
        with pytest.raises(TargetError):
            engine.damage("set-on-fire")

    def test_damage_leaves_other_databases_alone(self, engine: Engine, server: Server) -> None:
        with database(server) as other:
            execute(other, *TABLES)
            expected = dump(other).lines
            for mode in ("truncate", "drop-tables", "drop-database"):
                engine.damage(mode)
            assert dump(other).lines == expected

    def test_every_error_is_one_of_ours(self, engine: Engine, server: Server) -> None:
        missing = engine.at(server.new_name())
        for mode in ("truncate", "drop-tables", "delete-rows"):
            with pytest.raises(BackupsError):
                missing.damage(mode)
