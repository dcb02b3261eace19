"""Keys: made once, wrapped twice, opened by those they are for, whatever happens to one of their copies."""

import re
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from backups.conf import get_settings
from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged, ObjectMissing
from backups.repository import Repository
from backups.repository.keys import ID
from tests.identities import Identity, age_identity
from tests.yard import all_objects, flip, path_of

RUN = "20261122T164315Z-3f9a2c"
LATER = "20261123T164315Z-3f9a2c"
FIRST = [f"{ID}/0", f"{ID}/1", f"{ID}/2", f"keys/{RUN}/0", f"keys/{RUN}/1"]


@pytest.fixture
def identity(tmp_path: Path, settings) -> Identity:
    made = age_identity(tmp_path)
    settings.BACKUPS = {"SIGNING_KEY": "one", "RECIPIENTS": [made.public]}
    return made


@pytest.fixture
def begun(identity: Identity, tmp_path: Path) -> Repository:
    """A repository in which a run has begun."""
    made = Repository.open("r", storage=FileSystemStorage(location=tmp_path / "storage"), create=True)
    made.begin(RUN, get_settings().RECIPIENTS)
    return made


def again(repository: Repository) -> Repository:
    """Open it afresh, with the settings of now."""
    return Repository.open("r", storage=repository.objects.storage)


def names(repository: Repository) -> list[str]:
    """The key objects, the id key's first."""
    found = [name for name in all_objects(repository) if name.startswith("keys/")]
    return sorted(found, key=lambda name: (not name.startswith(ID), name))


def test_the_id_key_has_two_wrappings_and_the_data_key_two_equal_copies(begun):
    assert names(begun) == FIRST
    first, second = (begun.objects.get(name) for name in FIRST[3:])
    assert first == second and re.fullmatch(rb"lifeboat key 1 [0-9a-f]{16} [0-9a-f]{64}", first.split(b"\n")[0])
    assert [bool(begun.keys.read(name).recipients) for name in FIRST] == [False, True, True, True, True]


def test_the_server_opens_the_id_key_and_nothing_else(begun):
    server = again(begun)
    assert server.keys.id_key() == begun.keys.id_key()
    assert server.keys.fingerprint() == begun.encryption != ""
    with pytest.raises(CannotOpen, match="names no identity"):
        server.keys.data_key(RUN)


def test_an_identity_alone_opens_everything(begun, identity, settings):
    keys = [begun.keys.id_key(), begun.keys.data_key(RUN)]
    settings.BACKUPS = {"SIGNING_KEY": "somebody else's", "IDENTITY_FILE": identity.path}
    alone = again(begun)
    assert [alone.keys.id_key(), alone.keys.data_key(RUN)] == keys


def test_a_later_run_has_a_data_key_of_its_own_and_the_same_id_key(begun, identity, settings):
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    later = again(begun)
    later.begin(LATER, [identity.public])
    assert later.keys.id_key() == begun.keys.id_key() and later.keys.data_key(LATER) != later.keys.data_key(RUN)
    assert names(later) == [*FIRST, f"keys/{LATER}/0", f"keys/{LATER}/1"]
    assert later.keys.runs() == [RUN, LATER]


def test_a_new_signing_key_wraps_the_id_key_anew_and_never_changes_it(begun, identity, settings):
    settings.BACKUPS = {"SIGNING_KEY": "two", "SIGNING_KEY_FALLBACKS": ["one"]}
    rotated = again(begun)
    rotated.begin(LATER, [identity.public])
    assert rotated.keys.id_key() == begun.keys.id_key()
    settings.BACKUPS = {"SIGNING_KEY": "two"}
    assert again(begun).keys.id_key() == begun.keys.id_key()
    settings.BACKUPS = {"SIGNING_KEY": "three"}
    with pytest.raises(CannotOpen, match="under none of our signing keys") as error:
        again(begun).keys.id_key()
    assert "SIGNING_KEY_FALLBACKS" in error.value.hint and "IDENTITY_FILE" in error.value.hint


@pytest.mark.parametrize("spoil", [Path.unlink, flip, lambda path: path.write_bytes(b"")], ids=["gone", "rot", "cut"])
@pytest.mark.parametrize("which", [0, 1])
def test_the_other_copy_is_used(begun, identity, settings, spoil, which):
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    spoil(path_of(begun, FIRST[3 + which]))
    assert again(begun).keys.data_key(RUN) == begun.keys.data_key(RUN)


def test_a_key_that_is_lost_is_named(begun, identity, settings):
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    for name in FIRST[3:]:
        path_of(begun, name).write_bytes(path_of(begun, name).read_bytes()[:150])
    with pytest.raises(ObjectDamaged, match=f"keys/{RUN}/1 is damaged"):
        again(begun).keys.data_key(RUN)
    for name in FIRST[3:]:
        path_of(begun, name).unlink()
    with pytest.raises(ObjectMissing, match=f"keys/{RUN}/0 is missing") as error:
        again(begun).keys.data_key(RUN)
    assert "another copy of the storage" in error.value.hint


def test_the_copy_of_another_run_is_not_taken_for_this_ones(begun, identity, settings):
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    later = again(begun)
    later.begin(LATER, [identity.public])
    for n in (0, 1):
        path_of(begun, f"keys/{RUN}/{n}").write_bytes(path_of(begun, f"keys/{LATER}/{n}").read_bytes())
    with pytest.raises(ObjectDamaged, match="signature does not fit"):
        again(begun).keys.data_key(RUN)
    # Nor by a host that cannot check signatures.
    settings.BACKUPS = {"SIGNING_KEY": "another", "IDENTITY_FILE": identity.path}
    with pytest.raises(ObjectDamaged, match="not the key of this repository that its name says"):
        again(begun).keys.data_key(RUN)


def test_a_key_that_no_signature_vouches_for_comes_last(begun, identity, settings):
    settings.BACKUPS = {"SIGNING_KEY": "an intruder's"}
    intruder = again(begun)
    intruder.keys._put_copies(f"keys/{RUN}", bytes(32), [identity.public])
    settings.BACKUPS = {"SIGNING_KEY": "one", "IDENTITY_FILE": identity.path}
    assert again(begun).keys.data_key(RUN) == begun.keys.data_key(RUN) != bytes(32)


def test_where_the_id_key_is_lost_none_is_made_in_its_place(begun, identity):
    for name in FIRST[:3]:
        path_of(begun, name).unlink()
    with pytest.raises(ObjectMissing, match="keys/id/0 is missing") as error:
        again(begun).begin(LATER, [identity.public])
    assert "Nothing was stored" in error.value.hint and names(begun) == FIRST[3:]


def test_two_servers_that_begin_at_once_have_one_id_key(begun, identity, tmp_path):
    storage = FileSystemStorage(location=tmp_path / "other")
    one, other = (Repository.open("r", storage=storage, create=True) for _ in range(2))
    one.keys._make_id_key()
    other.keys._make_id_key()
    other.begin(LATER, [identity.public])
    one.begin(RUN, [identity.public])
    assert one.keys.id_key() == other.keys.id_key()


def test_encryption_is_not_lost_with_a_setting(begun):
    with pytest.raises(ConfigurationError, match="are encrypted, and BACKUPS\\['RECIPIENTS'\\] is empty") as error:
        again(begun).begin(LATER, ())
    assert "begin a new repository" in error.value.hint and names(begun) == FIRST


def test_another_storage_has_the_keys_too(begun, identity, settings, tmp_path):
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}
    copy = Repository.open("r", storage=FileSystemStorage(location=tmp_path / "copy"), create=True)
    copied = Repository(copy.objects, begun.id, begun._signer)
    for name in FIRST:
        copied.objects.put(name, begun.objects.get(name))
        path_of(begun, name).unlink()
    here = again(begun)
    here.others = lambda: (copied,)
    assert here.keys.data_key(RUN) == begun.keys.data_key(RUN)
    assert here.keys.id_key() == begun.keys.id_key()


def test_equal_contents_that_are_put_twice_by_a_run_are_one_object(begun):
    first, second = begun.put("chunk", b"rows", RUN), begun.put("chunk", b"rows", RUN)
    assert first == second and begun.get("chunk", first) == b"rows"


def test_half_an_id_key_that_a_killed_process_left_is_none(begun, identity, tmp_path):
    storage = FileSystemStorage(location=tmp_path / "other")
    killed = Repository.open("r", storage=storage, create=True)
    killed.objects.put(f"{ID}/0", begun.objects.get(f"{ID}/0")[:100])
    assert not killed.keys.exists()
    killed.begin(RUN, [identity.public])
    assert names(killed) == [f"{ID}/{n}" for n in range(4)] + FIRST[3:]
    assert again(killed).keys.id_key() == killed.keys.id_key()
