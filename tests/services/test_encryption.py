"""Encrypted backups: taken by a server that cannot read them, proven and restored by whoever has an identity."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest

from backups.conf import get_settings
from backups.contents import Contents
from backups.engines.base import Engine
from backups.exceptions import CannotOpen, ConfigurationError, ObjectDamaged
from backups.models import Verification
from backups.repository import Repository, frames, sealing
from backups.repository.names import RUN
from backups.services.backup import create_backup
from backups.services.drill import fail_and_recover
from backups.services.listing import list_backups
from backups.services.restore import plan_restore, restore_backup
from backups.services.rotate import rotate_recipients
from backups.services.sync import sync_backups
from backups.services.verify import verify_backup
from backups.verification import Level, Status, check
from backups.verification.registry import unregister
from shop.models import Customer
from tests.identities import Identity, age_identity
from tests.services.helpers import back_up, contents
from tests.yard import add_orders, all_objects, details, entry_of, execute, flip, named, new_repository, path_of, query

ROW, DDL, WITNESS, CHECK, KEY = "plantedrow", "plantedddl", "9876-05-04", "plantedcheck", "0plantedkey"
PLANTED = [ROW, DDL, WITNESS, CHECK, KEY]


@pytest.fixture
def identity(settings: Any, tmp_path: Path) -> Identity:
    """A recipient, whose identity is not on this host."""
    made = age_identity(tmp_path)
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one", "RECIPIENTS": [made.public]}
    return made


@pytest.fixture
def elsewhere(identity: Identity, settings: Any) -> Any:
    """A function that brings the identity."""

    def bring() -> None:
        settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": identity.path}

    return bring


def add_members(engine: Engine) -> None:
    """A table whose key says something about people, and what else must stay secret."""
    rows = ", ".join(f"('{n}{KEY}@example.org', '{'x' * 60}')" for n in range(60))
    execute(
        engine,
        "CREATE TABLE members (email varchar(60) NOT NULL PRIMARY KEY, note varchar(80))",
        f"INSERT INTO members VALUES {rows}",
        f"CREATE VIEW secretive AS SELECT '{DDL}' AS word",
        f"UPDATE shop_customer SET joined = '{WITNESS} 03:02:01' WHERE name = 'eve'",
        f"UPDATE shop_customer SET name = '{ROW}' WHERE name = 'bob'",
    )


def test_what_a_recipients_only_server_stores_an_identity_restores(any_yard: Engine, elsewhere: Any) -> None:
    done = back_up(any_yard)
    assert done.committed.manifest.encryption
    proof = verify_backup(any_yard.alias, level=Level.STORED)
    assert proof.result.status == Status.PASSED, details(proof.result.findings)
    assert "encrypted for others" in next(f.detail for f in proof.result.findings if f.name == "stored")
    elsewhere()
    copy = restore_backup(any_yard.alias, to=any_yard.scratch_name(done.committed.manifest.run))
    try:
        assert copy.result.status == Status.PASSED and contents(copy.target) == contents(any_yard)
    finally:
        copy.target.drop()
    assert verify_backup(any_yard.alias).result.status == Status.PASSED


def test_unchanged_rows_are_stored_once(yard: Engine, identity: Identity, elsewhere: Any) -> None:
    first = back_up(yard).committed.manifest
    again = back_up(yard).committed.manifest
    assert (again.totals.new_chunks, again.totals.new_bytes, again.encryption) == (0, 0, first.encryption)
    execute(yard, "UPDATE shop_order SET quantity = 7 WHERE id = 30")
    third = back_up(yard).committed.manifest
    assert third.totals.new_chunks == 1
    # Each run has its key, and a backup opens with the keys of all that it shares chunks with.
    elsewhere()
    assert verify_backup(yard.alias, third.run).result.status == Status.PASSED


def opened_by_server(repository: Repository) -> dict[str, bytes]:
    """Everything that can be made of a repository with the settings in force and the id key: bytes by name of the object.

    It goes by no rule of the program: each key that the server has, or can derive, is tried on all sealed bytes.
    """
    signing = list(get_settings().signing_keys())
    runs = {match for name in all_objects(repository) for match in RUN.findall(name)}
    id_key = repository.keys.id_key()
    keys = [id_key, *signing, *(sealing.derive(id_key, "index", run) for run in runs)]
    keys += [sealing.derive(key, "wrapping", repository.id) for key in signing]
    return {name: _made_of(repository, name, keys) for name in all_objects(repository)}


def _made_of(repository: Repository, name: str, keys: list[bytes]) -> bytes:
    stored = path_of(repository, name).read_bytes()
    found = [stored]
    for text in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", stored):
        found.append(base64.b64decode(text + b"=" * (-len(text) % 4)))
    for piece in list(found):
        if sealing.SEALED in piece:
            found += _unsealed(repository, name, piece[piece.index(sealing.SEALED) :], keys)
    frame = b"\x28\xb5\x2f\xfd"
    for piece in list(found):
        if frame in piece:
            found.append(_unpacked(piece[piece.index(frame) :]))
    return b"\n".join(found)


def _unsealed(repository: Repository, name: str, sealed: bytes, keys: list[bytes]) -> list[bytes]:
    run = RUN.findall(name)[-1] if RUN.findall(name) else ""
    ident = name.rpartition("/")[2].partition(".")[0]
    bounds = [(kind, ident) for kind in ("chunk", "page", "part")] + [("manifest", name), ("note", run)]
    bounds += [("key", name.rpartition("/")[0])]
    opened = []
    for key in keys:
        for kind, about in bounds:
            for of in {run, *RUN.findall(name), ""}:
                try:
                    opened.append(sealing.decrypt(key, sealing.bound_to(kind, repository.id, about, of), sealed))
                except frames.FrameError:
                    continue
    return opened


def _unpacked(frame: bytes) -> bytes:
    reader = frames.zstd.ZstdDecompressor()
    try:
        return reader.decompress(frame, max_length=1 << 26)
    except frames.zstd.ZstdError:
        return b""


def told(made: dict[str, bytes]) -> dict[str, set[str]]:
    """Which planted words each kind of object tells."""
    found: dict[str, set[str]] = {}
    for name, data in made.items():
        found.setdefault(name.partition("/")[0], set()).update(word for word in PLANTED if word.encode() in data)
    return found


def verify_with_a_failing_invariant(engine: Engine) -> None:
    """Let a check say what it saw in a row."""

    @check("tell all", databases=[engine.alias])
    def tell_all(using: str) -> list[str]:
        return [f"{CHECK} {name}" for name in Customer.objects.using(using).values_list("name", flat=True)]

    try:
        result = verify_backup(engine.alias).result
    finally:
        unregister("tell all")
    assert named(result.findings) == {"invariant: tell all"}, details(result.findings)


def test_a_server_with_recipients_only_cannot_read_a_row(yard: Engine, elsewhere: Any, settings: Any) -> None:
    add_members(yard)
    settings.BACKUPS = {**settings.BACKUPS, "SEAL_KEYS": ["members"]}
    back_up(yard)
    add_orders(yard.alias, range(500, 520))
    back_up(yard)
    server = dict(settings.BACKUPS)
    # The proof is made where the identity is, and its findings are stored for all to see that it passed.
    elsewhere()
    verify_with_a_failing_invariant(yard)
    settings.BACKUPS = server
    repository = Repository.open(yard.alias)
    made = opened_by_server(repository)
    assert {name.partition("/")[0] for name in made} == {
        "backups", "chunks", "events", "keys", "pages", "parts", "repository.json",
    }  # fmt: skip
    assert not any(told(made).values()), told(made)
    # The search is a real one: it opens descriptions and pages, and there it finds what the server may know.
    assert b'"members"' in b"".join(data for name, data in made.items() if name.startswith("backups/"))
    assert b'"first":["' in b"".join(data for name, data in made.items() if name.startswith("pages/"))


def test_the_same_search_finds_everything_in_plaintext(yard: Engine, settings: Any) -> None:
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "one"}
    add_members(yard)
    back_up(yard)
    verify_with_a_failing_invariant(yard)
    repository = Repository.open(yard.alias)
    repository.keys.id_key = lambda: bytes(32)  # type: ignore[method-assign]
    found = told(opened_by_server(repository))
    assert (found["chunks"], found["parts"]) == ({ROW, WITNESS, KEY}, {DDL, WITNESS})
    assert CHECK in found["events"] and KEY in found["backups"] | found["pages"]


def test_without_the_signing_key_storage_tells_no_table(yard: Engine, identity: Identity) -> None:
    back_up(yard)
    repository = Repository.open(yard.alias)
    for name in all_objects(repository):
        assert b"shop_order" not in _made_of(repository, name, [])


def test_keys_that_are_to_be_sealed_stand_in_no_index(yard: Engine, elsewhere: Any, settings: Any) -> None:
    add_members(yard)
    open_ = entry_of(back_up(yard).committed, "members")
    settings.BACKUPS = {**settings.BACKUPS, "SEAL_KEYS": ["members"]}
    done = back_up(yard).committed
    entry = entry_of(done, "members")
    assert open_.pages[0].first and not open_.keys_sealed and entry.keys_sealed
    assert {(page.first, page.last) for page in entry.pages} == {((), ())}
    chunks = list(Contents(Repository.open(yard.alias), done.manifest).entries(entry))
    assert len(chunks) > 2 and {(chunk.first, chunk.last) for chunk in chunks} == {((), ())}
    # And when they need not be sealed any more, boundaries are there again.
    settings.BACKUPS = {**settings.BACKUPS, "SEAL_KEYS": []}
    assert entry_of(back_up(yard).committed, "members").pages[0].first
    elsewhere()
    for level in (Level.STORED, Level.RESTORE):
        assert verify_backup(yard.alias, done.manifest.run, level=level).result.status == Status.PASSED


def test_plaintext_chunks_are_not_named_by_an_encrypted_backup(any_yard: Engine, elsewhere: Any, settings: Any) -> None:
    encrypted, settings.BACKUPS = settings.BACKUPS, {"SIGNING_KEY": "one"}
    plain = back_up(any_yard).committed.manifest
    settings.BACKUPS = encrypted
    sealed = back_up(any_yard).committed.manifest
    assert sealed.totals.new_chunks == plain.totals.new_chunks == sealed.totals.chunks
    assert {stored.name for stored in sealed.objects()} & {stored.name for stored in plain.objects()} == set()
    elsewhere()
    for run in (plain.run, sealed.run):
        assert verify_backup(any_yard.alias, run).result.status == Status.PASSED


def test_encryption_is_not_turned_off_by_a_lost_setting(yard: Engine, identity: Identity, settings: Any) -> None:
    back_up(yard)
    before = all_objects(Repository.open(yard.alias))
    settings.BACKUPS = {"SIGNING_KEY": "one"}
    with pytest.raises(ConfigurationError, match="Nothing was stored"):
        back_up(yard)
    assert all_objects(Repository.open(yard.alias)) == before
    # What is there is read all the same.
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


@pytest.mark.parametrize("verb", [plan_restore, restore_backup], ids=["plan", "restore"])
def test_without_an_identity_nothing_is_made(yard: Engine, identity: Identity, verb: Any, tmp_path: Path) -> None:
    back_up(yard)
    with pytest.raises(CannotOpen, match="names no identity"):
        verb(yard.alias, "latest", to=str(tmp_path / "restored.sqlite3"))
    with pytest.raises(CannotOpen, match="names no identity"):
        verify_backup(yard.alias)
    with pytest.raises(CannotOpen, match="names no identity"):
        fail_and_recover(yard.alias, "latest")
    assert not (tmp_path / "restored.sqlite3").exists() and not Verification.objects.exists()


def test_another_identity_is_told_that_it_is_another(yard: Engine, identity: Identity, settings: Any, tmp_path) -> None:
    back_up(yard)
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": age_identity(tmp_path, "other").path}
    with pytest.raises(CannotOpen, match=r"wrapped for other recipients than the identity in .*other\.txt"):
        verify_backup(yard.alias)


def test_what_a_check_found_is_read_with_an_identity_alone(yard: Engine, elsewhere: Any, settings: Any) -> None:
    back_up(yard)
    server = dict(settings.BACKUPS)
    elsewhere()
    verify_with_a_failing_invariant(yard)
    (saved,) = Verification.objects.all()
    assert f"{CHECK} ada" in saved.checks.get(name="invariant: tell all").detail
    Verification.objects.all().delete()
    settings.BACKUPS = server
    sync_backups(yard.alias)
    (synced,) = Verification.objects.all()
    line = synced.checks.get(name="invariant: tell all")
    assert (synced.status, line.status) == ("failed", "failed") and CHECK not in line.detail + line.actual
    assert "an identity opens it" in line.detail
    elsewhere()
    sync_backups(yard.alias)
    assert f"{CHECK} ada" in synced.checks.get(name="invariant: tell all").detail
    lines, _ = list_backups(yard.alias)
    assert lines[0].verification and lines[0].verification["status"] == "failed"


def spoilt(repository: Repository, folder: str) -> str:
    """Damage the last object of a folder and return its name."""
    name = [name for name in all_objects(repository) if name.startswith(f"{folder}/")][-1]
    flip(path_of(repository, name), 40)
    return name


@pytest.mark.parametrize("folder", ["chunks", "pages", "parts"])
def test_a_server_finds_damage_that_it_cannot_open(yard: Engine, identity: Identity, folder: str) -> None:
    back_up(yard)
    name = spoilt(Repository.open(yard.alias), folder)
    result = verify_backup(yard.alias, level=Level.STORED).result
    assert named(result.findings) == {"stored"} and name in details(result.findings)
    # And stores it again.
    assert back_up(yard).committed.manifest.totals.new_bytes
    assert verify_backup(yard.alias, level=Level.STORED).result.status == Status.PASSED


def test_a_server_finds_a_damaged_key(yard: Engine, elsewhere: Any) -> None:
    run = back_up(yard).committed.manifest.run
    repository = Repository.open(yard.alias)
    flip(path_of(repository, f"keys/{run}/1"))
    result = verify_backup(yard.alias, level=Level.STORED).result
    assert named(result.findings) == {"keys"} and "nothing is lost" in details(result.findings)
    path_of(repository, f"keys/{run}/1").unlink()
    said = details(verify_backup(yard.alias, level=Level.STORED).result.findings)
    assert f"A copy of the key in keys/{run} is gone. Another copy is whole" in said
    elsewhere()
    result = verify_backup(yard.alias).result
    assert named(result.findings) == {"keys"} and named(result.findings, Status.PASSED) >= {"rows", "content"}


def test_what_is_under_a_lost_key_is_stored_again(yard: Engine, elsewhere: Any) -> None:
    run = back_up(yard).committed.manifest.run
    repository = Repository.open(yard.alias)
    for n in (0, 1):
        path_of(repository, f"keys/{run}/{n}").unlink()
    result = verify_backup(yard.alias, level=Level.STORED).result
    assert named(result.findings) == {"keys"} and "No copy of the key" in details(result.findings)
    healed = back_up(yard).committed.manifest
    assert healed.totals.new_chunks == healed.totals.chunks
    elsewhere()
    assert verify_backup(yard.alias, healed.run).result.status == Status.PASSED
    result = verify_backup(yard.alias, run).result
    assert result.status == Status.FAILED


def test_sealed_bytes_are_not_taken_from_another_place(yard: Engine, elsewhere: Any) -> None:
    done = back_up(yard).committed
    elsewhere()
    repository = Repository.open(yard.alias)
    one, other = done.manifest.parts["schema"], done.manifest.parts["witness"]
    moved = repository.objects.get(other.name)
    with pytest.raises(ObjectDamaged, match="does not open with its key, so it was tampered with"):
        repository.opened_as("part", one, one.name, moved)
    plain = new_repository(path_of(repository, "elsewhere"))
    with pytest.raises(ObjectDamaged, match="does not have the id that it is named by"):
        repository.opened_as("part", one, one.name, plain.sealer.seal("part", one.id, "", b"x" * one.bytes))


@pytest.mark.parametrize(
    ("wrong", "said"), [({"RECIPIENTS": ["age1qqq"]}, "is no public key"), ({"RECIPIENTS": [""]}, "is no public key")]
)
def test_what_is_configured_and_unusable_means_no_backup(yard: Engine, settings: Any, wrong: Any, said: str) -> None:
    settings.BACKUPS = {**settings.BACKUPS, **wrong}
    with pytest.raises(ConfigurationError, match=said):
        back_up(yard)
    assert not Path(settings.STORAGES["backups"]["OPTIONS"]["location"]).exists()


def test_a_new_recipient_opens_the_next_backup_whatever_was_stored_before(
    any_yard: Engine, identity, settings, tmp_path
):
    first = back_up(any_yard).committed.manifest
    new = age_identity(tmp_path, "new")
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [identity.public, new.public]}
    done = back_up(any_yard)
    second = done.committed.manifest
    assert second.totals.new_chunks == second.totals.chunks and set(second.recipients) == {identity.public, new.public}
    assert any("not all of today's recipients have the keys" in note for note in done.notes)
    third = back_up(any_yard)
    assert third.committed.manifest.totals.new_chunks == 0 and not any("recipients" in note for note in third.notes)
    # Fewer recipients are no reason to store anything again.
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [new.public], "IDENTITY_FILE": new.path}
    fourth = back_up(any_yard).committed.manifest
    assert fourth.totals.new_chunks == 0
    for run in (second.run, third.committed.manifest.run, fourth.run):
        assert verify_backup(any_yard.alias, run).result.status == Status.PASSED
    with pytest.raises(CannotOpen, match="other recipients"):
        verify_backup(any_yard.alias, first.run)


def test_after_a_rotation_nothing_is_stored_again(yard: Engine, elsewhere: Any, identity, settings, tmp_path) -> None:
    back_up(yard)
    elsewhere()
    new = age_identity(tmp_path, "new")
    settings.BACKUPS = {**settings.BACKUPS, "RECIPIENTS": [identity.public, new.public]}
    rotate_recipients(yard.alias)
    again = back_up(yard).committed.manifest
    assert again.totals.new_chunks == 0
    settings.BACKUPS = {**settings.BACKUPS, "IDENTITY_FILE": new.path}
    assert verify_backup(yard.alias, again.run).result.status == Status.PASSED


def test_a_new_signing_key_with_the_old_one_as_fallback_goes_on(yard: Engine, elsewhere: Any, settings: Any) -> None:
    first = back_up(yard).committed.manifest
    settings.BACKUPS = {**settings.BACKUPS, "SIGNING_KEY": "two", "SIGNING_KEY_FALLBACKS": ["one"]}
    second = back_up(yard).committed.manifest
    assert second.encryption == first.encryption and second.totals.new_chunks == 0
    elsewhere()
    for run in (first.run, second.run):
        assert verify_backup(yard.alias, run).result.status == Status.PASSED


def test_descriptions_are_json_to_who_opens_them(yard: Engine, identity: Identity) -> None:
    done = create_backup(yard.alias).committed
    repository = Repository.open(yard.alias)
    body = repository.open_signed("manifest", done.manifest.name)
    size, _, sealed = body.partition(b"\n")
    read = sealing.Sealed(repository.keys).open("manifest", done.manifest.name, done.manifest.run, sealed, int(size))
    assert json.loads(read)["encryption"] == repository.keys.fingerprint()
    assert not query(yard, "SELECT 1 WHERE 1 = 0")


def test_a_name_in_seal_keys_that_fits_nothing_is_named(yard: Engine, identity: Identity, settings: Any) -> None:
    fitting = ["shop.Order", "readings", "auth.user"]
    settings.BACKUPS = {**settings.BACKUPS, "SEAL_KEYS": [*fitting, "shop.member"]}
    done = back_up(yard)
    (note,) = [note for note in done.notes if "SEAL_KEYS" in note]
    assert "names 'shop.member', and there is neither a table nor a model of that name" in note
    assert note in done.committed.manifest.warnings
    settings.BACKUPS = {**settings.BACKUPS, "SEAL_KEYS": fitting}
    assert not any("SEAL_KEYS" in note for note in back_up(yard).notes)
