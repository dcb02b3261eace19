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
from django.core.files.storage import Storage
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
TWO = [
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJlGulEvYJ2BBRDsc43yFEoDgmPzl8fDlvEugO9XFg7+ ada@example.org",
]


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
    settings.BACKUPS = {"GRACE": 3}
    put_storage(settings, "no.such.Storage")
    messages = found()
    settings.BACKUPS = {"RECIPIENTS": ["age1x"], "SIGNING_KEY": "a long random text"}
    messages += found()
    assert {message.id for message in messages} >= {"backups.E001", "backups.E002", "backups.E003", "backups.W004"}
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
        for option in (
            {"default_acl": "public-read"},
            {"object_parameters": {"ACL": "public-read-write"}},
            {"querystring_auth": False},
            {"custom_domain": "files.example.org"},
        ):
            put_storage(settings, "storages.backends.s3.S3Storage", bucket_name="b", **option)
            assert "is public" in of("E001")[0].msg


class TestStorageDoubts:
    """backups.W010."""

    def doubts(self, settings: Any, backend: str, **options: Any) -> list[str]:
        put_storage(settings, backend, **options)
        assert all(message.level == WARNING and message.hint for message in of("W010"))
        return [message.msg for message in of("W010")]

    def test_none_of_what_is_proven(self, settings: Any, tmp_path: Path) -> None:
        assert self.doubts(settings, FILES, location=str(tmp_path / "backups")) == []
        assert self.doubts(settings, "storages.backends.s3.S3Storage", bucket_name="b", gzip=True) == []

    def test_one_that_forgets(self, settings: Any) -> None:
        assert "gone when the process ends" in self.doubts(settings, MEMORY)[0]

    def test_one_of_no_kind_that_is_known(self, settings: Any) -> None:
        (said,) = self.doubts(settings, "tests.faults.FaultyStorage")
        assert "not among the storages that are proven" in said and "check_storage" in of("W010")[0].hint

    @pytest.mark.parametrize("option", ["gzip", "file_overwrite", "overwrite_files"])
    def test_an_option_that_changes_or_overwrites(self, settings: Any, option: str) -> None:
        said = self.doubts(settings, f"{__name__}.Told", **{option: True})
        assert len(said) == 2 and option in of("W010")[0].hint
        assert len(self.doubts(settings, f"{__name__}.Told", **{option: False})) == 1

    def test_one_that_drops(self, settings: Any) -> None:
        assert "all but the last piece" in self.doubts(settings, f"{__name__}.SFTPStorage")[0]

    def test_a_version_that_says_that_nothing_exists(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("backups.repository.location.version", lambda name: "1.14.4")
        assert "1.14.4" in self.doubts(settings, "storages.backends.s3.S3Storage", bucket_name="b")[0]

    def test_one_that_cannot_be_loaded_is_an_error_and_no_doubt(self, settings: Any) -> None:
        assert self.doubts(settings, "no.such.Storage") == [] and of("E001")


class Told(Storage):
    """A storage with whatever options."""

    def __init__(self, **options: Any) -> None:
        vars(self).update(options)


class SFTPStorage(Told):
    """Of the same name as django-storages' one."""


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


class TestCopies:
    """backups.E010."""

    def copy(self, settings: Any, location: Path, **options: Any) -> None:
        put_storage(settings, FILES, location=str(location.parent / "first"))
        entry = {"BACKEND": FILES, "OPTIONS": {"location": str(location), **options}}
        settings.STORAGES = {**settings.STORAGES, "offsite": entry}
        settings.BACKUPS = {**ALL_IS_WELL, "COPIES": {"offsite": {}}}

    def test_another_place_is_well(self, settings: Any, tmp_path: Path) -> None:
        self.copy(settings, tmp_path / "second")
        assert of("E010") == []

    @pytest.mark.parametrize("place", ["first", "first/within", "link", ""])
    def test_the_same_place_is_no_copy(self, settings: Any, tmp_path: Path, place: str) -> None:
        (tmp_path / "first").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "first")
        self.copy(settings, tmp_path / "second")
        settings.STORAGES["offsite"]["OPTIONS"]["location"] = str(tmp_path / place)
        settings.STORAGES = {**settings.STORAGES}
        (message,) = of("E010")
        assert message.level == ERROR and "the same place" in message.msg and "offsite" in message.hint

    def test_one_bucket_is_one_place(self, settings: Any) -> None:
        pytest.importorskip("storages")
        bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "one"}}
        settings.STORAGES = {**settings.STORAGES, "backups": bucket, "offsite": bucket}
        settings.BACKUPS = {**ALL_IS_WELL, "COPIES": {"offsite": {}}}
        assert "the same place" in of("E010")[0].msg
        settings.STORAGES = {**settings.STORAGES, "offsite": {**bucket, "OPTIONS": {"bucket_name": "two"}}}
        assert of("E010") == []

    def test_absent_and_public(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "COPIES": {"offsite": {}}}
        assert 'STORAGES["offsite"] is not set' in of("E010")[0].msg
        self.copy(settings, tmp_path / "second", base_url="/backups/")
        assert "is public" in of("E010")[0].msg

    @pytest.mark.parametrize(
        "value", [{"backups": {}}, {"o": {"typo": 1}}, {1: {}}, ["o"], {"o": {"RETENTION": {"last": -1}}}]
    )
    def test_what_is_no_copy_is_a_wrong_setting(self, settings: Any, value: object) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "COPIES": value}
        assert "COPIES" in of("E002")[0].msg


class TestEncryption:
    """backups.E003: fail closed. backups.W004 and W005."""

    def test_what_is_no_public_key_is_an_error(self, settings: Any) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq", "age1rrr"]}
        (message,) = of("E003")
        assert message.level == ERROR
        assert "No backup can be taken" in message.msg and "is no public key: 'age1qqq'" in message.msg

    def test_a_missing_extra_is_an_error(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "pyrage", None)
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": TWO}
        (message,) = of("E003")
        assert "[encryption]" in (message.hint or "")

    def test_nothing_is_backed_up_either(self, settings: Any, tmp_path: Path) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq"]}
        with pytest.raises(ConfigurationError, match="is no public key") as error:
            create_backup("default")
        assert "Nothing was stored" in error.value.hint
        assert not (tmp_path / "backups").exists()

    def test_earlier_backups_stay_readable(self, settings: Any) -> None:
        run = create_backup("default").committed.manifest.run
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": ["age1qqq"]}
        assert Repository.open("default").find("latest").run == run

    def test_two_recipients_are_well(self, settings: Any) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": TWO, "SEAL_KEYS": ["shop.customer"]}
        assert found() == []

    def test_one_recipient_is_easily_lost(self, settings: Any) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "RECIPIENTS": TWO[:1] * 2}
        (message,) = found()
        assert (message.id, message.level) == ("backups.W004", WARNING)
        assert "lost every backup" in message.msg and "rotate_recipients" in (message.hint or "")

    def test_keys_are_sealed_by_encryption_only(self, settings: Any) -> None:
        settings.BACKUPS = {**ALL_IS_WELL, "SEAL_KEYS": ["shop.customer"]}
        assert [message.id for message in found()] == ["backups.W005"]


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
