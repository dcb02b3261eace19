"""Back up now, verify, restore: who may, by which request, what is enqueued, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from backups import tasks
from backups.engines import engine_for
from backups.models import Backup, Restore, RunStatus, Verification
from tests.admin import rows
from tests.admin.conftest import Login
from tests.catalogue import finished, put_storage, settle
from tests.databases import registered

LIST = "/admin/backups/backup/"
NOW = f"{LIST}back-up-now/"
VERIFY = ("verify_restore", "verify_stored", "verify_signature")
pytestmark = pytest.mark.usefixtures("catalogue")


@pytest.fixture
def backup() -> Backup:
    """A real backup of the default database."""
    (run,) = tasks.back_up("default")
    return Backup.objects.get(pk=run)


@pytest.fixture
def fresh() -> Iterator[Path]:
    """The file that a restore under the name ``fresh`` makes."""
    path = Path(engine_for("default").resolve("fresh"))
    yield path
    settle()
    path.unlink(missing_ok=True)


def runs() -> tuple[int, int, int]:
    return Backup.objects.count(), Verification.objects.count(), Restore.objects.count()


def act(client: Client, action: str, *backups: Backup, **more: str) -> HttpResponse:
    return client.post(LIST, {"action": action, "_selected_action": [backup.pk for backup in backups], **more})


def confirm(client: Client, backup: Backup, to: str, planned: str | None = None) -> HttpResponse:
    return act(client, "restore", backup, post="yes", to=to, planned=to if planned is None else planned)


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))


class TestUrls:
    """The button's address."""

    def test_it_is_in_the_admin(self) -> None:
        assert reverse("admin:backups_backup_back_up_now") == NOW


class TestGetChangesNothing:
    """A request that only looks."""

    @pytest.mark.parametrize("method", ["get", "head", "put", "delete"])
    def test_back_up_now_is_for_posts(self, superuser: Client, method: str) -> None:
        assert getattr(superuser, method)(NOW).status_code == 405
        assert runs() == (0, 0, 0)

    @pytest.mark.parametrize("action", [*VERIFY, "restore"])
    def test_actions_are_for_posts(self, superuser: Client, backup: Backup, action: str) -> None:
        superuser.get(LIST, {"action": action, "_selected_action": backup.pk, "post": "yes", "to": "x", "planned": "x"})
        settle()
        assert runs() == (1, 0, 0)


class TestCsrf:
    """A request from another site."""

    def test_back_up_now(self, login: Login) -> None:
        client = login("view_backup", "run_backup", enforce_csrf_checks=True)
        assert client.post(NOW, {"database": "default"}).status_code == 403
        assert runs() == (0, 0, 0)

    @pytest.mark.parametrize("action", [*VERIFY, "restore"])
    def test_actions(self, login: Login, backup: Backup, action: str) -> None:
        client = login("view_backup", "run_verification", "run_restore", enforce_csrf_checks=True)
        assert act(client, action, backup, post="yes", to="x", planned="x").status_code == 403
        assert runs() == (1, 0, 0)

    def test_the_button_brings_its_token(self, login: Login) -> None:
        client = login("view_backup", "run_backup", enforce_csrf_checks=True)
        client.get(LIST)
        token = client.cookies["csrftoken"].value
        assert client.post(NOW, {"database": "default", "csrfmiddlewaretoken": token}).status_code == 302
        assert Backup.objects.count() == 1


class TestPermissions:
    """Each verb has a permission of its own, and no other opens it."""

    OTHERS = {
        "run_backup": (
            "view_backup",
            "run_verification",
            "run_restore",
            "change_backup",
            "add_backup",
            "delete_backup",
        ),
        "run_verification": ("view_backup", "run_backup", "run_restore", "view_verification", "add_verification"),
        "run_restore": ("view_backup", "run_backup", "run_verification", "view_restore", "add_restore"),
    }

    def test_back_up_now_without_it(self, login: Login) -> None:
        client = login(*self.OTHERS["run_backup"])
        assert client.post(NOW, {"database": "default"}).status_code == 403
        assert b"Back up now" not in client.get(LIST).content
        assert runs() == (0, 0, 0)

    @pytest.mark.parametrize("action", VERIFY)
    def test_verify_without_it(self, login: Login, backup: Backup, action: str) -> None:
        client = login(*self.OTHERS["run_verification"])
        assert "No action selected" in said(act(client, action, backup))
        assert action not in client.get(LIST).content.decode()
        assert runs() == (1, 0, 0)

    def test_restore_without_it(self, login: Login, backup: Backup, fresh: Path) -> None:
        client = login(*self.OTHERS["run_restore"])
        assert "No action selected" in said(act(client, "restore", backup))
        assert "No action selected" in said(confirm(client, backup, "fresh"))
        assert 'value="restore"' not in client.get(LIST).content.decode()
        assert runs() == (1, 0, 0)
        assert not fresh.exists()

    def test_a_user_who_is_no_staff(self, backup: Backup) -> None:
        user = User.objects.create_superuser("root", password="x")
        User.objects.filter(pk=user.pk).update(is_staff=False)
        client = Client()
        client.force_login(user)
        for response in (client.post(NOW, {"database": "default"}), act(client, "verify_restore", backup)):
            assert response.status_code == 302
            assert "/login/" in response["Location"]
        assert runs() == (1, 0, 0)

    @pytest.mark.parametrize("settings_say", [{}, {"ALLOW_RESTORE_FROM_ADMIN": False}, {"TYPO": 1}])
    def test_restore_is_for_those_who_set_it(
        self, superuser: Client, backup: Backup, settings: Any, settings_say: dict[str, Any]
    ) -> None:
        settings.BACKUPS = settings_say
        assert "No action selected" in said(act(superuser, "restore", backup))
        assert "No action selected" in said(confirm(superuser, backup, "fresh"))
        assert runs() == (1, 0, 0)

    def test_on_the_page_of_a_backup_only_what_is_allowed_is_offered(self, login: Login, backup: Backup) -> None:
        page = login("view_backup", "run_verification").get(f"{LIST}{backup.pk}/change/").content.decode()
        assert 'value="verify_restore"' in page
        assert 'value="restore"' not in page


class TestBackUpNow:
    """The button."""

    def test_it_answers_at_once_with_a_link_to_the_run(self, login: Login) -> None:
        client = login("view_backup", "run_backup")
        response = client.post(NOW, {"database": "default"})
        run = Backup.objects.get().pk
        assert (response.status_code, response["Location"]) == (302, LIST)
        assert f'<a href="{LIST}{run}/change/">{run}</a>' in said(response)
        row = finished(Backup, run)
        assert (row.status, row.requested_by, row.requested_via) == ("complete", "ada", "admin")
        assert client.get(f"{LIST}{run}/change/").status_code == 200

    def test_one_of_several_databases_or_all(self, superuser: Client, tmp_path: Path) -> None:
        entry = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "gone")}
        with registered(entry) as second:
            page = superuser.get(LIST).content.decode()
            assert f'<option value="{second}">' in page
            assert '<label for="id_database">' in page
            response = superuser.post(NOW, {"database": "all"})
            settle()
        assert set(Backup.objects.values_list("database", "status")) == {("default", "complete"), (second, "failed")}
        assert "2 backups were asked for" in said(response)

    @pytest.mark.parametrize("database", ["", "nowhere", "all", "../default"])
    def test_no_such_database(self, superuser: Client, database: str) -> None:
        response = superuser.post(NOW, {"database": database})
        assert "There is no such database" in said(response)
        assert runs() == (0, 0, 0)

    def test_a_failure_shows_on_the_run(self, superuser: Client, settings: Any, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        put_storage(settings, tmp_path / "file" / "storage")
        superuser.post(NOW, {"database": "default"})
        row = finished(Backup, Backup.objects.get().pk)
        assert row.status == "failed"
        page = superuser.get(f"{LIST}{row.pk}/change/").content.decode()
        assert "Check the storage" in page


class TestVerify:
    """The verify actions."""

    @pytest.mark.parametrize("level", ["restore", "stored", "signature"])
    def test_each_level(self, login: Login, backup: Backup, level: str) -> None:
        client = login("view_backup", "view_verification", "run_verification")
        response = act(client, f"verify_{level}", backup)
        run = Verification.objects.get().pk
        assert f"/admin/backups/verification/{run}/change/" in said(response)
        row = finished(Verification, run)
        assert (row.status, row.level, row.backup, row.requested_by) == ("passed", level, backup, "ada")

    def test_several(self, superuser: Client, backup: Backup) -> None:
        other = Backup.objects.get(pk=tasks.back_up("default")[0])
        act(superuser, "verify_signature", backup, other)
        settle()
        assert set(Verification.objects.values_list("backup", "status")) == {
            (backup.pk, "passed"),
            (other.pk, "passed"),
        }

    @pytest.mark.parametrize("status", [status for status in RunStatus if status != RunStatus.COMPLETE])
    def test_what_is_not_complete_is_left_out(self, superuser: Client, status: str) -> None:
        response = act(superuser, "verify_restore", rows.backup(status=status))
        assert "1 backup is not complete" in said(response)
        assert not Verification.objects.exists()

    def test_one_that_is_in_the_catalogue_alone(self, superuser: Client, backup: Backup) -> None:
        act(superuser, "verify_restore", rows.backup())
        row = finished(Verification, Verification.objects.get().pk)
        assert row.status == "error"
        assert "There is no backup" in row.error


class TestRestore:
    """The restore action: one backup, a plan, a name, a confirmation."""

    def test_the_plan_is_shown_and_nothing_done(self, superuser: Client, backup: Backup) -> None:
        page = act(superuser, "restore", backup).content.decode()
        assert "What will be done" in page
        assert f"Backup {backup.pk} of" in page
        assert "SQLite database /" in page
        assert "Name of the fresh database" in page
        settle()
        assert runs() == (1, 0, 0)

    def test_the_confirmed_plan_is_carried_out(self, login: Login, backup: Backup, fresh: Path) -> None:
        client = login("view_backup", "run_restore")
        response = confirm(client, backup, "fresh")
        run = Restore.objects.get().pk
        assert (response.status_code, response["Location"]) == (302, LIST)
        assert f"/admin/backups/restore/{run}/change/" in said(response)
        row = finished(Restore, run)
        assert (row.status, row.target, row.requested_by) == ("complete", str(fresh), "ada")
        assert row.verification.status == "passed"
        assert fresh.exists()

    @pytest.mark.parametrize("planned", ["", "other"])
    def test_another_name_has_another_plan(self, superuser: Client, backup: Backup, fresh: Path, planned: str) -> None:
        page = confirm(superuser, backup, "fresh", planned=planned).content.decode()
        assert "this is another plan" in page
        assert str(fresh) in page
        assert 'name="planned" value="fresh"' in page
        assert runs() == (1, 0, 0)

    def test_a_name_that_is_taken(self, superuser: Client, backup: Backup, fresh: Path) -> None:
        fresh.touch()
        page = confirm(superuser, backup, "fresh").content.decode()
        assert "exists already" in page
        assert "Choose a name that no database has yet" in page
        assert runs() == (1, 0, 0)

    def test_the_live_database(self, superuser: Client, backup: Backup) -> None:
        page = confirm(superuser, backup, Path(engine_for("default").name).name).content.decode()
        assert "is the live database" in page
        assert runs() == (1, 0, 0)

    @pytest.mark.parametrize(
        "name",
        ["", "/tmp/x", "../x", "a/b", ".hidden", "-x", "a b", "x" * 64, ":memory:", "file:x", "a\\b", "ä"],
    )
    def test_names_that_are_none(self, superuser: Client, backup: Backup, name: str) -> None:
        response = confirm(superuser, backup, name)
        settle()
        assert response.status_code == 200
        assert "Please correct the error below. Nothing was done." in response.content.decode()
        assert runs() == (1, 0, 0)

    def test_exactly_one(self, superuser: Client, backup: Backup) -> None:
        other = Backup.objects.get(pk=tasks.back_up("default")[0])
        assert "exactly one" in said(act(superuser, "restore", backup, other))
        assert runs() == (2, 0, 0)

    def test_one_that_is_not_complete(self, superuser: Client) -> None:
        assert "exactly one complete" in said(act(superuser, "restore", rows.backup(status="failed")))

    @pytest.mark.parametrize("confirmed", [False, True])
    def test_storage_that_is_away(
        self, superuser: Client, backup: Backup, settings: Any, tmp_path: Path, confirmed: bool
    ) -> None:
        (tmp_path / "file").touch()
        put_storage(settings, tmp_path / "file" / "storage")
        response = confirm(superuser, backup, "fresh") if confirmed else act(superuser, "restore", backup)
        assert response.status_code == 302
        assert said(response)
        assert runs() == (1, 0, 0)

    def test_a_backup_that_is_damaged(self, superuser: Client, backup: Backup, catalogue: Path) -> None:
        next((catalogue / "default" / "backups").iterdir()).write_bytes(b"damaged")
        response = confirm(superuser, backup, "fresh")
        assert "damaged" in said(response)
        assert runs() == (1, 0, 0)

    def test_what_others_wrote_is_escaped(self, superuser: Client, backup: Backup) -> None:
        page = confirm(superuser, backup, "<script>x</script>").content.decode()
        assert "<script>x" not in page
