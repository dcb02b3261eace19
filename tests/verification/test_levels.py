"""How deep a verification goes, what its outcome is, and what it leaves behind: nothing, whatever happens."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections, router

from backups import restorer
from backups.engines import engine_class
from backups.engines.base import Engine
from backups.exceptions import SourceError, TargetExists
from backups.repository.names import new_run
from backups.verification import Finding, Level, Result, Status, Subject, check, verify
from backups.verification.findings import overall
from backups.verification.registry import _restored, restored_check, unregister
from tests.yard import aliases, details, execute, named, path_of, prove

SIGNATURE = {"signature", "chain", "events"}
RESTORED = {"restore", "rows", "content", "witness", "foreign_keys", "schema", "sequences", "migrations"}


@pytest.mark.parametrize(
    ("level", "checks"),
    [
        (Level.SIGNATURE, SIGNATURE),
        (Level.STORED, SIGNATURE | {"stored"}),
        (Level.RESTORE, SIGNATURE | {"stored"} | RESTORED),
    ],
)
def test_each_level_does_what_the_ones_before_it_do(file_yard, level, checks):
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed, level)
    assert {f.name for f in result.findings} == checks
    assert (result.status, result.level, result.backup) == (Status.PASSED, level, file_yard.committed.manifest.run)
    assert (result.restore_seconds is not None) == (level == Level.RESTORE)


def test_level_signature_reads_no_object_but_signed_ones(file_yard):
    for kind in ("chunks", "pages", "parts"):
        for path in path_of(file_yard.repository, kind).rglob("*.*"):
            path.unlink()
    repository, committed = file_yard.repository, file_yard.committed
    assert prove(file_yard.engine, repository, committed, Level.SIGNATURE).status == Status.PASSED
    assert prove(file_yard.engine, repository, committed, Level.STORED).status == Status.FAILED


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], Status.ERROR),
        ([Status.SKIPPED], Status.ERROR),
        ([Status.PASSED], Status.PASSED),
        ([Status.PASSED, Status.SKIPPED], Status.PASSED),
        ([Status.PASSED, Status.ERROR], Status.ERROR),
        ([Status.ERROR, Status.FAILED, Status.PASSED, Status.SKIPPED], Status.FAILED),
        ([Status.SKIPPED, Status.FAILED], Status.FAILED),
    ],
)
def test_failed_outweighs_error_and_error_outweighs_passed_and_nothing_is_no_pass(statuses, expected):
    findings = tuple(Finding("any", status) for status in statuses)
    assert overall(findings) == expected
    assert Result("run", Level.STORED, findings).status == expected


def test_without_a_server_level_restore_is_an_error(file_yard):
    manifest = file_yard.committed.manifest
    result = verify(Subject(file_yard.repository, manifest.name, manifest.run), Level.RESTORE, new_run())
    assert result.status == Status.ERROR and "no database server" in details(result.findings)


def test_a_backup_of_another_engine_is_an_error(yard):
    other = "postgresql" if yard.engine.vendor == "sqlite" else "sqlite"
    settings = {"ENGINE": f"django.db.backends.{other.replace('sqlite', 'sqlite3')}", "NAME": "elsewhere"}
    engine = engine_class(other)("default", {**connections["default"].settings_dict, **settings})
    result = prove(engine, yard.repository, yard.committed)
    assert named(result.findings) == {"restore"} and result.status == Status.ERROR
    assert f"taken from {yard.engine.vendor}" in details(result.findings)


@contextmanager
def guest(engine: Engine) -> Iterator[Engine]:
    """Make a user of the server who may read the database and make none; yields an engine that connects as that user."""
    name, database = f"guest_{secrets.token_hex(4)}", engine.name
    made = {
        "postgresql": [f"CREATE ROLE {name} LOGIN PASSWORD 'secret word'"],
        "mysql": [f"CREATE USER {name} IDENTIFIED BY 'secret word'", f"GRANT SELECT ON `{database}`.* TO {name}"],
    }
    gone = {"postgresql": [f"DROP ROLE {name}"], "mysql": [f"DROP USER {name}"]}
    execute(engine, *made[engine.vendor])
    try:
        yield type(engine)(engine.alias, {**engine.settings, "USER": name, "PASSWORD": "secret word"})
    finally:
        execute(engine, *gone[engine.vendor])


def test_no_right_to_create_databases_is_an_error_that_names_it(yard, tmp_path):
    if yard.engine.vendor == "sqlite":
        folder = tmp_path / "missing"
        result = prove(yard.engine.at(str(folder / "db.sqlite3")), yard.repository, yard.committed)
        right = f"The folder {folder} is not there"
    else:
        with guest(yard.engine) as engine:
            result = prove(engine, yard.repository, yard.committed)
        right = "CREATEDB" if yard.engine.vendor == "postgresql" else "CREATE"
    assert (result.status, named(result.findings)) == (Status.ERROR, {"restore"}), details(result.findings)
    assert right in details(result.findings) and "secret word" not in details(result.findings)


# What is left behind


def rehearse(yard, run: str) -> Result:
    """Verify at level restore under that run."""
    manifest = yard.committed.manifest
    return verify(Subject(yard.repository, manifest.name, manifest.run, yard.engine), Level.RESTORE, run)


def left_behind(yard, run: str) -> bool:
    """Say whether a run's throw-away database is there."""
    scratch = yard.engine.scratch_name(run)
    return yard.engine.at(scratch).exists() or any(scratch in name for name in yard.engine.leftovers())


def test_nothing_is_left_behind(yard):
    before, run = (aliases(), list(router.routers)), new_run()
    seen = []

    def watch(using):
        seen.append((using in connections.settings, left_behind(yard, run)))

    check("watch", databases=[yard.engine.alias])(watch)
    try:
        result = rehearse(yard, run)
    finally:
        unregister("watch")
    assert result.status == Status.PASSED and seen == [(True, True)]
    assert result.target == yard.engine.at(yard.engine.scratch_name(run)).name
    assert not left_behind(yard, run) and (aliases(), list(router.routers)) == before


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, RuntimeError, SourceError])
def test_nothing_is_left_behind_when_a_check_raises(yard, trouble):
    before, run = (aliases(), list(router.routers)), new_run()

    @restored_check("interrupted")
    def interrupted(copy):
        assert copy.alias in connections.settings and left_behind(yard, run)
        raise trouble("in the middle of it")

    try:
        if trouble is SourceError:
            result = rehearse(yard, run)
            assert named(result.findings, Status.ERROR) == {"interrupted"} and result.status == Status.ERROR
        else:
            with pytest.raises(trouble):
                rehearse(yard, run)
    finally:
        _restored.pop("interrupted")
    assert not left_behind(yard, run) and (aliases(), list(router.routers)) == before


def test_a_scratch_database_that_exists_already_is_never_touched(yard):
    run = new_run()
    mine = yard.engine.at(yard.engine.scratch_name(run))
    mine.create(yard.committed.manifest.engine)
    try:
        manifest = yard.committed.manifest
        result = verify(Subject(yard.repository, manifest.name, manifest.run, yard.engine), Level.RESTORE, run)
        assert (result.status, named(result.findings)) == (Status.ERROR, {"restore"})
        assert "exists already" in details(result.findings)
        assert mine.exists()
    finally:
        mine.drop()


def test_a_database_that_another_makes_at_the_last_moment_is_never_touched(yard):
    run = new_run()
    mine = yard.engine.at(yard.engine.scratch_name(run))
    taken = []

    class Late(type(yard.engine)):
        def create(self, facts):
            super().create(facts)  # the other one
            taken.append(self.name)
            super().create(facts)  # we

    late = Late(yard.engine.alias, yard.engine.settings)
    try:
        manifest = yard.committed.manifest
        result = verify(Subject(yard.repository, manifest.name, manifest.run, late), Level.RESTORE, run)
        assert (result.status, named(result.findings)) == (Status.ERROR, {"restore"})
        assert taken == [mine.name] and mine.exists()
    finally:
        mine.drop()


def test_a_storage_that_is_away_is_an_error_and_no_damage(file_yard):
    chunk = next(path_of(file_yard.repository, "chunks").rglob("*.*"))
    # A folder in the place of a file: the storage fails to read it, whoever asks.
    data = chunk.read_bytes()
    chunk.unlink()
    chunk.mkdir()
    result = prove(file_yard.engine, file_yard.repository, file_yard.committed)
    assert result.status == Status.ERROR, details(result.findings)
    assert named(result.findings) == {"stored", "restore"} and named(result.findings, Status.FAILED) == set()
    assert not file_yard.engine.leftovers()
    chunk.rmdir()
    chunk.write_bytes(data)
    assert prove(file_yard.engine, file_yard.repository, file_yard.committed).status == Status.PASSED


def test_the_live_database_is_not_a_place_to_restore_to(yard):
    with pytest.raises(TargetExists, match="is the live database"):
        restorer.plan(yard.engine, yard.committed.manifest, yard.engine.name)
