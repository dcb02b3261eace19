"""The copies in the admin: as the catalogue knows them, with no request to any storage, in the words of the commands."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from backups.models import CopiedBackup, Copy
from tests.admin import rows
from tests.admin.conftest import Login
from tests.admin.rows import FIRST
from tests.admin.test_pages import Outline, between, queries, text, url

LATER = FIRST + timedelta(days=1)


@pytest.fixture(autouse=True)
def copies(catalogue: Any, settings: Any) -> None:
    """Two copies, in storages that nobody can ask anything: merely loading one of them raises."""
    gone = {"BACKEND": "no.such.Storage"}
    settings.STORAGES = {**settings.STORAGES, "offsite": gone, "tape": gone, "backups": gone}
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {"offsite": {}, "tape": {}}}


def copy(**values: Any) -> Copy:
    known = {"database": "default", "storage": "offsite", "repository": "r" * 32, "looked": LATER, "complete": LATER}
    return Copy.objects.create(**{**known, **values})


def copied(backup: Any, status: str = "has", **values: Any) -> None:
    CopiedBackup.objects.create(backup=backup, **{"storage": "offsite", "status": status, **values})


def cell(page: str) -> str:
    return between(page, 'class="field-copied">', "</td>")


def test_the_list_says_of_each_backup_whether_each_copy_has_it_and_since_when(superuser: Client) -> None:
    copy()
    backup = rows.backup()
    copied(backup, since=FIRST)
    page = text(superuser, url("backup"))
    assert "offsite" in cell(page) and ">has it</span>" in cell(page) and "March 1, 2026, noon" in cell(page)
    assert "tape" in cell(page) and ">not looked at yet</span>" in cell(page)
    above = between(page, 'class="backups-copies"', "</section>")
    assert ">up to date</span>" in above and "as of March 2, 2026, noon" in above
    assert "was not looked at yet. copy_backups brings it up to date." in above


def test_one_that_lags_says_what_the_commands_say_and_why(superuser: Client) -> None:
    copy(problem="The copy in 'offsite' could not be brought up to date: no <route>.", problem_at=LATER + timedelta(1))
    lacking = [rows.backup(number) for number in (1, 2)]
    for backup in lacking:
        copied(backup, "lacks", problem="No <route> to it.")
    newest = max(backup.pk for backup in lacking)
    page = text(superuser, url("backup"))
    above = between(page, 'class="backups-copies"', "</section>")
    assert ">not up to date</span>" in above and "no &lt;route&gt;" in above
    assert f"lacks 2 of these backups, the newest of them {newest}. copy_backups" in above
    assert ">lacks it</span>" in cell(page)
    assert "No &lt;route&gt; to it." in text(superuser, url("backup", "change", newest))


def test_a_problem_that_is_over_is_told_on_the_page_of_the_copy_alone(superuser: Client) -> None:
    copied(rows.backup())
    row = copy(problem="It was away.", problem_at=LATER - timedelta(1), place="/mnt/offsite")
    assert "It was away." not in text(superuser, url("backup"))
    page = text(superuser, url("copy", "change", row.pk))
    assert "It was away." in page and ">up to date</span>" in page and "/mnt/offsite" in page
    assert ">up to date</span>" in text(superuser, url("copy"))


def test_what_is_no_whole_backup_or_was_pruned_there_is_not_lacking(superuser: Client) -> None:
    copy()
    rows.backup(1, status="failed")
    assert cell(text(superuser, url("backup"))) == "–"
    copied(rows.backup(2), "pruned")
    page = text(superuser, url("backup"))
    assert ">has pruned it</span>" in page and "lacks" not in page


def test_a_backup_of_another_repository_is_not_expected_there(superuser: Client) -> None:
    copy()
    rows.backup(repository="s" * 32)
    assert "lacks" not in text(superuser, url("backup"))


@pytest.mark.parametrize("kind", ["backup", "copy"])
def test_the_number_of_queries_does_not_grow(superuser: Client, kind: str) -> None:
    def more() -> None:
        for number in range(20):
            copied(rows.backup(number))

    copy()
    copied(rows.backup())
    few = queries(lambda: text(superuser, url(kind)))
    assert queries(lambda: text(superuser, url(kind)), more, lambda: copy(storage="tape")) == few


def test_without_copies_nothing_is_said_of_them(superuser: Client, settings: Any) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "COPIES": {}}
    row, backup = copy(), rows.backup()
    copied(backup)
    for page in (text(superuser, url("backup")), text(superuser, url("backup", "change", backup.pk))):
        assert "offsite" not in page and "backups-copies" not in page
    assert "offsite" not in text(superuser, url("copy"))
    assert superuser.get(url("copy", "change", row.pk)).status_code == 302


def test_nobody_changes_one_and_who_may_view_sees(login: Login) -> None:
    row = copy(problem="It is away.", problem_at=LATER)
    client = login("view_copy")
    assert client.get(url("copy")).status_code == client.get(url("copy", "change", row.pk)).status_code == 200
    assert client.get(url("copy", "add")).status_code == client.get(url("copy", "delete", row.pk)).status_code == 403
    assert client.post(url("copy", "change", row.pk), {"problem": ""}).status_code == 403
    assert Copy.objects.get().problem == "It is away."


def test_the_pages_are_accessible(superuser: Client) -> None:
    row, backup = copy(), rows.backup()
    copied(backup)
    for address in (url("backup", "change", backup.pk), url("copy", "change", row.pk)):
        page = Outline()
        page.feed(text(superuser, address))
        assert page.captions == page.tables and page.cells_without_scope == 0 and page.unlabelled == []
