"""What is left out of a backup is left out by name, said with its rows, and nothing that needs it is taken."""

from datetime import UTC, datetime

import pytest
from django.core.management import call_command

from backups.exceptions import ConfigurationError
from backups.models import Backup, Verification
from backups.verification import Status
from tests.yard import back_up, details, entry_of, execute, named, new_repository, prove


@pytest.fixture
def repository(tmp_path):
    return new_repository(tmp_path)


def uncovered(committed) -> dict[str, tuple[str, int | None]]:
    """Return what is not in a backup: kind and rows, by the bare name."""
    return {u.name.rpartition(".")[2]: (u.kind, u.rows) for u in committed.manifest.uncovered}


def names(committed) -> set[str]:
    return {entry.table.name for entry in committed.manifest.tables}


def passes(engine, repository, committed) -> None:
    result = prove(engine, repository, committed)
    assert result.status == Status.PASSED, details(result.findings)


@pytest.mark.parametrize("name", ["readings", "tables.readings"])
def test_a_table_is_left_out_altogether(yard, repository, name):
    committed = back_up(yard.engine, repository, exclude=(name,))
    assert "readings" not in names(committed)
    assert uncovered(committed)["readings"] == ("table", 13)
    passes(yard.engine, repository, committed)


def test_the_rows_of_a_table_are_left_out_and_its_definition_is_not(yard, repository):
    committed = back_up(yard.engine, repository, exclude_data=("shop.Order", "readings"))
    assert (entry_of(committed, "shop_order").rows, entry_of(committed, "readings").rows) == (0, 0)
    assert uncovered(committed)["shop_order"] == ("rows", 79) and uncovered(committed)["readings"] == ("rows", 13)
    passes(yard.engine, repository, committed)


def test_files_are_not_in_a_database_and_are_named(zoo_database, repository):
    committed = back_up(zoo_database, repository)
    (found,) = [u for u in committed.manifest.uncovered if u.kind == "files"]
    assert "names only" in found.reason
    left_out = back_up(zoo_database, repository, exclude_data=(found.name.rpartition(".")[0],))
    assert [u for u in left_out.manifest.uncovered if u.kind == "files"] == []


def test_rows_that_others_refer_to_are_not_left_out(yard, repository):
    with pytest.raises(ConfigurationError, match=r"shop\.customer are left out, but \S*shop_order has rows that refer"):
        back_up(yard.engine, repository, exclude_data=("shop.customer",))
    assert repository.listing() == []
    passes(yard.engine, repository, back_up(yard.engine, repository, exclude_data=("shop.customer", "shop.order")))


def test_a_table_that_another_refers_to_is_not_left_out(yard, repository):
    with pytest.raises(ConfigurationError) as raised:
        back_up(yard.engine, repository, exclude=("shop_customer",))
    assert "shop_customer" in str(raised.value) and "shop_order" in str(raised.value) and raised.value.hint
    assert repository.listing() == []


def test_rows_that_nobody_refers_to_any_more_may_be_left_out(file_yard, repository):
    execute(file_yard.engine, "DELETE FROM shop_order")
    committed = back_up(file_yard.engine, repository, exclude_data=("shop.customer",))
    assert uncovered(committed)["shop_customer"] == ("rows", 4)
    passes(file_yard.engine, repository, committed)


def test_the_state_of_migrations_is_not_asked_of_a_table_whose_rows_are_left_out(yard, repository):
    passes(yard.engine, repository, back_up(yard.engine, repository, exclude_data=("django_migrations",)))
    passes(yard.engine, repository, back_up(yard.engine, repository, exclude=("django_migrations",)))


def test_our_own_rows_are_never_in_a_backup(file_yard, repository):
    call_command("migrate", "backups", database=file_yard.engine.alias, verbosity=0)
    now = datetime.now(UTC)
    run = Backup.objects.using(file_yard.engine.alias).create(
        id="20261122T000000Z-abcdef", database="default", started=now
    )
    Verification.objects.using(file_yard.engine.alias).create(
        id="20261122T000001Z-abcdef", database="default", started=now, backup=run
    )
    committed = back_up(file_yard.engine, repository, exclude_data=())
    assert {"backups_backup", "backups_verification"} <= names(committed)
    assert sum(entry.rows for entry in committed.manifest.tables if entry.table.label.startswith("backups.")) == 0
    assert uncovered(committed)["backups_backup"] == ("rows", 1)
    assert "must not rewind the history" in next(u.reason for u in committed.manifest.uncovered)
    passes(file_yard.engine, repository, committed)


def test_sessions_are_left_out_where_nobody_says_otherwise(settings):
    from backups.conf import get_settings

    settings.BACKUPS = {}
    assert get_settings().EXCLUDE_DATA == ("sessions.session",)


def test_a_table_that_lost_more_than_half_of_its_rows_is_named(file_yard, repository):
    back_up(file_yard.engine, repository)
    execute(file_yard.engine, "DELETE FROM shop_order WHERE id > 40")
    half = back_up(file_yard.engine, repository)
    assert half.manifest.warnings == ()
    execute(file_yard.engine, "DELETE FROM shop_order WHERE id > 19")
    less = back_up(file_yard.engine, repository)
    (warning,) = less.manifest.warnings
    assert warning.endswith("shop_order has 19 rows; the backup before had 40.")
    assert back_up(file_yard.engine, repository).manifest.warnings == ()


def test_a_table_that_is_gone_is_named(yard, repository):
    back_up(yard.engine, repository)
    excluded = back_up(yard.engine, repository, exclude=("readings",))
    (warning,) = excluded.manifest.warnings
    assert warning.endswith("readings is not in this backup; the backup before had 13 rows of it.")
    assert named(prove(yard.engine, repository, excluded).findings) == set()


def test_why_a_table_is_stored_anew_is_said(file_yard, repository):
    first = back_up(file_yard.engine, repository)
    execute(file_yard.engine, "ALTER TABLE shop_order ADD COLUMN extra integer NULL")
    second = back_up(file_yard.engine, repository)
    anew = entry_of(second, "shop_order").anew
    assert anew == "its columns, kinds, label or key are not as in the backup before"
    (warning,) = second.manifest.warnings
    assert warning.endswith(f"shop_order was stored anew: {anew}.")
    assert (
        entry_of(first, "shop_order").anew == "" == entry_of(back_up(file_yard.engine, repository), "shop_order").anew
    )
