"""BACKUPS is read in one place: each wrong key or type is one sentence with the key, the value and what was expected."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from backups.conf import BackupSettings, Promise, get_settings, problems
from backups.exceptions import ConfigurationError

LISTS = ["SIGNING_KEY_FALLBACKS", "RECIPIENTS", "EXCLUDE", "EXCLUDE_DATA", "SEAL_KEYS"]
SECRET = {"SIGNING_KEY", "SIGNING_KEY_FALLBACKS", "SEAL_KEYS", "IDENTITY_FILE", "COPIES"}
WRONG = {
    "SIGNING_KEY": [None, b"hush", 7, ["hush"]],
    **{name: [None, "hush", {"hush"}, [7], ["hush", None]] for name in LISTS},
    "IDENTITY_FILE": [b"hush", 7, ["hush"]],
    "RETENTION": [None, [7], {"last": "seven"}, {"last": -1}, {"last": True}, {"lasst": 7}, {"last": 1.5}],
    "PROMISE": [
        None,
        [timedelta(1)],
        {"backup_every": 60},
        {"backup_evry": timedelta(1)},
        {"backup_every": timedelta(0)},
    ],
    "GRACE": [None, 24, "1 day", timedelta(hours=-1)],
    "FULL_EVERY": [None, 0, -1, True, 1.5, "30"],
    "COPIES": [None, ["hush"], "hush"],
    "ALLOW_RESTORE_FROM_ADMIN": [None, 1, "yes"],
    "ALLOW_SIMULATED_FAILURE": [None, 0, "no"],
}
RIGHT: dict[str, list[Any]] = {
    "SIGNING_KEY": ["", "a text of its own"],
    **{name: [[], ["one"], ("one", "two")] for name in LISTS},
    "IDENTITY_FILE": [None, "/etc/identity", Path("/etc/identity")],
    "RETENTION": [{}, {"last": 1, "hourly": 0}, {"daily": 7, "weekly": 4, "monthly": 12}],
    "PROMISE": [{}, {"backup_every": timedelta(minutes=5), "restore_within": timedelta(days=1)}],
    "GRACE": [timedelta(0), timedelta(days=7)],
    "FULL_EVERY": [1, 30],
    "COPIES": [{}, {"away": {}}],
    "ALLOW_RESTORE_FROM_ADMIN": [True, False],
    "ALLOW_SIMULATED_FAILURE": [True, False],
}


def test_every_setting_is_tried() -> None:
    assert set(WRONG) == set(RIGHT) == set(BackupSettings.__dataclass_fields__)


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in WRONG.items() for value in values])
def test_a_wrong_value_is_one_sentence(settings: Any, key: str, value: object) -> None:
    settings.BACKUPS = {key: value}
    (sentence,) = problems()
    assert sentence.startswith(f"BACKUPS['{key}']") and "expected" in sentence and sentence.endswith(".")
    if key in SECRET:
        assert "hush" not in sentence
    else:
        shown = next(iter(value.values())) if isinstance(value, dict) else value
        assert repr(shown) in sentence
    with pytest.raises(ConfigurationError) as raised:
        get_settings()
    assert str(raised.value) == sentence and raised.value.hint


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in RIGHT.items() for value in values])
def test_a_right_value_is_taken(settings: Any, key: str, value: object) -> None:
    settings.BACKUPS = {key: value}
    assert problems() == []
    read = getattr(get_settings(), key)
    if key in LISTS:
        assert read == tuple(value)  # type: ignore[call-overload]
    elif key == "PROMISE":
        assert read == Promise(**value)  # type: ignore[arg-type]
    else:
        assert read == (str(value) if isinstance(value, Path) else value)


def test_a_key_that_is_none_is_named_beside_those_that_are(settings: Any) -> None:
    settings.BACKUPS = {"SIGNINGKEY": "hush", 7: "hush"}
    first, second = problems()
    assert first.startswith("BACKUPS['SIGNINGKEY'] is not a setting; known ones are ALLOW_") and "SIGNING_KEY" in first
    assert second.startswith("BACKUPS[7] is not a setting") and "hush" not in first + second


@pytest.mark.parametrize("value", [None, [], "hush"])
def test_backups_is_a_dictionary(settings: Any, value: object) -> None:
    settings.BACKUPS = value
    assert problems() == [f"BACKUPS is of type {type(value).__name__}; a dictionary was expected."]


def test_nothing_at_all_is_needed(settings: Any) -> None:
    del settings.BACKUPS
    assert problems() == [] and get_settings() == BackupSettings()


def test_each_mistake_has_a_sentence_of_its_own(settings: Any) -> None:
    settings.BACKUPS = {"FULL_EVERY": 0, "GRACE": 1, "NONSENSE": 1, "PROMISE": {"backup_every": 1, "nonsense": 1}}
    assert len(problems()) == 5


def test_settings_that_change_are_read_again(settings: Any) -> None:
    settings.BACKUPS = {"FULL_EVERY": 5}
    assert get_settings().FULL_EVERY == 5
    settings.BACKUPS = {"FULL_EVERY": 6}
    assert get_settings().FULL_EVERY == 6


def test_settings_cannot_be_changed_by_those_who_read_them(settings: Any) -> None:
    settings.BACKUPS = {"EXCLUDE": ["one"]}
    read = get_settings()
    with pytest.raises(AttributeError):
        read.FULL_EVERY = 1  # type: ignore[misc]
    settings.BACKUPS["EXCLUDE"].append("two")
    assert read.EXCLUDE == ("one",)


def test_a_key_of_its_own_signs_and_secret_key_does_not(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "secret", ["older secret"]
    settings.BACKUPS = {}
    derived = get_settings().signing_keys()
    assert len(derived) == 2 and all(len(key) == 32 for key in derived)
    settings.BACKUPS = {"SIGNING_KEY": "own"}
    (own,) = get_settings().signing_keys()
    assert own not in derived
    settings.BACKUPS = {"SIGNING_KEY": "own", "SIGNING_KEY_FALLBACKS": ["secret"]}
    assert get_settings().signing_keys() == (own, derived[0])
    assert b"secret" not in b"".join(derived) and b"own" not in own
