"""``simulate_failure``: it breaks what it says, and only where it may and the database's name was typed."""

import sqlite3
from contextlib import closing

import pytest

from tests.commands.site import Site

MODES = ["drop-database", "drop-tables", "truncate", "delete-rows", "half-migration", "corrupt-file"]


@pytest.fixture
def allowed(site: Site) -> Site:
    site.settings["BACKUPS"]["ALLOW_SIMULATED_FAILURE"] = True
    return site


@pytest.mark.parametrize("mode", MODES)
def test_it_refuses_without_the_setting_and_without_the_name(site: Site, mode: str) -> None:
    before = site.tree()
    done = site.manage("simulate_failure", "--mode", mode, "--confirm", "site.sqlite3")
    done.refused("not allowed here", "ALLOW_SIMULATED_FAILURE")
    site.settings["BACKUPS"]["ALLOW_SIMULATED_FAILURE"] = True
    site.manage("simulate_failure", "--mode", mode).refused("has to be typed", "--confirm site.sqlite3")
    for wrong in ("site", "default", "SITE.SQLITE3", str(site.database))[: 4 if mode == MODES[0] else 1]:
        done = site.manage("simulate_failure", "--mode", mode, "--confirm", wrong)
        done.refused(f"{wrong!r} is not the name of the database", "Its name is 'site.sqlite3'", "Nothing was changed")
    assert site.tree() == before


def counts(site: Site) -> tuple[int, int]:
    with closing(sqlite3.connect(f"file:{site.database}?mode=ro", uri=True)) as connection:
        return tuple(  # type: ignore[return-value]
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("shop_customer", "shop_order")
        )


def broken(site: Site, mode: str, *more: str) -> str:
    done = site.manage("simulate_failure", "--mode", mode, "--confirm", "site.sqlite3", *more, "--json").fine()
    assert set(done.json) == {"database", "mode", "done"} and done.json["mode"] == mode
    return str(done.json["done"])


def test_drop_database_removes_the_file(allowed: Site) -> None:
    assert "removed the file" in broken(allowed, "drop-database")
    assert not list(allowed.folder.glob("site.sqlite3*"))


def test_drop_tables_leaves_an_empty_database(allowed: Site) -> None:
    broken(allowed, "drop-tables")
    with closing(sqlite3.connect(allowed.database)) as connection:
        names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE name NOT LIKE 'sqlite%'")]
    assert names == []


def test_truncate_deletes_all_rows(allowed: Site) -> None:
    broken(allowed, "truncate")
    assert counts(allowed) == (0, 0)


def test_delete_rows_deletes_a_share_and_the_same_seed_the_same_rows(allowed: Site, tmp_path) -> None:
    twin, other = allowed.copy(tmp_path / "twin"), allowed.copy(tmp_path / "other")
    for which, seed in ((allowed, "7"), (twin, "7"), (other, "8")):
        broken(which, "delete-rows", "--share=0.25", f"--seed={seed}")
    assert 600 < counts(allowed)[1] < 900
    assert contents(allowed) == contents(twin) != contents(other)


def contents(site: Site) -> list[tuple[int, ...]]:
    with closing(sqlite3.connect(site.database)) as connection:
        return connection.execute("SELECT id FROM shop_order ORDER BY id").fetchall()


def test_half_migration_leaves_what_no_migration_tells_of(allowed: Site) -> None:
    migrations = "SELECT count(*) FROM django_migrations"
    with closing(sqlite3.connect(allowed.database)) as connection:
        before = connection.execute(migrations).fetchall()
    assert "moved 500 of its 1000 rows to lifeboat_half_migrated" in broken(allowed, "half-migration")
    assert counts(allowed) == (300, 500)
    with closing(sqlite3.connect(allowed.database)) as connection:
        assert connection.execute("SELECT count(*) FROM lifeboat_half_migrated").fetchall() == [(500,)]
        assert connection.execute("SELECT count(lifeboat_half) FROM shop_order").fetchall() == [(0,)]
        assert connection.execute(migrations).fetchall() == before
    allowed.manage("simulate_failure", "--mode=half-migration", "--confirm=site.sqlite3").refused("could not be broken")


def test_corrupt_file_makes_it_unreadable_and_no_backup_is_taken_of_it(allowed: Site) -> None:
    broken(allowed, "corrupt-file")
    with closing(sqlite3.connect(allowed.database)) as connection, pytest.raises(sqlite3.DatabaseError):
        connection.execute("SELECT count(*) FROM shop_order")
    allowed.manage("backup_db").refused("is damaged", "Nothing was stored")
    assert allowed.backups() == []


def test_another_share_or_mode_is_refused(allowed: Site) -> None:
    before = allowed.tree()
    for share in ("1.5", "nan"):
        done = allowed.manage("simulate_failure", "--mode=delete-rows", "--confirm=site.sqlite3", f"--share={share}")
        done.refused("share", "between 0 and 1")
    assert allowed.manage("simulate_failure", "--mode=flood", "--confirm=site.sqlite3").status == 2
    assert allowed.manage("simulate_failure", "--confirm=site.sqlite3").status == 2
    assert allowed.tree() == before


def test_there_is_nothing_to_break_where_the_database_is_gone(allowed: Site) -> None:
    allowed.database.unlink()
    for mode in MODES[:2]:
        allowed.manage("simulate_failure", "--mode", mode, "--confirm=site.sqlite3").refused("is not there")
    assert not allowed.database.exists()
