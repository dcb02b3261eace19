"""The pages of the catalogue: what they show, to whom, by how many queries, and that they change nothing."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from backups.admin import formatting
from backups.models import Backup, Check, Restore, Verification
from backups.repository.processes import mark_of
from tests.admin import rows
from tests.admin.conftest import Login
from tests.catalogue import put_storage

KINDS = {"backup": Backup, "verification": Verification, "restore": Restore, "check": Check}
pytestmark = pytest.mark.usefixtures("catalogue")


def url(kind: str, page: str = "changelist", *args: object) -> str:
    return reverse(f"admin:backups_{kind}_{page}", args=args)


def text(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return response.content.decode()


def row_of(kind: str) -> Any:
    """A row of each kind, made with what it belongs to."""
    backup = rows.backup()
    proof = rows.verification(backup)
    return {"backup": backup, "verification": proof, "restore": rows.restore(backup, proof), "check": proof.checks.first()}[
        kind
    ]  # fmt: skip


class TestNobodyChangesARecord:
    """Nothing is added, changed or deleted, not even by a superuser."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_no_page_adds_changes_or_deletes(self, superuser: Client, kind: str) -> None:
        row = row_of(kind)
        before = list(KINDS[kind].objects.values())
        assert superuser.get(url(kind, "add")).status_code == 403
        assert superuser.post(url(kind, "add"), {"id": "x"}).status_code == 403
        assert superuser.post(url(kind, "change", row.pk), {"status": "passed", "error": "x"}).status_code == 403
        assert superuser.get(url(kind, "delete", row.pk)).status_code == 403
        assert superuser.post(url(kind, "delete", row.pk), {"post": "yes"}).status_code == 403
        superuser.post(url(kind), {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
        assert list(KINDS[kind].objects.values()) == before

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_page_has_no_field_to_write_in(self, superuser: Client, kind: str) -> None:
        page = text(superuser, url(kind, "change", row_of(kind).pk))
        form = page[page.index(f'id="{kind}_form"') :]
        assert 'name="_save"' not in page
        assert "<textarea" not in form
        assert "<select" not in form

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("permission", ["add", "change", "delete"])
    def test_permissions_to_do_so_open_nothing(self, login: Login, kind: str, permission: str) -> None:
        client = login(f"{permission}_{kind}")
        assert client.get(url(kind)).status_code == 403
        assert client.get(url(kind, "change", row_of(kind).pk)).status_code == 403

    @pytest.mark.parametrize("kind", KINDS)
    def test_who_may_view_sees(self, login: Login, kind: str) -> None:
        row = row_of(kind)
        client = login(f"view_{kind}")
        assert client.get(url(kind)).status_code == 200
        assert client.get(url(kind, "change", row.pk)).status_code == 200

    @pytest.mark.parametrize("kind", KINDS)
    def test_strangers_are_asked_to_log_in(self, kind: str) -> None:
        assert Client().get(url(kind)).status_code == 302


class TestBackups:
    """The list of backups, and the page of one."""

    def test_the_list_is_for_people(self, superuser: Client) -> None:
        rows.verification(rows.backup())
        page = text(superuser, url("backup"))
        for said in ("complete", "3 min 12 s", "1,234,567", "63.1 MB (1.5 kB new)", "restored and compared"):
            assert said in page
        assert "March 1, 2026, 1:30 p.m." in page

    def test_times_are_local(self, superuser: Client, settings: Any) -> None:
        settings.TIME_ZONE = "Asia/Tokyo"
        rows.backup()
        assert "March 1, 2026, 10 p.m." in text(superuser, url("backup"))

    def test_numbers_are_as_the_language_has_them(self, superuser: Client) -> None:
        rows.backup()
        superuser.cookies["django_language"] = "de"
        assert "1.234.567" in text(superuser, url("backup"))
        assert "63,1 MB" in text(superuser, url("backup"))

    def test_the_newest_finished_verification_counts(self, superuser: Client) -> None:
        backup = rows.backup()
        rows.verification(backup, 1)
        newest = rows.verification(backup, 2, failed=1, level="stored")
        rows.verification(backup, 3, status="running")
        cell = between(text(superuser, url("backup")), 'class="field-verified">', "</td>")
        assert "failed" in cell
        assert "stored objects" in cell
        assert newest.pk in cell

    def test_one_that_was_never_verified_says_so(self, superuser: Client) -> None:
        rows.backup()
        assert "never" in between(text(superuser, url("backup")), 'class="field-verified">', "</td>")

    def test_numbers_of_a_backup_that_was_not_committed_are_not_shown(self, superuser: Client) -> None:
        rows.backup(status="failed")
        page = text(superuser, url("backup"))
        assert between(page, 'class="field-row_count">', "</td>") == "–"
        assert between(page, 'class="field-verified">', "</td>") == "–"

    def test_the_database_is_named_where_there_are_several(self, superuser: Client, settings: Any) -> None:
        rows.backup()
        assert "field-database" not in text(superuser, url("backup"))
        settings.DATABASES["second"] = settings.DATABASES["default"]
        try:
            assert "field-database" in text(superuser, url("backup"))
        finally:
            del settings.DATABASES["second"]

    @pytest.mark.parametrize("kind", KINDS)
    def test_the_number_of_queries_does_not_grow_with_the_rows(self, superuser: Client, kind: str) -> None:
        few = queries(lambda: text(superuser, url(kind)), make_rows(1))
        many = queries(lambda: text(superuser, url(kind)), make_rows(30))
        assert many == few <= 9

    def test_what_only_a_page_shows_is_not_read_for_the_list(self, superuser: Client) -> None:
        rows.backup()
        with CaptureQueriesContext(
            connection,
        ) as captured:
            text(superuser, url("backup"))
        assert not [query for query in captured.captured_queries if '"contents"' in query["sql"]]

    def test_a_page_shows_rows_by_table_and_what_is_not_covered_and_why(self, superuser: Client) -> None:
        page = text(superuser, url("backup", "change", rows.backup().pk))
        for said in ("shop_order", "1,000,000", "django_session", "live credentials", "423.0 MB"):
            assert said in page
        assert "&lt;b&gt;An index&lt;/b&gt; is broken." in page
        assert "nobody knows whether this backup can be restored" in page

    def test_a_page_shows_its_proofs_and_restores(self, superuser: Client) -> None:
        backup = rows.backup()
        proof = rows.verification(backup)
        copy = rows.restore(backup, proof)
        page = text(superuser, url("backup", "change", backup.pk))
        assert url("verification", "change", proof.pk) in page
        assert url("restore", "change", copy.pk) in page

    def test_a_page_takes_as_many_queries_with_many_proofs(self, superuser: Client) -> None:
        backup = rows.backup()
        few = queries(lambda: text(superuser, url("backup", "change", backup.pk)), lambda: rows.verification(backup))
        many = queries(
            lambda: text(superuser, url("backup", "change", backup.pk)),
            lambda: [rows.verification(backup, number) for number in range(30)],
        )
        assert many == few

    def test_an_error_and_what_to_do(self, superuser: Client) -> None:
        failed = rows.backup(status="failed", error="The <disk> is full.", hint="Make room.")
        page = text(superuser, url("backup", "change", failed.pk))
        assert "The &lt;disk&gt; is full." in page
        assert "Make room." in page
        assert "Rows by table" not in page
        assert "Digest of the manifest" not in page

    @pytest.mark.parametrize(
        ("by", "via", "shown"),
        [("ada", "admin", "ada, in the admin"), ("", "task", "by a task"), ("ada", "", "ada"), ("", "", "–")],
    )
    def test_who_asked_and_by_which_way(self, superuser: Client, by: str, via: str, shown: str) -> None:
        run = rows.backup(requested_by=by, requested_via=via)
        assert f'<div class="readonly">{shown}</div>' in text(superuser, url("backup", "change", run.pk))

    def test_one_that_is_queued_or_running_says_so(self, superuser: Client) -> None:
        for status, said in (("queued", "has not begun yet"), ("running", "is at work")):
            page = text(superuser, url("backup", "change", rows.backup(status=status).pk))
            assert said in page
            assert "Look again" in page

    @pytest.mark.parametrize("status", ["queued", "running"])
    def test_one_whose_process_is_gone_is_interrupted(self, superuser: Client, status: str) -> None:
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        run = rows.backup(status=status, host=socket.gethostname(), pid=gone.pid)
        assert ">interrupted</span>" in text(superuser, url("backup"))
        assert "Its process is gone" in text(superuser, url("backup", "change", run.pk))
        assert Backup.objects.get().status == status  # looking changes nothing

    def test_one_whose_process_id_another_has_now_is_interrupted(self, superuser: Client) -> None:
        run = rows.backup(
            status="running", host=socket.gethostname(), pid=os.getpid(), process=mark_of(os.getpid()) + "0"
        )
        assert ">interrupted</span>" in text(superuser, url("backup"))
        assert "Its process is gone" in text(superuser, url("backup", "change", run.pk))

    def test_one_whose_process_lives_is_not(self, superuser: Client) -> None:
        run = rows.backup(status="running", host=socket.gethostname(), pid=os.getpid())
        assert ">running</span>" in text(superuser, url("backup"))
        assert "Its process is gone" not in text(superuser, url("backup", "change", run.pk))

    def test_contents_from_elsewhere_do_no_harm(self, superuser: Client) -> None:
        run = rows.backup(contents=[], uncovered=[{}], warnings=[])
        assert superuser.get(url("backup", "change", run.pk)).status_code == 200


class TestVerifications:
    """The page of a verification."""

    def test_failed_checks_come_first(self, superuser: Client) -> None:
        proof = rows.verification(rows.backup(), checks=5, failed=2)
        page = text(superuser, url("verification", "change", proof.pk))
        order = [page.index(f">check {position}<") for position in (4, 5, 1, 2, 3)]
        assert order == sorted(order)
        assert "2 failed, 0 could not run, 0 skipped, 3 passed" in page

    def test_each_check_with_expected_actual_seconds_and_detail(self, superuser: Client) -> None:
        proof = rows.verification(rows.backup(), checks=1, failed=1)
        page = text(superuser, url("verification", "change", proof.pk))
        for said in ("80 rows", "79 rows", "500 ms", "Row 7 is missing."):
            assert said in page

    def test_the_number_of_queries_does_not_grow_with_the_checks(self, superuser: Client) -> None:
        backup = rows.backup()
        pages = [url("verification", "change", rows.verification(backup, checks=count).pk) for count in (1, 50)]
        few, many = (queries(lambda page=page: text(superuser, page)) for page in pages)
        assert few == many


class TestRestores:
    """The page of a restore."""

    def test_it_says_how_to_use_the_copy(self, superuser: Client) -> None:
        backup = rows.backup()
        copy = rows.restore(backup, rows.verification(backup))
        page = text(superuser, url("restore", "change", copy.pk))
        assert "The restored copy is in restored, and passed every check." in page
        assert url("verification", "change", copy.verification_id) in page

    @pytest.mark.parametrize(
        "target", ["lifeboat_20261123t065037z_b0e2d2", "/var/lifeboat_20261123t065037z_b0e2d2.sqlite3"]
    )
    def test_a_throw_away_copy_is_not_offered_for_use(self, superuser: Client, target: str) -> None:
        page = text(superuser, url("restore", "change", rows.restore(rows.backup(), target=target).pk))
        assert "was a throw-away one" in page and "To use it" not in page

    def test_what_is_live_is_not_offered_for_use(self, superuser: Client, settings: Any) -> None:
        target = str(settings.DATABASES["default"]["NAME"])
        page = text(superuser, url("restore", "change", rows.restore(rows.backup(), target=target).pk))
        assert "To use it" not in page and "throw-away" not in page

    def test_of_single_rows_it_says_which_tables_they_are_of_and_who_brought_them(self, superuser: Client) -> None:
        contents = {"shop_order": {"insert": 1200, "update": 1}, "shop_customer": {"insert": 1}}
        told = rows.restore(rows.backup(), kind="rows", contents=contents, requested_by="ada", requested_via="command")
        page = text(superuser, url("restore", "change", told.pk))
        assert "shop_customer: 1 insert; shop_order: 1,200 insert, 1 update" in page
        assert "ada, by a command" in page and "passed every check" not in page
        listed = text(superuser, url("restore", "changelist"))
        assert "single rows" in listed and "ada, by a command" in listed

    def test_a_failed_one_does_not(self, superuser: Client) -> None:
        copy = rows.restore(rows.backup(), status="failed", error="The disk is full.")
        page = text(superuser, url("restore", "change", copy.pk))
        assert "passed every check" not in page
        assert "The disk is full." in page


class TestWithoutStorage:
    """The catalogue is shown while the storage is away."""

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("missing", [True, False])
    def test_every_page_is_shown(
        self, superuser: Client, settings: Any, tmp_path: Path, kind: str, missing: bool
    ) -> None:
        if missing:
            settings.STORAGES = {name: entry for name, entry in settings.STORAGES.items() if name != "backups"}
        else:
            (tmp_path / "file").touch()
            put_storage(settings, tmp_path / "file" / "storage")
        row = row_of(kind)
        assert superuser.get(url(kind)).status_code == 200
        assert superuser.get(url(kind, "change", row.pk)).status_code == 200

    def test_even_with_settings_that_are_wrong(self, superuser: Client, settings: Any) -> None:
        settings.BACKUPS = {"TYPO": 1}
        page = text(superuser, url("backup", "change", rows.backup().pk))
        assert "Restore into a fresh database" not in page


class TestAccessible:
    """Tables have captions and heads, controls have labels, and a status is a word."""

    @pytest.mark.parametrize("kind", KINDS)
    def test_tables_controls_and_headings(self, superuser: Client, kind: str) -> None:
        page = Outline()
        row = row_of(kind)
        page.feed(text(superuser, url(kind, "change", row.pk)))
        assert page.captions == page.tables
        assert page.cells_without_scope == 0
        assert page.unlabelled == []
        assert page.headings[0] == "h1"
        assert page.inline_scripts == 0

    def test_the_list_and_its_button(self, superuser: Client) -> None:
        rows.backup()
        page = Outline()
        page.feed(text(superuser, url("backup")))
        assert page.unlabelled == []

    @pytest.mark.parametrize("status", ["queued", "running", "complete", "failed", "interrupted"])
    def test_a_status_is_a_word(self, status: str) -> None:
        assert f">{status}</span>" in formatting.status_of(Backup(status=status))


class TestFormatting:
    """Numbers for people."""

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (None, "–"),
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (999_960, "1.0 MB"),
            (63_100_000, "63.1 MB"),
            (5e15, "5,000.0 TB"),
        ],
    )
    def test_sizes(self, value: float | None, shown: str) -> None:
        assert formatting.size(value) in (shown, shown.replace(",", ""))

    @pytest.mark.parametrize(
        ("seconds", "shown"),
        [(None, "–"), (0, "0 ms"), (0.0244, "24 ms"), (8.13, "8.1 s"), (59.96, "1 min 0 s"), (192.4, "3 min 12 s"),
         (3599.7, "1 h 0 min"), (7500, "2 h 5 min")],
    )  # fmt: skip
    def test_durations(self, seconds: float | None, shown: str) -> None:
        assert formatting.duration(seconds) == shown

    def test_in_another_language(self) -> None:
        with translation.override("de"):
            assert formatting.number(1234567) == "1.234.567"


class Outline(HTMLParser):
    """What assistive technology would find."""

    def __init__(self) -> None:
        super().__init__()
        self.tables = self.captions = self.cells_without_scope = self.inline_scripts = 0
        self.headings: list[str] = []
        self._controls: dict[str, str] = {}
        self._labels: set[str] = set()
        self._in_main = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self._in_main = self._in_main or found.get("id") == "content"
        if not self._in_main:
            return
        if tag in ("h1", "h2", "h3"):
            self.headings.append(tag)
        self.tables += tag == "table"
        self.captions += tag == "caption"
        self.cells_without_scope += tag == "th" and "scope" not in found
        self.inline_scripts += tag == "script" and "src" not in found
        if tag == "label":
            self._labels.add(found.get("for") or "")
        if tag in ("select", "textarea") or (tag == "input" and found.get("type") not in ("hidden", "submit")):
            named = "aria-label" in found or "title" in found
            self._controls[found.get("id") or found.get("name") or tag] = "named" if named else ""

    @property
    def unlabelled(self) -> list[str]:
        """The controls without a name; the action of Django's own lists lies within its label."""
        return [
            ident for ident, named in self._controls.items() if not named and ident not in {*self._labels, "action"}
        ]


def between(page: str, start: str, end: str) -> str:
    """What stands between two marks, the first time."""
    return page.partition(start)[2].partition(end)[0]


def make_rows(count: int) -> Callable[[], None]:
    def make() -> None:
        for number in range(count):
            backup = rows.backup(number)
            rows.restore(backup, rows.verification(backup, number))

    return make


def queries(function: Callable[[], object], *before: Callable[[], object]) -> int:
    """How many queries a function makes."""
    User.objects.exists()
    for prepare in before:
        prepare()
    with CaptureQueriesContext(connection) as captured:
        function()
    return len(captured)
