"""A missing or wrong object is read from another name of its content or another storage, and put back where it can be."""

from dataclasses import replace
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from backups.exceptions import NameTaken, ObjectDamaged, ObjectMissing, StorageUnavailable
from backups.manifest import Stored
from backups.repository import Repository, damage, frames
from backups.repository.names import new_run, object_name
from tests.yard import all_objects, flip, new_repository, path_of

ROWS = b'{"model":"a.b","pk":1,"fields":{}}\n' * 50


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return new_repository(tmp_path / "store")


@pytest.fixture
def stored(repository: Repository) -> Stored:
    return repository.put("chunk", ROWS, new_run())


def copy_of(repository: Repository, folder: Path) -> Repository:
    """The same repository in another storage, with all of its objects."""
    made = FileSystemStorage(location=folder)
    for name in all_objects(repository):
        path = Path(made.path(f"yard/{name}"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path_of(repository, name).read_bytes())
    return Repository.open("yard", storage=made)


def stand_in(repository: Repository, plaintext: bytes, ident: str) -> str:
    """Put bytes under another name of an id, as another version of zstd would make them of that plaintext."""
    name = object_name("chunk", ident, new_run())
    options = {
        frames.zstd.CompressionParameter.content_size_flag: 1,
        frames.zstd.CompressionParameter.compression_level: 19,
    }
    repository.objects.put(name, frames.zstd.compress(plaintext, options=options))
    return name


@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_the_same_bytes_under_another_name_heal_it(repository, stored, harm):
    again = repository.put("chunk", ROWS, new_run())
    harm(path_of(repository, stored.name))
    assert repository.get("chunk", stored) == ROWS
    assert [(h.name, h.source, h.whole) for h in repository.healed] == [(stored.name, again.name, True)]
    assert damage.noted(repository) == frozenset()
    repository.healed.clear()
    assert repository.get("chunk", stored) == ROWS and repository.healed == []


@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_the_same_rows_in_other_bytes_stand_in_for_it_and_never_take_its_name(repository, stored, harm):
    name = stand_in(repository, ROWS, stored.id)
    path = path_of(repository, stored.name)
    harm(path)
    before = path.read_bytes() if path.exists() else None
    for _ in range(2):
        assert repository.get("chunk", stored) == ROWS
    assert [(h.source, h.whole) for h in repository.healed] == [(name, False)]
    assert "stands in for it" in repository.healings()[0]
    assert (path.read_bytes() if path.exists() else None) == before
    # The next backup stores it again.
    assert damage.noted(repository) == {damage.place_of(stored.name)}


def test_other_rows_under_a_name_of_its_id_are_never_believed(repository, stored):
    stand_in(repository, ROWS.replace(b"1", b"2"), stored.id)
    flip(path_of(repository, stored.name))
    with pytest.raises(ObjectDamaged, match="digest"):
        repository.get("chunk", stored)
    (noted,) = damage.read(repository)
    assert (noted.kind, noted.stored) == ("chunk", stored) and "digest" in noted.reason


def test_it_is_read_once_more_before_it_is_called_damaged(repository, stored, monkeypatch):
    get, answers = repository.objects.get, [b"a bad transfer"]
    monkeypatch.setattr(repository.objects, "get", lambda *what: answers.pop() if answers else get(*what))
    assert repository.get("chunk", stored) == ROWS
    assert repository.healed == [] and damage.noted(repository) == frozenset()


@pytest.mark.parametrize("harm", [flip, Path.unlink])
def test_another_storage_heals_it(repository, stored, tmp_path, harm):
    copy = copy_of(repository, tmp_path / "copy")
    repository.others = lambda: (copy,)
    harm(path_of(repository, stored.name))
    assert repository.get("chunk", stored) == ROWS
    assert [(h.source, h.whole) for h in repository.healed] == [(copy.where, True)]
    assert Repository.open("yard", storage=repository.objects.storage).get("chunk", stored) == ROWS


def test_where_both_are_damaged_it_is_said_and_noted(repository, stored, tmp_path):
    copy = copy_of(repository, tmp_path / "copy")
    repository.others = lambda: (copy,)
    for place in (repository, copy):
        path_of(place, stored.name).unlink()
    with pytest.raises(ObjectMissing, match=stored.name):
        repository.get("chunk", stored)
    assert damage.noted(repository) == {damage.place_of(stored.name)}


def test_a_storage_that_is_away_is_not_called_damaged_and_another_serves_for_it(
    repository, stored, tmp_path, monkeypatch
):
    copy = copy_of(repository, tmp_path / "copy")
    monkeypatch.setattr(repository.objects, "get", away)
    with pytest.raises(StorageUnavailable):
        repository.get("chunk", stored)
    repository.others = lambda: (copy,)
    assert repository.get("chunk", stored) == ROWS
    assert damage.noted(repository) == frozenset()


def away(*_: object) -> bytes:
    raise StorageUnavailable("The storage failed: no route to it.")


def test_what_cannot_be_written_to_is_read_all_the_same(repository, stored, monkeypatch):
    repository.put("chunk", ROWS, new_run())
    flip(path_of(repository, stored.name))

    def refuse(*_: object) -> None:
        raise StorageUnavailable("The storage refused it.")

    monkeypatch.setattr(repository.objects, "put", refuse)
    monkeypatch.setattr(repository.objects, "replace", refuse)
    assert repository.get("chunk", stored) == ROWS
    assert not repository.healed[0].whole


def test_a_note_goes_away_with_what_it_speaks_of(repository, stored):
    damage.clear(repository, stored.name)
    damage.note(repository, stored.name, "gone", "chunk", stored)
    damage.note(repository, stored.name, "still gone")
    assert [noted.reason for noted in damage.read(repository)] == ["gone"]
    damage.clear(repository, stored.name)
    assert damage.noted(repository) == frozenset()


def test_the_bytes_of_a_name_can_be_given_back_and_no_half_is_ever_seen(repository, stored):
    path = path_of(repository, stored.name)
    whole = path.read_bytes()
    flip(path)
    with pytest.raises(NameTaken):
        repository.objects.put(stored.name, whole)
    repository.objects.replace(stored.name, whole)
    assert path.read_bytes() == whole and path.stat().st_mode & 0o777 == 0o600
    assert all_objects(repository, without=()) == all_objects(repository)


def test_a_name_that_is_none_of_its_kind_is_never_opened(repository, stored):
    with pytest.raises(ObjectDamaged, match="no name for a chunk"):
        repository.get("chunk", replace(stored, name=stored.name.replace("chunks/", "pages/")))
