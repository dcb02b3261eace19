"""Whatever is missing or wrong of the backup before never stops a backup, and never makes the new one less than whole."""

from dataclasses import replace

import pytest
from django.test import override_settings

from backups.exceptions import ObjectMissing, UnknownBackup, WrongSigningKey
from backups.repository import Repository, damage
from backups.services.backup import create_backup
from backups.services.listing import find
from backups.services.verify import verify_all, verify_backup
from backups.verification import Level, Status
from tests.yard import all_objects, details, flip, named, path_of, prove


@pytest.fixture
def items(file_items):
    """Eight pages of chunks, in a file."""
    file_items.insert(range(1, 301))
    return file_items


def harm_flip(path):
    flip(path)


def harm_missing(path):
    path.unlink()


@pytest.mark.parametrize("harm", [harm_flip, harm_missing])
def test_a_page_that_cannot_be_read_is_said_and_the_rest_of_the_table_is_stored_anew(items, harm):
    first = items.back_up()
    pages, names = items.entry(first).pages, items.names(first)
    harm(path_of(items.repository, pages[2].name))
    second = items.back_up()
    assert pages[2].name in second.manifest.warnings[0]
    assert "The rest of items is stored anew." in second.manifest.warnings[0]
    assert items.names(second)[:8] == names[:8] and len(items.names(second)) == 30
    assert items.entry(second).pages[:2] == pages[:2] and second.manifest.totals.new_chunks == 22
    assert prove(items.engine, items.repository, second).status == Status.PASSED
    assert prove(items.engine, items.repository, first).status == Status.FAILED


@pytest.mark.parametrize("harm", [harm_flip, harm_missing])
@pytest.mark.parametrize("kind", ["chunk", "shared chunk", "part"])
def test_an_object_that_a_verification_found_damaged_is_stored_again(items, kind, harm):
    items.run("CREATE TABLE few (id integer PRIMARY KEY)", "INSERT INTO few VALUES (1)")
    first = items.back_up()
    names = {
        "chunk": items.names(first)[7],
        "shared chunk": first.manifest.shared[0].name,
        "part": first.manifest.parts["schema"].name,
    }
    harm(path_of(items.repository, names[kind]))
    unaware = items.back_up()
    # Nobody has looked yet: what the parent names is believed, and a verification says so.
    result = prove(items.engine, items.repository, unaware, Level.STORED)
    assert named(result.findings) == {"stored"} and names[kind] in details(result.findings)
    assert damage.noted(items.repository) == {damage.place_of(names[kind])}
    healed = items.back_up()
    assert "1 objects that were found missing or damaged are stored again" in healed.manifest.warnings[0]
    result = prove(items.engine, items.repository, healed)
    assert result.status == Status.PASSED, details(result.findings)
    after = items.back_up()
    assert (after.manifest.warnings, after.manifest.totals.new_bytes) == ((), 0)
    # The earlier backup is healed from what the later one stored, byte for byte, and is whole by itself from then on.
    result = prove(items.engine, items.repository, first, Level.STORED)
    assert result.status == Status.PASSED
    (said,) = (finding.detail for finding in result.findings if finding.name == "stored")
    assert f"{names[kind]} was missing or damaged, and is whole again" in said
    assert damage.noted(items.repository) == frozenset()
    result = prove(items.engine, items.repository, first)
    assert result.status == Status.PASSED and not any("damaged" in finding.detail for finding in result.findings)


def test_a_note_that_is_damaged_itself_still_counts(items):
    first = items.back_up()
    name = items.names(first)[0]
    damage.note(items.repository, name, "it is gone")
    path_of(items.repository, damage.place_of(name)).write_bytes(b"")
    assert items.names(items.back_up())[0] != name


# The manifest of the parent, through the verb itself


def take(items, **asked):
    """Back up by the verb."""
    return create_backup(items.engine.alias, limits=items.limits, **asked)


@pytest.fixture
def verb(items, tmp_path, settings):
    """Items whose repository is the configured one."""
    settings.STORAGES = {
        **settings.STORAGES,
        "backups": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "configured")},
        },
    }
    first = take(items)
    return replace(items, repository=Repository.open(items.engine.alias)), first.committed


@pytest.mark.parametrize("harm", [harm_flip, harm_missing])
def test_a_manifest_that_cannot_be_read_is_followed_by_the_one_before_it(verb, harm):
    items, first = verb
    second = take(items).committed
    harm(path_of(items.repository, second.manifest.name))
    third = take(items)
    manifest = third.committed.manifest
    assert manifest.sequence == 3 and manifest.heads == (first.head,)
    assert manifest.totals.new_chunks == 0
    assert any(second.manifest.name in problem or "number 2" in problem for problem in third.problems)
    findings = verify_backup(items.engine.alias).result.findings
    # What is wrong with the chain stays wrong; the new backup itself restores.
    assert named(findings) == {"chain"}, details(findings)
    assert "restore" in named(findings, Status.PASSED)


def test_where_no_manifest_can_be_read_everything_is_stored_anew(verb):
    items, first = verb
    flip(path_of(items.repository, first.manifest.name))
    second = take(items)
    manifest = second.committed.manifest
    assert (manifest.sequence, manifest.heads, manifest.totals.new_chunks) == (2, (), 30)
    assert first.manifest.name in second.problems[0]


def forge(items, committed) -> None:
    """Put another manifest of that number in the place of a backup's, signed with a key of one's own."""
    path_of(items.repository, committed.manifest.name).unlink()
    with override_settings(BACKUPS={"SIGNING_KEY": "the forger's own"}):
        Repository.open(items.engine.alias).commit(committed.manifest)


def test_a_forged_manifest_stops_neither_backups_nor_verifications(verb):
    items, first = verb
    second = take(items).committed
    forge(items, second)
    third = take(items)
    assert third.committed.manifest.heads == (first.head,)
    assert "signed with another key" in third.problems[0]
    found = {v.result.backup: named(v.result.findings) for v in verify_all(items.engine.alias, level=Level.STORED)}
    assert found == {
        first.manifest.run: {"chain"},
        second.manifest.run: {"signature"},
        third.committed.manifest.run: {"chain"},
    }


def test_where_our_key_opens_nothing_there_is_no_backup(verb):
    items, _ = verb
    before = set(all_objects(items.repository))
    with override_settings(BACKUPS={"SIGNING_KEY": "another"}), pytest.raises(WrongSigningKey):
        take(items)
    assert set(all_objects(items.repository)) == before


def test_the_newest_verified_backup_is_found_though_newer_ones_cannot_be_read(verb):
    items, first = verb
    assert verify_backup(items.engine.alias).result.status == Status.PASSED
    second = take(items).committed
    flip(path_of(items.repository, second.manifest.name))
    assert find(items.repository, "latest-verified").run == first.manifest.run


def test_a_backup_that_restores_is_verified_whatever_is_wrong_with_others(verb):
    items, first = verb
    second = take(items).committed
    path_of(items.repository, first.manifest.name).unlink()
    result = verify_backup(items.engine.alias).result
    assert named(result.findings) == {"chain"} and result.status == Status.FAILED
    assert find(items.repository, "latest-verified").run == second.manifest.run


def test_a_backup_that_did_not_restore_is_not_verified(verb):
    items, first = verb
    assert verify_backup(items.engine.alias).result.status == Status.PASSED
    flip(path_of(items.repository, items.names(first)[0]))
    assert verify_backup(items.engine.alias).result.status == Status.FAILED
    with pytest.raises(UnknownBackup, match="No backup has passed"):
        find(items.repository, "latest-verified")


def test_a_repository_that_lost_its_name_is_not_given_another(verb):
    items, _ = verb
    root = path_of(items.repository, "repository.json")
    said = root.read_bytes()
    root.unlink()
    with pytest.raises(ObjectMissing) as raised:
        take(items)
    assert "Put it back" in raised.value.hint and not root.exists()
    root.write_bytes(said)
    assert take(items).problems == ()


def test_backups_that_the_catalogue_has_seen_and_storage_lacks_are_missed(verb):
    items, _ = verb
    second = take(items).committed
    path_of(items.repository, second.manifest.name).unlink()
    result = verify_backup(items.engine.alias, level=Level.STORED).result
    assert named(result.findings) == {"chain"}
    assert "Backup number 2 was seen before and is gone" in details(result.findings)
    third = take(items)
    assert third.committed.manifest.sequence == 3
    assert "the newest in storage is 1: backups were removed" in third.problems[0]
