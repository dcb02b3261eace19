"""The demonstration project: its settings, its first user, its schedule."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import User

from project.first_user import make_first_user

ROOT = Path(__file__).resolve().parents[2]
SHOW = """
import json
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in %r}, default=str))
"""


def settings_with(names: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """What a new process reads from its environment."""
    for name in ("DATABASE_URL", "BACKUPS_DIR", "CELERY_BROKER_URL", "SECRET_KEY", "DEBUG"):
        environment.setdefault(name, "")
    if not environment["DEBUG"]:
        del environment["DEBUG"]
    return subprocess.run(
        [sys.executable, "-c", SHOW % names],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "project.settings", **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def read(name: str, **environment: str) -> object:
    done = settings_with([name], **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[name]


class TestSettings:
    """What the environment says, and what holds where it says nothing."""

    def test_the_database_is_a_file_by_default(self) -> None:
        database = read("DATABASES")["default"]
        assert database["ENGINE"] == "django.db.backends.sqlite3"
        assert database["NAME"] == str(ROOT / "var" / "db.sqlite3")

    def test_postgresql(self) -> None:
        database = read("DATABASES", DATABASE_URL="postgres://ada:s%40fe@db:5433/shop")["default"]
        assert database["ENGINE"] == "django.db.backends.postgresql"
        assert [database[key] for key in ("USER", "PASSWORD", "HOST", "PORT", "NAME")] == [
            "ada",
            "s@fe",
            "db",
            5433,
            "shop",
        ]

    @pytest.mark.parametrize("query", ["", "?charset=utf8mb4"])
    def test_mariadb_speaks_all_of_unicode(self, query: str) -> None:
        database = read("DATABASES", DATABASE_URL=f"mysql://root@127.0.0.1:3306/shop{query}")["default"]
        assert database["ENGINE"] == "django.db.backends.mysql"
        assert database["OPTIONS"]["charset"] == "utf8mb4"

    def test_backups_are_for_their_owner_only(self) -> None:
        options = read("STORAGES", BACKUPS_DIR="/somewhere/safe")["backups"]["OPTIONS"]
        assert options == {
            "location": "/somewhere/safe",
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        }
        assert read("STORAGES")["backups"]["OPTIONS"]["location"] == str(ROOT / "var" / "backups")

    @pytest.mark.parametrize(("debug", "allowed"), [("1", True), ("yes", True), ("0", False), ("off", False)])
    def test_breaking_databases_is_for_debugging(self, debug: str, allowed: bool) -> None:
        found = read("BACKUPS", DEBUG=debug, SECRET_KEY="k", BACKUPS_SIGNING_KEY="own")
        assert found["SIGNING_KEY"] == "own"
        assert {found["ALLOW_RESTORE_FROM_ADMIN"], found["ALLOW_SIMULATED_FAILURE"]} == {allowed}

    def test_the_signing_key_for_demonstrations_is_for_debugging(self) -> None:
        assert read("BACKUPS", DEBUG="1")["SIGNING_KEY"]
        assert read("BACKUPS", DEBUG="0", SECRET_KEY="k")["SIGNING_KEY"] == ""

    def test_without_debug_a_secret_key_is_needed(self) -> None:
        done = settings_with(["DEBUG"], DEBUG="0")
        assert done.returncode == 1
        assert "SECRET_KEY is not set" in done.stderr

    @pytest.mark.parametrize(("broker", "eager"), [("", True), ("redis://127.0.0.1:6379/0", False)])
    def test_tasks_run_at_once_where_there_is_no_broker(self, broker: str, eager: bool) -> None:
        assert read("CELERY_TASK_ALWAYS_EAGER", CELERY_BROKER_URL=broker) is eager


@pytest.mark.django_db
class TestFirstUser:
    """The superuser of the demonstration."""

    def test_it_is_made_once(self, settings) -> None:
        settings.DEBUG = True
        assert "Made the superuser 'admin'" in make_first_user()
        assert User.objects.get().check_password("admin")
        assert make_first_user() == "There is a superuser already."
        assert User.objects.count() == 1

    def test_it_is_not_made_where_there_is_another(self, settings) -> None:
        settings.DEBUG = True
        User.objects.create_superuser("ada", password="x")
        make_first_user()
        assert User.objects.get().username == "ada"

    def test_it_is_not_made_outside_debugging(self, settings) -> None:
        settings.DEBUG = False
        assert "DEBUG is off" in make_first_user()
        assert not User.objects.exists()


def test_the_schedule_backs_up_hourly_and_proves_nightly() -> None:
    pytest.importorskip("celery")
    from project import celery_app

    schedule = {entry["task"]: entry for entry in celery_app.conf.beat_schedule.values()}
    assert schedule["backups.tasks.back_up"]["kwargs"] == {"database": "all"}
    assert schedule["backups.tasks.back_up"]["schedule"].hour == set(range(24))
    assert schedule["backups.tasks.verify"]["kwargs"] == {
        "backup": "latest",
        "database": "all",
        "level": "restore",
    }
    assert schedule["backups.tasks.verify"]["schedule"].hour == {3}
