"""The system checks: each speaks of its own mistake, says what to do, and is silent where all is well."""

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.checks import ERROR, WARNING, CheckMessage, run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connections

from backups.checks import TAG
from backups.exceptions import ConfigurationError
from backups.repository import Repository
from backups.services.backup import create_backup
from tests.databases import registered

ROOT = Path(__file__).resolve().parents[1]
FILES = "django.core.files.storage.FileSystemStorage"
MEMORY = "django.core.files.storage.InMemoryStorage"
ALL_IS_WELL = {"SIGNING_KEY": "a long random text"}


def found(*, deploy: bool = False) -> list[CheckMessage]:
    return run_checks(tags=[TAG], include_deployment_checks=deploy)


def of(ident: str, **kwargs: Any) -> list[CheckMessage]:
    return [message for message in found(**kwargs) if message.id == f"backups.{ident}"]


@pytest.fixture(autouse=True)
def _well(settings: Any, tmp_path: Path) -> None:
    """Begin each test with settings that have nothing wrong with them."""
    settings.BACKUPS = ALL_IS_WELL
    settings.MEDIA_ROOT = str(tmp_path / "media")
    settings.STATIC_ROOT = str(tmp_path / "static")
    put_storage(settings, FILES, location=str(tmp_path / "backups"))


def put_storage(settings: Any, backend: str, **options: Any) -> None:
    settings.STORAGES = {**settings.STORAGES, "backups": {"BACKEND": backend, "OPTIONS": options}}


def test_nothing_is_said_where_all_is_well() -> None:
    assert found() == []


def test_every_message_says_what_to_do(settings: Any) -> None:
    settings.BACKUPS = {"RECIPIENTS": ["age1x"], "GRACE": 3}
    put_storage(settings, "no.such.Storage")
    messages = found()
    assert {message.id for message in messages} == {"backups.E001", "backups.E002", "backups.E003"}
    assert all(message.hint and message.msg.endswith(".") for message in messages)


class TestStorage:
    """backups.E001."""

    def test_absent(self, settings: Any) -> None:
        settings.STORAGES = {name: entry for name, entry in settings.STORAGES.items() if name != "backups"}
        (message,) = of("E001")
        assert message.level == ERROR
        assert "never put into another storage" in message.msg

    def test_unloadable(self, settings: Any) -> None:
        put_storage(settings, "no.such.Storage")
        assert "cannot be loaded" in of("E001")[0].msg

    @pytest.mark.parametrize("root", ["MEDIA_ROOT", "STATIC_ROOT"])
    def test_served(self, settings: Any, root: str) -> None:
        put_storage(settings, FILES, location=f"{getattr(settings, root)}/private/backups")
        assert f"inside {root}" in of("E001")[0].msg

    def test_served_by_way_of_a_link(self, settings: Any, tmp_path: Path) -> None:
        (tmp_path / "media").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "media")
        put_storage(settings, FILES, location=str(tmp_path / "link" / "backups"))
        assert "inside MEDIA_ROOT" in of("E001")[0].msg

    def test_no_location(self, settings: Any) -> None:
        settings.MEDIA_ROOT = ""
        put_storage(settings, FILES)
        assert "has no location" in of("E001")[0].msg

    def test_public(self, settings: Any, tmp_path: Path) -> None:
        pytest.importorskip("storages")
        put_storage(settings, "storages.backends.s3.S3Storage", bucket_name="b", default_acl="public-read")
        assert of("E001")


class TestSettings:
    """backups.E002."""

    @pytest.mark.parametrize(
        ("key", "value", "expected"),
        [
            ("GRACE", 24, "a timedelta"),
            ("FULL_EVERY", 0, "above zero"),
            ("FULL_EVERY", True, "above zero"),
            ("EXCLUDE", "shop.Order", "a list"),
            ("ALLOW_RESTORE_FROM_ADMIN", 1, "True or False"),
            ("PROMISE", {"backup_every": 1}, "a timedelta"),
            ("PROMISE", {"often": timedelta(1)}, "backup_every"),
            ("IDENTITY_FILE", 3, "a path"),
            ("TYPO", 1, "is not a setting"),
        ],
    )
    def test_key_value_and_what_was_expected(self, settings: Any, key: str, value: object, expected: str) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, key: value}
        (message,) = of("E002")
        assert message.level == ERROR
        assert repr(key) in message.msg
        assert expected in message.msg

    def test_each_mistake_has_a_message_of_its_own(self, settings: Any) -> None:
        settings.BACKUPS = {"GRACE": 1, "EXCLUDE": 2, "TYPO": 3}
        assert len(of("E002")) == 3

    @pytest.mark.parametrize("given", [{"SIGNING_KEY": b"hunter2"}, [("SIGNING_KEY", "hunter2")]])
    def test_a_key_is_never_shown(self, settings: Any, given: Any) -> None:
        settings.BACKUPS = given
        messages = found()
        assert [message.id for message in messages] == ["backups.E002"]
        assert "hunter2" not in str(messages)


class TestEncryption:
    """backups.E003: fail closed."""

    def test_recipients_are_an_error(self, settings: Any) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq"]}
        (message,) = of("E003")
        assert message.level == ERROR
        assert "cannot encrypt" in message.msg

    def test_nothing_is_backed_up_either(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq"]}
        with pytest.raises(ConfigurationError, match="Nothing was stored"):
            create_backup("default")
        assert not (tmp_path / "backups").exists()

    def test_earlier_backups_stay_readable(self, settings: Any) -> None:
        run = create_backup("default").committed.manifest.run
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq"]}
        assert Repository.open("default").find("latest").run == run


class TestEngines:
    """backups.W001."""

    def test_an_engine_that_there_is_none_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with registered({"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}) as alias:
            monkeypatch.setattr(connections[alias], "vendor", "oracle")
            (message,) = of("W001")
        assert message.level == WARNING
        assert alias in message.msg
        assert "oracle" in message.msg
        assert "postgresql" in (message.hint or "")

    def test_djangos_stand_in_for_no_database_is_passed_over(self) -> None:
        with registered({"ENGINE": "django.db.backends.dummy"}):
            assert of("W001") == []


class TestSigningKey:
    """backups.W002."""

    def test_derived_from_secret_key(self, settings: Any) -> None:
        settings.BACKUPS = {}
        (message,) = of("W002")
        assert message.level == WARNING
        assert "rotated" in message.msg
        assert "SIGNING_KEY_FALLBACKS" in (message.hint or "")

    def test_what_the_hint_says_keeps_earlier_backups_readable(self, settings: Any) -> None:
        settings.BACKUPS = {}
        run = create_backup("default").committed.manifest.run
        settings.BACKUPS = {"SIGNING_KEY": "own", "SIGNING_KEY_FALLBACKS": [settings.SECRET_KEY]}
        assert found() == []
        repository = Repository.open("default")
        assert repository.read_manifest(repository.find(run).name).fallback

    def test_wrong_settings_are_told_once(self, settings: Any) -> None:
        settings.BACKUPS = {"TYPO": 1}
        assert [message.id for message in found()] == ["backups.E002"]


class TestSchedule:
    """backups.W003, with --deploy."""

    @pytest.fixture(autouse=True)
    def _celery(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip("celery")
        for name in ("CELERY_BROKER_URL", "CELERY_BROKER_WRITE_URL"):
            monkeypatch.delenv(name, raising=False)

    def test_a_schedule_without_a_broker(self) -> None:
        (message,) = of("W003", deploy=True)
        assert "back up every database each hour" in message.msg

    def test_it_is_for_deployments(self) -> None:
        assert of("W003") == []

    def test_a_broker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CELERY_BROKER_URL", "redis://127.0.0.1:1/0")
        assert of("W003", deploy=True) == []

    def test_other_peoples_schedules(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from celery import current_app

        monkeypatch.setitem(current_app.conf, "beat_schedule", {"mail": {"task": "shop.tasks.mail"}})
        assert of("W003", deploy=True) == []


def test_manage_py_check_fails_for_an_error(settings: Any) -> None:
    settings.BACKUPS = {"RECIPIENTS": ["age1qqq"]}
    with pytest.raises(SystemCheckError, match=r"backups\.E003"):
        call_command("check", "--tag", TAG)


def test_they_work_without_celery() -> None:
    script = (
        "import sys, json; sys.modules['celery'] = None\n"
        "import django; django.setup()\n"
        "from django.core.checks import run_checks\n"
        "print(json.dumps([m.id for m in run_checks(tags=['backups'], include_deployment_checks=True)]))"
    )
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ["backups.W002"]
